"""Which events a full lossy lane gives up: the lowest severity first. Pure choice; the caller removes and counts."""

from __future__ import annotations

from collections.abc import Iterable

from forwarder.model.event import Event

SHARE = 20
"""A full window sheds 1/20 of its capacity at once, so that finding the lowest costs little per event."""


class Shedder:
    """`_floor` is never above the lowest severity in the window: an event below it is shed without a look at the window."""

    __slots__ = ("_floor",)

    def __init__(self) -> None:
        self._floor = 7

    def added(self, severity: int) -> None:
        self._floor = min(self._floor, severity)

    def choose(self, window: Iterable[Event], incoming: Event, capacity: int) -> list[Event]:
        """The events to give up so that `incoming` fits; `[incoming]` when nothing in the window is as low.

        Among equals the oldest goes first: the stalest event is the one a receiver misses least.
        """
        if incoming.severity < self._floor:
            return [incoming]
        by_severity: list[list[Event]] = [[] for _ in range(7)]
        for event in window:
            by_severity[event.severity].append(event)
        self._floor = next((level for level, events in enumerate(by_severity) if events), 7)
        if incoming.severity < self._floor or self._floor == 7:
            return [incoming]
        most = max(1, capacity // SHARE)
        return by_severity[self._floor][:most]
