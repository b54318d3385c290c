"""Which event types come, how many and since when: learned from what is read, within bounds. Pure; asks no clock and no router.

Counting is done once per chunk, not once per event, and kept per type. With which severity and tenant a type comes is learned
where the router meets it for the first time. Nothing is kept over a restart: it is learned again from what comes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from forwarder.model.event import TP, Event

MAX_TYPES = 1_000
"""Types kept per topic. Types are the producers' to choose; those that come later are counted together."""
MAX_TYPE_LENGTH = 256
"""Characters; a longer type is counted with the others."""
MAX_SHAPES = 64
"""Pairs of severity and tenant kept per type."""

_TYPE = attrgetter("type")


@dataclass(slots=True)
class Kind:
    """One type. `first` and `last` are seconds since the Unix epoch, of the chunks in which it came; `shapes` are pairs of severity
    and tenant."""

    count: int = 0
    first: float = 0.0
    last: float = 0.0
    shapes: set[tuple[int, str]] = field(default_factory=set)

    def add(self, count: int, now: float) -> None:
        """So many more came, at `now`."""
        self.first = min(self.first, now) if self.count else now
        self.count += count
        self.last = max(self.last, now)


@dataclass(frozen=True, slots=True)
class Seen:
    """A type as of one moment. `type` is None for all types together that there was no room for."""

    topic: str
    type: str | None
    count: int
    first: float
    last: float
    shapes: tuple[tuple[int, str], ...] = ()

    def events(self) -> Iterable[Event]:
        """One event for each shape: what a router needs to know of them, and nothing else."""
        shapes = self.shapes or ((0, ""),)
        for severity, tenant in () if self.type is None else shapes:
            place = TP(self.topic, 0)
            yield Event(place, 0, 0, None, b"{}", (), "", self.type or "", 0, severity, tenant, 2)


class Catalogue:
    """The types of all topics of one worker."""

    def __init__(self, max_types: int = MAX_TYPES) -> None:
        self._max_types = max_types
        self._topics: dict[str, dict[str, Kind]] = {}
        self._others: dict[str, Kind] = {}

    def note(self, topic: str, events: Sequence[Event], now: float) -> None:
        """Events of one topic were read. Those that cannot be read as events have no type and are not counted."""
        kinds = self._topics.setdefault(topic, {})
        counts = Counter(map(_TYPE, events))
        if "" in counts:
            counts[""] -= sum(event.problem is not None for event in events)
        for type_, count in counts.items():
            if count:
                (kinds.get(type_) or self._kind(topic, type_)).add(count, now)

    def shape(self, event: Event) -> None:
        """The router does not remember this event's type with this severity and tenant."""
        kind = self._kind(event.tp.topic, event.type)
        if len(kind.shapes) < MAX_SHAPES and kind is not self._others.get(event.tp.topic):
            kind.shapes.add((event.severity, event.tenant))

    def seen(self) -> list[Seen]:
        """What came so far, by topic and type; the others of a topic last."""
        found = []
        for topic in sorted(self._topics):
            kinds = sorted(self._topics[topic].items())
            found += [_seen(topic, type_, kind) for type_, kind in kinds if kind.count]
            if topic in self._others:
                found.append(_seen(topic, None, self._others[topic]))
        return found

    def _kind(self, topic: str, type_: str) -> Kind:
        kinds = self._topics.setdefault(topic, {})
        if type_ in kinds:
            return kinds[type_]
        if len(kinds) >= self._max_types or len(type_) > MAX_TYPE_LENGTH:
            return self._others.setdefault(topic, Kind())
        return kinds.setdefault(type_, Kind())


def _seen(topic: str, type_: str | None, kind: Kind) -> Seen:
    return Seen(topic, type_, kind.count, kind.first, kind.last, tuple(sorted(kind.shapes)))
