"""`json`: one array of the producers' own bytes. Never re-encodes a value."""

from __future__ import annotations

from collections.abc import Sequence

from forwarder.deliver.payload.body import json_value
from forwarder.deliver.payload.provider import Body, Provider
from forwarder.model.event import Event


class JsonArray(Provider):
    """`[v1,v2]`."""

    def render(self, events: Sequence[Event]) -> Body:
        """Never raises."""
        return Body(b"[" + b",".join([json_value(event) for event in events]) + b"]", self.spec.content_type)
