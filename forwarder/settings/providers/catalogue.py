"""The built-in providers, read once from the files beside this one. Judges no webhook."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from forwarder.settings.providers.spec import ProviderSpec


@cache
def builtin() -> dict[str, ProviderSpec]:
    """By name, in alphabetical order. Raises pydantic's ValidationError where a file of ours is wrong."""
    folder = files("forwarder.settings.providers") / "builtin"
    found = sorted((item.name, item.read_text("utf-8")) for item in folder.iterdir() if item.name.endswith(".yaml"))
    return {name.removesuffix(".yaml"): ProviderSpec.model_validate(_document(text)) for name, text in found}


def _document(text: str) -> Any:
    """Scalars stay text, as in the configuration, so that a built-in file means the same when a user copies it."""
    return yaml.load(text, Loader=_Plain)


class _Plain(yaml.CBaseLoader):
    """Every scalar is text, as the configuration's own reader has it."""
