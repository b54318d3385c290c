"""An import's outcome as the text of a configuration file, with what to do about it in comments. Holds no product."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from forwarder.settings.imports.outcome import Outcome, Reference


def text(outcome: Outcome, product: str) -> str:
    """The whole file. It holds no secret unless the outcome reveals them."""
    document = _plain({**outcome.process, "webhooks": outcome.webhooks})
    body: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)
    return "\n".join(_heading(outcome, product)) + "\n" + body


def _heading(outcome: Outcome, product: str) -> Iterator[str]:
    yield f"# Made by `forwarder import {product}`. Check it with `forwarder validate`."
    if outcome.needed:
        yield "#"
        yield "# Secrets are not in this file. Set these variables where Forwarder runs (a value that is no URL may also come from"
        yield '# a file: {"@type": File, filePath: ...}), or run the import again with --with-secrets:'
        width = max(len(needed.variable) for needed in outcome.needed)
        yield from (f"#   {needed.variable:<{width}}  is {_line(needed.place)}" for needed in outcome.needed)
    if outcome.lost:
        yield "#"
        yield "# Not carried over:"
        yield from (f"#   {_line(lost)}" for lost in outcome.lost)
    if any("allowPlainHttp" in hook for hook in outcome.webhooks):
        yield "#"
        yield "# Receivers inside your network need `egress: {allow: [their network]}`: private addresses are refused by default."
    yield ""


def _line(said: str) -> str:
    """One line, so that it cannot leave its comment."""
    return " ".join(said.split())


def _plain(value: Any) -> Any:
    """The value for YAML. A `${` that was in the imported file is kept from being replaced."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Reference):
        return str(value)
    return value.replace("${", "$${") if isinstance(value, str) else value
