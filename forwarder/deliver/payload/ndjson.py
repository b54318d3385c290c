"""`ndjson`: one value per line, a final newline. Never re-encodes a value; line breaks between tokens become spaces."""

from __future__ import annotations

from collections.abc import Sequence

from forwarder.deliver.payload.body import json_value, on_one_line
from forwarder.deliver.payload.provider import Body, Provider
from forwarder.model.event import Event


class Ndjson(Provider):
    """Newline-delimited JSON (https://github.com/ndjson/ndjson-spec)."""

    def render(self, events: Sequence[Event]) -> Body:
        """Never raises."""
        lines = [on_one_line(json_value(event)) for event in events]
        lines.append(b"")
        return Body(b"\n".join(lines), self.spec.content_type)
