"""Where catch-up reads next on one partition, and for how long. Pure: cursors, room and time are arguments. Reads and feeds nothing.

The *sweep* is an elevator: it goes on with the lanes that ride at its position, waits a little when most of them have enough, jumps
to the next hungry lane ahead, and begins again at the lowest one only when nobody is ahead. The *express* serves what the sweep
would come to late: the lanes nearest to the router, and now and then the one that has waited longest.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from operator import attrgetter

LEG_RECORDS = 5_000
"""Records of a leg: a lane that flapped waits for at most one of somebody else's."""

EXPRESS_SHARE = 0.25
"""Records that the express may read for each one of the sweep."""

EXPRESS_PER_SECOND = 100.0
"""What it may read while the sweep waits, so that slow passengers of the sweep cost the others little."""

WORTH_RECORDS = 2.0
"""So many records per event handed to a lane are no waste: they cost the express nothing."""

EXPRESS_CREDIT = 4 * LEG_RECORDS
"""What the express may save up in a time without need: then a lane that flaps is back before the sweep goes on."""

SOON_RECORDS = 2 * LEG_RECORDS
"""The express leaves to the sweep what it reaches that soon."""

PATIENCE_SECONDS = 8.0
"""How long the sweep waits while most of its passengers have enough: what is read meanwhile would be read again for them. Halved each
time that they are not hungry by then, so that slow lanes hold up the others for no more than twice as long in all."""

LEAST_PATIENCE_SECONDS = 0.1

SATED_SHARE = 1 / 32
"""The sweep waits while more than this share of its passengers has enough: whoever is slower than most is left behind."""

STARVED_SECONDS = 30.0
"""A hungry lane that was not fed for so long gets every fourth leg of the express."""


class Appetite(Enum):
    """HUNGRY: half of its room is free, it is worth a journey. CONTENT: takes what comes along. FULL: has refused an event."""

    HUNGRY = "hungry"
    CONTENT = "content"
    FULL = "full"


class Coach(Enum):
    """Each has a fetch position of its own, so that neither throws away what was fetched for the other."""

    SWEEP = "sweep"
    EXPRESS = "express"


@dataclass(frozen=True, slots=True)
class Stop:
    """A lane that is behind: its next offset, its appetite, whether its endpoint is well, seconds since it was fed last."""

    cursor: int
    appetite: Appetite
    well: bool = True
    waited: float = 0.0


@dataclass(frozen=True, slots=True)
class Leg:
    """Read on from `start`, at most LEG_RECORDS."""

    coach: Coach
    start: int


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing to read before `seconds` have passed or a lane calls; infinity: until a lane calls."""

    seconds: float


class Itinerary:
    """One per partition. `sweep` is the sweep's next position. Time is monotonic seconds."""

    def __init__(self) -> None:
        self.sweep = -1
        self.credit = 0.0
        self._earning = math.inf
        self._patience = PATIENCE_SECONDS
        self._until = math.inf
        self._express_legs = 0

    def next(self, stops: Sequence[Stop], router: int, now: float) -> Leg | Rest:
        """`stops` by cursor, all below `router`, the offset where the shared read stands."""
        hungry = [stop for stop in stops if stop.appetite is Appetite.HUNGRY]
        if not hungry:
            return Rest(math.inf)
        sweep = self._sweep(stops, hungry, now)
        target = sweep.start if isinstance(sweep, Leg) else self.sweep
        self._earn(now, isinstance(sweep, Rest))
        others = [stop for stop in hungry if stop.cursor != target]
        start = self._express(others, target, router) if others else None
        if start is not None and self.credit > 0:
            return Leg(Coach.EXPRESS, start)
        if isinstance(sweep, Rest) and start is not None:
            return Rest(min(sweep.seconds, LEAST_PATIENCE_SECONDS - self.credit / EXPRESS_PER_SECOND))
        return sweep

    def rode(self, leg: Leg, reached: int, records: int, taken: int) -> None:
        """A leg has ended at position `reached`, after so many records; lanes have taken so many events of them."""
        if leg.coach is Coach.SWEEP:
            self.sweep = reached
            self.credit = min(EXPRESS_CREDIT, self.credit + records * EXPRESS_SHARE)
        else:
            self._express_legs += 1
            self.credit -= max(0.0, records - WORTH_RECORDS * taken)

    def _earn(self, now: float, waits: bool) -> None:
        if waits:
            self.credit = min(EXPRESS_CREDIT, self.credit + max(0.0, now - self._earning) * EXPRESS_PER_SECOND)
        self._earning = now if waits else math.inf

    def _sweep(self, stops: Sequence[Stop], hungry: Sequence[Stop], now: float) -> Leg | Rest:
        here = stops[bisect_left(stops, self.sweep, key=_cursor) : bisect_right(stops, self.sweep, key=_cursor)]
        eager = _at(hungry, self.sweep)
        sated = sum(stop.appetite is Appetite.CONTENT and stop.well for stop in here)
        if _crowded(eager, sated) and self._waits_on(now):
            return Rest(self._until - now)
        if eager:
            self._company(not _crowded(eager, sated))
            return Leg(Coach.SWEEP, self.sweep)
        self._company(False)
        ahead = bisect_right(hungry, self.sweep, key=_cursor)
        return Leg(Coach.SWEEP, hungry[ahead % len(hungry)].cursor)

    def _waits_on(self, now: float) -> bool:
        """Whether the sweep still has patience with its passengers."""
        if math.isinf(self._until):
            self._until = now + self._patience
        return now < self._until

    def _company(self, ready: bool) -> None:
        """The sweep goes on: because its passengers are hungry, or because its patience is over."""
        if not math.isinf(self._until):
            self._patience = self._patience * 2 if ready else self._patience / 2
            self._patience = max(LEAST_PATIENCE_SECONDS, min(PATIENCE_SECONDS, self._patience))
        self._until = math.inf

    def _express(self, hungry: Sequence[Stop], sweep: int, router: int) -> int | None:
        """Where the express should go: None where the sweep is about to come by itself."""
        longest = max(hungry, key=_waited)
        if self._express_legs % 4 == 3 and longest.waited >= STARVED_SECONDS:
            return longest.cursor
        # Those at up to twice the distance come along: together they cost less than one after another, and the nearest
        # waits at most twice as long. Lanes all over the topic are so served in a few runs, each twice as long as the last.
        distance = router - hungry[-1].cursor
        start = hungry[bisect_left(hungry, router - 2 * distance, key=_cursor)].cursor
        return None if sweep <= start <= sweep + SOON_RECORDS else start


def worth_going_on(aboard: Sequence[Appetite], ahead: bool) -> bool:
    """Whether a leg should go on: most passengers are hungry, or there is none and somebody waits `ahead`, within the leg."""
    hungry = aboard.count(Appetite.HUNGRY)
    return not _crowded(hungry, aboard.count(Appetite.CONTENT)) and (hungry > 0 or ahead)


def _crowded(eager: int, sated: int) -> bool:
    """Too many would be left behind: what is read now would be read again for them."""
    return sated > SATED_SHARE * (eager + sated)


def _at(stops: Sequence[Stop], cursor: int) -> int:
    return bisect_right(stops, cursor, key=_cursor) - bisect_left(stops, cursor, key=_cursor)


_cursor, _waited = attrgetter("cursor"), attrgetter("waited")
