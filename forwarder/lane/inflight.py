"""The batches of one lane that are on their way, as a collection: add, look, take back. Knows neither time nor policy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from forwarder.lane.flight import Fate, Flight, Part, part_of
from forwarder.model.event import TP, Event


class InFlight:
    """`items` are in the order in which they were put on their way."""

    def __init__(self) -> None:
        self.items: list[Flight] = []
        self._numbers = 0

    @property
    def busy(self) -> bool:
        """Whether any action is under way."""
        return any(flight.busy for flight in self.items)

    @property
    def attempting(self) -> bool:
        """Whether any attempt is under way."""
        return any(flight.busy and flight.head.fate is Fate.SEND for flight in self.items if flight.parts)

    def new_flight(self, part: Part) -> Flight:
        """Put a part on its way."""
        self._numbers += 1
        flight = Flight(self._numbers)
        flight.parts.append(part)
        self.items.append(flight)
        return flight

    def events(self) -> Iterator[Event]:
        """Every event in flight."""
        return (event for flight in self.items for part in flight.parts for event in part.events)

    def offsets(self, tp: TP, first: int) -> set[int]:
        """Offsets of one partition in flight, from `first` on."""
        return {event.offset for event in self.events() if event.offset >= first and event.tp == tp}

    def frozen(self) -> list[Flight]:
        """Flights whose first part was attempted or has its fate: another configuration changes nothing about it."""
        return [flight for flight in self.items if flight.head.attempts or flight.head.fate is not Fate.SEND]

    def abandon(self, keep: Sequence[Flight] = ()) -> list[Event]:
        """Remove every part but the first ones of flights under way and of those in `keep`; return the events removed."""
        dropped: list[Event] = []
        for flight in list(self.items):
            kept = 1 if flight.busy or flight in keep else 0
            while len(flight.parts) > kept:
                dropped += flight.parts.pop().events
            if not flight.parts:
                self.items.remove(flight)
        return dropped

    def strip(self, gone: frozenset[TP]) -> list[Event]:
        """Remove the events of lost partitions and return them; a part that loses events is frozen no longer."""
        released: list[Event] = []
        for flight in list(self.items):
            for _ in range(len(flight.parts)):
                part = flight.parts.popleft()
                lost = [event for event in part.events if event.tp in gone]
                kept = tuple(event for event in part.events if event.tp not in gone)
                if lost and kept:
                    fresh = part_of(kept, part.fate)
                    fresh.reason = part.reason
                    part = fresh
                if kept:
                    flight.parts.append(part)
                released += lost
            if not flight.parts:
                self.items.remove(flight)
        return released
