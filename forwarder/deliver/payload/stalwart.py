"""`stalwart`: the envelope of Stalwart's webhooks around the producers' own bytes. Never re-encodes a value."""

from __future__ import annotations

from collections.abc import Sequence

from forwarder.deliver.payload.body import Body, json_string, json_value
from forwarder.deliver.payload.timestamps import timestamp
from forwarder.model.event import Event, event_id
from forwarder.settings.webhook import Payload

_NANOSECONDS_PER_MILLISECOND = 1_000_000


def render(events: Sequence[Event], payload: Payload, cluster: str) -> Body:
    """`{"events":[{"id","createdAt","type","data"}]}` (Stalwart manual, "Webhooks"); `id` stays the same on every retry."""
    entries = [_entry(event, payload, cluster) for event in events]
    return Body(b'{"events":[' + b",".join(entries) + b"]}", "application/json")


def _entry(event: Event, payload: Payload, cluster: str) -> bytes:
    # An event without a time of its own was created, for all we know, when its record was.
    created = event.time_ns or event.timestamp_ms * _NANOSECONDS_PER_MILLISECOND
    return b'{"id":%b,"createdAt":%b,"type":%b,"data":%b}' % (
        json_string(event_id(event, cluster)),
        timestamp(created, payload.timestamp_format),
        json_string(event.type),
        json_value(event),
    )
