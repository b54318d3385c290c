"""A partition, a reader and lanes as numbers: what an itinerary makes of them in virtual time. No Kafka, no loop, no events."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from forwarder.flow.catchup_itinerary import LEG_RECORDS, Appetite, Itinerary, Leg, Stop, worth_going_on

PASS_RECORDS = 2_000
LEG_SECONDS = 0.2


@dataclass
class Rider:
    """A lane that wants each record with probability `wants`, holds up to `capacity` events and delivers `rate` events a second."""

    cursor: int
    wants: float
    rate: float
    capacity: int = 4000
    well: bool = True
    held: float = 0.0
    taken: int = 0
    blocked: bool = False
    fed: float = 0.0
    longest: float = 0.0
    live_at: float | None = None

    def deliver(self, seconds: float) -> None:
        self.held -= min(self.held, self.rate * seconds)
        self.blocked = self.blocked and self.held > self.capacity * 0.9

    @property
    def appetite(self) -> Appetite:
        if self.blocked:
            return Appetite.FULL
        return Appetite.HUNGRY if self.held * 2 < self.capacity else Appetite.CONTENT


@dataclass
class Model:
    """`speed` is records read per second, `loop` events delivered per second by all lanes together. `grow`: records a second come
    in at the head."""

    riders: list[Rider]
    router: int
    speed: float = 40_000.0
    loop: float = 1e9
    grow: float = 0.0
    dice: random.Random = field(default_factory=lambda: random.Random(1))
    now: float = 0.0
    read: int = 0
    seeks: int = 0

    def __post_init__(self) -> None:
        self.itinerary = Itinerary()
        self._positions: dict[object, int] = {}

    @property
    def behind(self) -> list[Rider]:
        return [rider for rider in self.riders if rider.live_at is None]

    @property
    def ratio(self) -> float:
        return self.read / max(1, sum(rider.taken for rider in self.riders))

    def run(self, until: float) -> None:
        """Until the time, or until nobody is behind."""
        while self.now < until and self.behind:
            self.step()

    def step(self) -> None:
        order = sorted(self.behind, key=lambda rider: rider.cursor)
        for rider in order:
            hungry = rider.appetite is Appetite.HUNGRY
            rider.fed = rider.fed if hungry else self.now
            rider.longest = max(rider.longest, self.now - rider.fed)
        stops = [Stop(r.cursor, r.appetite, r.well, self.now - r.fed) for r in order]
        step = self.itinerary.next(stops, self.router, self.now)
        if isinstance(step, Leg):
            self.ride(step, order)
        else:
            self.pass_time(min(max(step.seconds, 0.02), 0.05))

    def ride(self, leg: Leg, order: list[Rider]) -> None:
        before = sum(rider.taken for rider in self.riders)
        self.seeks += self._positions.get(leg.coach, -1) != leg.start
        position, started, end = leg.start, self.now, min(leg.start + LEG_RECORDS, self.router)
        while position < end and self.now - started < LEG_SECONDS:
            upto = min(position + PASS_RECORDS, end)
            for rider in order:
                if position <= rider.cursor < upto and rider.appetite is not Appetite.FULL:
                    self.feed(rider, upto)
            self.read += upto - position
            self.pass_time((upto - position) / self.speed)
            position = upto
            if not worth_going_on(
                [r.appetite for r in order if r.cursor == position], any(position < r.cursor < end for r in order)
            ):
                break
        self._positions[leg.coach] = position
        self.itinerary.rode(leg, position, position - leg.start, sum(rider.taken for rider in self.riders) - before)

    def feed(self, rider: Rider, upto: int) -> None:
        expected = (upto - rider.cursor) * rider.wants
        wanted = int(expected) + (self.dice.random() < expected % 1)
        room = int(rider.capacity - rider.held)
        rider.fed = self.now
        if wanted > room:
            rider.blocked = True
            rider.cursor += int((upto - rider.cursor) * room / wanted)
            wanted = room
        else:
            rider.cursor = upto
        rider.held += wanted
        rider.taken += wanted
        if rider.cursor >= self.router:
            rider.live_at = self.now

    def pass_time(self, seconds: float) -> None:
        """Lanes deliver; all of them together no more than the loop can."""
        self.now += seconds
        self.router += round(self.grow * seconds)
        asked = sum(min(rider.held, rider.rate * seconds) for rider in self.riders)
        share = min(1.0, self.loop * seconds / asked) if asked else 1.0
        for rider in self.riders:
            rider.deliver(seconds * share)


def spread(lanes: int, records: int, rate: float = 100.0, capacity: int = 4000) -> list[Rider]:
    """Each record wanted by one lane; cursors evenly spread."""
    return [Rider(records * n // lanes, 1 / lanes, rate, capacity) for n in range(lanes)]
