"""`jsm` and `opsgenie`: a shape to open an alert; closing and acknowledging are requests of their own, below the alert's alias.

Opsgenie docs, "Alert API": POST /v2/alerts/{alias}/close?identifierType=alias; JSM Operations has the same below its own path.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from forwarder.deliver.payload.body import json_string
from forwarder.deliver.payload.provider import Body
from forwarder.deliver.payload.shape.names import summary
from forwarder.deliver.payload.shape.scene import Scene, text_of
from forwarder.deliver.payload.shaped import Shaped
from forwarder.model.event import Event
from forwarder.settings.payload import Payload

_ACTIONS = frozenset({"close", "acknowledge"})
_NOTE = 25_000
"""Characters of a note (Opsgenie docs, Alert API)."""


class Alerts(Shaped):
    """One event per request."""

    def __init__(self, payload: Payload, cluster: str) -> None:
        """Raises LeafError (a ValueError) for a path that the checks refuse."""
        super().__init__(payload, cluster)
        self._action = self.part("$at.alias|then:at.status|map:actions")  # without one, no alert would be found
        self._alias = self.part("$at.alias|or:identity|key:512")

    def render(self, events: Sequence[Event]) -> Body:
        """Raises Unrenderable."""
        scene = Scene(events[0], self.cluster, 1) if events else None
        action = self._action(scene) if scene else None
        if scene is None or action not in _ACTIONS:
            return super().render(events)
        alias = text_of(self._alias(scene) or "")
        source = text_of(str(self.options.get("source") or "Forwarder"))
        note = json_string(summary(scene)[:_NOTE])
        content = b'{"source":%b,"note":%b}' % (json_string(source), note)
        path = f"/{quote(alias.encode('utf-8', 'replace'), safe='')}/{action}?identifierType=alias"
        return Body(content, self.spec.content_type, path=path)
