"""The built-in providers, read once from the files beside this one. Judges no webhook."""

from __future__ import annotations

from functools import cache
from typing import Any

import yaml

from forwarder.settings.providers.spec import ProviderSpec
from forwarder.settings.shipped import shipped


@cache
def builtin() -> dict[str, ProviderSpec]:
    """By name, in alphabetical order. Raises pydantic's ValidationError where a file of ours is wrong."""
    found = shipped("forwarder.settings.providers", "builtin", ".yaml")
    return {name: ProviderSpec.model_validate(_document(text)) for name, text in found.items()}


def _document(text: str) -> Any:
    """Scalars stay text, as in the configuration, so that a built-in file means the same when a user copies it."""
    return yaml.load(text, Loader=_Plain)


class _Plain(yaml.CBaseLoader):
    """Every scalar is text, as the configuration's own reader has it."""
