"""`ndjson`: one value per line, a final newline. Never re-encodes a value; line breaks between tokens become spaces."""

from __future__ import annotations

from collections.abc import Sequence

from forwarder.deliver.payload.body import Body, json_value, on_one_line
from forwarder.model.event import Event
from forwarder.settings.webhook import Payload


def render(events: Sequence[Event], payload: Payload, cluster: str) -> Body:
    """Newline-delimited JSON (https://github.com/ndjson/ndjson-spec)."""
    lines = [on_one_line(json_value(event)) for event in events]
    lines.append(b"")
    return Body(b"\n".join(lines), "application/x-ndjson")
