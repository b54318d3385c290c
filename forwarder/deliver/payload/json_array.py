"""`json`: one array of the producers' own bytes. Never re-encodes a value."""

from __future__ import annotations

from collections.abc import Sequence

from forwarder.deliver.payload.body import Body, json_value
from forwarder.model.event import Event
from forwarder.settings.webhook import Payload


def render(events: Sequence[Event], payload: Payload, cluster: str) -> Body:
    """`[v1,v2]`."""
    return Body(b"[" + b",".join([json_value(event) for event in events]) + b"]", "application/json")
