"""A format that is data alone: the tree of its file, filled in for each event. Looks into a record only where the tree does."""

from __future__ import annotations

from collections.abc import Sequence

from forwarder.deliver.payload.provider import Body, Provider
from forwarder.model.event import Event


class Shaped(Provider):
    """`spec.body` for each event, joined as `spec.batch` says."""

    def render(self, events: Sequence[Event]) -> Body:
        """Raises Unrenderable."""
        raise NotImplementedError
