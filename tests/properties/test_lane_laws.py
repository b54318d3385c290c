"""Laws of a lane among router, Kafka, catch-up, checkpoints and a moody endpoint, over random histories.

Durable: every event that matches has exactly one outcome; with crashes at least one, and nothing below a cursor is ever lost.
Lossy: delivered and discarded together are all that matched. Always: order, limits, books and budget.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from forwarder.model.event import TP
from tests.properties.lane_world import Mood, Taste, World

TPS = st.sampled_from([TP("logs", 0), TP("logs", 1)])
TASTES = st.sampled_from([Taste.FINE] * 6 + [Taste.UNWANTED, Taste.MARKER, Taste.REFUSED, Taste.TOO_LARGE])
MOODS = st.sampled_from([Mood.WELL] * 4 + [Mood.BUSY, Mood.TIMEOUT, Mood.DOWN])


class Durable(RuleBasedStateMachine):
    """One request at a time; nothing expires, nobody crashes."""

    given: dict[str, object] = {}
    crashes = False

    @initialize(room=st.integers(6, 20), throttle=st.sampled_from([0, 2]))
    def begin(self, room: int, throttle: int) -> None:
        self.world = World(room=room, throttle=throttle, **self.given)

    @rule(tp=TPS, tastes=st.lists(TASTES, min_size=1, max_size=12))
    def produce(self, tp: TP, tastes: list[Taste]) -> None:
        for taste in tastes:
            self.world.produce(tp, taste, severity=1 + len(self.world.log[tp]) % 6)

    @rule(tp=TPS, count=st.integers(1, 15))
    def read(self, tp: TP, count: int) -> None:
        self.world.read(tp, count)

    @rule(tp=TPS, count=st.integers(1, 5), skip=st.integers(1, 5))
    def read_after_a_gap(self, tp: TP, count: int, skip: int) -> None:
        self.world.read(tp, count, skip)

    @rule()
    def serve(self) -> None:
        self.world.serve()

    @rule(seconds=st.sampled_from([0.5, 3.0, 400.0]))
    def advance(self, seconds: float) -> None:
        self.world.advance(seconds)

    @rule(count=st.integers(1, 8))
    def catch_up(self, count: int) -> None:
        self.world.catch_up(count)

    @rule(index=st.integers(0, 5), mood=MOODS, written=st.sampled_from([True, True, False]))
    def finish(self, index: int, mood: Mood, written: bool) -> None:
        self.world.finish(index, mood, written)

    @rule(moods=st.lists(MOODS, min_size=3, max_size=12))
    def finish_some(self, moods: list[Mood]) -> None:
        for mood in moods:
            self.world.advance(1.0)
            self.world.catch_up()
            self.world.finish(0, mood)

    @rule()
    def gone(self) -> None:
        self.world.finish(0, Mood.GONE)

    @rule()
    def shrink(self) -> None:
        if not self.world.lane.policy.lossy:
            self.world.lane.shrink()

    @rule()
    def off(self) -> None:
        self.world.off()

    @rule()
    def on(self) -> None:
        self.world.on()

    @rule()
    def reconfigure(self) -> None:
        self.world.reconfigure()

    @rule()
    def save(self) -> None:
        self.world.save()

    @rule(restart=st.booleans())
    def hand_over(self, restart: bool) -> None:
        self.world.hand_over(restart=restart)

    @precondition(lambda self: self.crashes)
    @rule()
    def crash(self) -> None:
        self.world.crash()

    @precondition(lambda self: self.crashes)
    @rule(tp=TPS, upto=st.integers(0, 30))
    def delete(self, tp: TP, upto: int) -> None:
        self.world.delete(tp, min(upto, self.world.positions[tp]))

    @invariant()
    def holds(self) -> None:
        if hasattr(self, "world"):
            self.world.check()

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.settle()


class DurableWithCrashes(Durable):
    """Also kill -9 and retention."""

    crashes = True


class Concurrent(Durable):
    """Three requests at a time: order is given up, nothing else."""

    given = {"concurrency": 3}


class ConcurrentWithCrashes(DurableWithCrashes):
    given = {"concurrency": 3}


class Impatient(DurableWithCrashes):
    """Events expire and attempts are bounded."""

    given = {"discardAfter": 20, "retry": {"maxAttempts": 4}}


class Lossy(Durable):
    given = {"lossy": True}


class Grouping(Durable):
    """Windows by time proximity, with urgent events."""

    given = {"idleGap": 1, "maxWait": 5, "flushLevel": 5}


@pytest.mark.parametrize(
    "machine", [Durable, DurableWithCrashes, Concurrent, ConcurrentWithCrashes, Impatient, Lossy, Grouping]
)
def test_a_lane_keeps_its_promises(machine: type[Durable]) -> None:
    case = machine.TestCase
    case.settings = settings(
        max_examples=40, stateful_step_count=60, deadline=None, suppress_health_check=list(HealthCheck)
    )
    case("runTest").debug()
