"""`stalwart`: the envelope of Stalwart's webhooks around the producers' own bytes. Never re-encodes a value."""

from __future__ import annotations

from collections.abc import Sequence

from forwarder.deliver.payload.body import json_string, json_value
from forwarder.deliver.payload.provider import Body, Provider
from forwarder.deliver.payload.timestamps import timestamp
from forwarder.model.event import Event, event_id

_NANOSECONDS_PER_MILLISECOND = 1_000_000


class Stalwart(Provider):
    """`{"events":[{"id","createdAt","type","data"}]}` (Stalwart manual, "Webhooks"); `id` stays the same on every retry."""

    def render(self, events: Sequence[Event]) -> Body:
        """Never raises."""
        return Body(b'{"events":[' + b",".join(map(self._entry, events)) + b"]}", self.spec.content_type)

    def _entry(self, event: Event) -> bytes:
        # An event without a time of its own was created, for all we know, when its record was.
        created = event.time_ns or event.timestamp_ms * _NANOSECONDS_PER_MILLISECOND
        return b'{"id":%b,"createdAt":%b,"type":%b,"data":%b}' % (
            json_string(event_id(event, self.cluster)),
            timestamp(created, self.payload.timestamp_format),
            json_string(event.type),
            json_value(event),
        )
