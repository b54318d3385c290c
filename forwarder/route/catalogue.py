"""Which event types come, how many and since when: learned from what is read, within bounds. Pure; asks no clock and no router.

Every event passes here, so the loop is written out flat (about 0.1 us per event). With which severity and
tenant a type comes is learned where the router meets it for the first time. Nothing is kept over a restart: it is learned again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from forwarder.model.event import TP, Event

MAX_TYPES = 1_000
"""Types kept per topic. Types are the producers' to choose; those that come later are counted together."""
MAX_TYPE_LENGTH = 256
"""Characters; a longer type is counted with the others."""
MAX_SHAPES = 50_000
"""Pairs of severity and tenant kept, over all types and topics: a few megabytes. Beyond it a type is marked as partial."""

Shape = tuple[int, str]
"""A severity and a tenant."""


@dataclass(slots=True)
class Kind:
    """One type. `first` and `last` are seconds since the Unix epoch, of the chunks in which it came."""

    first: float
    last: float
    count: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """A type as of one moment. `type` is None for all types together that there was no room for. `partial`: it came with more
    severities and tenants than `shapes` holds."""

    topic: str
    type: str | None
    count: int
    first: float
    last: float
    shapes: tuple[Shape, ...] = ()
    partial: bool = False

    def events(self) -> Iterable[Event]:
        """One event for each shape: what a router needs to know of them, and nothing else."""
        place = TP(self.topic, 0)
        for severity, tenant in self.shapes:
            yield Event(place, 0, 0, None, b"{}", (), "", self.type or "", 0, severity, tenant, 2)


class Catalogue:
    """The types of all topics of one worker."""

    def __init__(self, max_types: int = MAX_TYPES, max_shapes: int = MAX_SHAPES) -> None:
        self._max_types = max_types
        self._room = max_shapes
        self._pool: dict[Shape, Shape] = {}
        self._partial: set[tuple[str, str]] = set()
        self._topics: dict[str, dict[str, Kind]] = {}
        self._others: dict[str, Kind] = {}
        self._shapes: dict[str, dict[str, set[Shape]]] = {}

    def note(self, topic: str, events: Sequence[Event], now: float) -> None:
        """Events of one topic were read. Those that cannot be read as events have no type and are not counted."""
        kinds = self._topics.setdefault(topic, {})
        known, before = kinds.get, kinds[""].count if "" in kinds else 0
        for event in events:
            kind = known(event.type)
            if kind is None:
                kind = self._kind(topic, event.type, now)
            kind.count += 1
            kind.last = now
        if "" in kinds and kinds[""].count > before:
            self._take_back(kinds, sum(event.problem is not None for event in events))

    def shape(self, event: Event) -> None:
        """The router does not remember this event's type with this severity and tenant."""
        if len(event.type) > MAX_TYPE_LENGTH:
            return
        types = self._shapes.setdefault(event.tp.topic, {})
        if event.type not in types and len(types) >= 2 * self._max_types:
            return
        shapes = types.setdefault(event.type, set())
        shape = (event.severity, event.tenant)
        if shape in shapes:
            return
        if not self._room:
            self._partial.add((event.tp.topic, event.type))
            return
        self._room -= 1
        shapes.add(self._pool.setdefault(shape, shape))

    def seen(self) -> list[Seen]:
        """What came so far, by topic and type; the others of a topic last."""
        found = []
        for topic in sorted(self._topics):
            found += [self._seen(topic, type_, kind) for type_, kind in sorted(self._topics[topic].items())]
            if topic in self._others:
                found.append(self._seen(topic, None, self._others[topic]))
        return found

    def _kind(self, topic: str, type_: str, now: float) -> Kind:
        """Where a type counts that is new, or for which there is no room."""
        kinds = self._topics[topic]
        if type_ and (len(type_) > MAX_TYPE_LENGTH or len(kinds) >= self._max_types):
            return self._others.setdefault(topic, Kind(now, now))
        return kinds.setdefault(type_, Kind(now, now))

    def _take_back(self, kinds: dict[str, Kind], unreadable: int) -> None:
        """Records that cannot be read were counted as events without a type."""
        kinds[""].count -= unreadable
        if not kinds[""].count:
            del kinds[""]

    def _seen(self, topic: str, type_: str | None, kind: Kind) -> Seen:
        if type_ is None:
            return Seen(topic, None, kind.count, kind.first, kind.last)
        shapes = self._shapes.get(topic, {}).get(type_, ())
        partial = not shapes or (topic, type_) in self._partial
        return Seen(topic, type_, kind.count, kind.first, kind.last, tuple(sorted(shapes)), partial)
