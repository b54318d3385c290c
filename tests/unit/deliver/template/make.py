"""Templates over one sample event, for tests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from forwarder.deliver.template.engine import Template, compile_template
from forwarder.deliver.template.subject import Subject
from forwarder.model.event import TP, Event

DATA: dict[str, Any] = {
    "name": "jane", "status": "violated", "n": 5, "big": 1000000, "minus": -3, "f": 1.5, "yes": True, "no": False, "empty": "",
    "list": ["x", "y", "z"], "numbers": [3, 1, 2], "none": [], "map": {"b": 2, "a": 1},
    "nomap": {}, "user": {"name": "jo", "tags": ["p"]},
    "rows": [{"k": "a", "v": 1}, {"k": "b", "v": 2}], "spaced": "  in  ", "quote": 'say "hi"\\',
}  # fmt: skip


def subject(data: Any = None, index: int = 0, **envelope: Any) -> Subject:
    """An event as templates see it."""
    value = json.dumps(DATA if data is None else data).encode()
    fields: dict[str, Any] = {
        "id": f"id-{index}",
        "type": "rule.violated",
        "when": "2026-03-14T12:41:07.358Z",
        "severity": 4,
    }
    fields |= {
        "tenant": "acme",
        "key": None,
        "headers": (),
        "timestamp_ms": 1773492067358,
        "size": len(value),
    } | envelope
    event = Event(tp=TP("topic", 1), offset=index, value=value, **fields)
    return Subject(event, index, "cluster", "hook")


def compiled(
    source: str,
    syntax: str = "jinja",
    *,
    json: bool = False,
    digest: bool = False,
    values: Mapping[str, str] | None = None,
) -> Template:
    """A template of plain text, unless `json`."""
    return compile_template(source, syntax, json=json, digest=digest, values=values)


def render(source: str, syntax: str = "jinja", data: Any = None, *, json: bool = False) -> str:
    """What a template gives for one event."""
    return compiled(source, syntax, json=json).render((subject(data),)).decode()
