"""A record for a user's own preset, made from its paths: whatever the paths ask for is there. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from forwarder.model.event import Headers
from forwarder.settings.process import Envelope, Preset
from forwarder.source.paths import Root, parse_path

_VALUES: Mapping[str, str] = {
    "id": "forwarder-test-1",
    "type": "forwarder.test",
    "time": "2026-03-14T12:41:07.358Z",
    "severity": "medium",
    "tenant": "forwarder-test",
}


def made_up(preset: Preset, envelope: Envelope) -> tuple[bytes, Headers]:
    """Value and headers; `envelope` overrides the preset's paths, as in a source. The paths must be those of loaded settings."""
    body: dict[str, Any] = {"message": "a test event of Forwarder"}
    headers: dict[str, bytes] = {}
    for text, value in _wanted(preset, envelope):
        path = parse_path(text)
        if path.root is Root.BODY:
            body = _put(body, path.parts, value)
        elif path.root is Root.HEADER:
            headers[str(path.parts[0])] = value.encode()
    return msgspec.json.encode(body), tuple(headers.items())


def _wanted(preset: Preset, envelope: Envelope) -> Iterator[tuple[str, str]]:
    for field, value in _VALUES.items():
        text = getattr(envelope, field) or getattr(preset, field)
        if text:
            yield text, value


def _put(node: Any, parts: tuple[str | int, ...], value: str) -> Any:
    """`node` with `value` at `parts`; objects and arrays are made on the way, and what stands there otherwise gives way."""
    if not parts:
        return value
    step, rest = parts[0], parts[1:]
    if isinstance(step, str):
        inside = node if isinstance(node, dict) else {}
        return {**inside, step: _put(inside.get(step), rest, value)}
    items = list(node) if isinstance(node, list) else []
    items += [None] * (step + 1 - len(items))
    items[step] = _put(items[step], rest, value)
    return items
