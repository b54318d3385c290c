"""Laws of a lane among router, Kafka, catch-up, checkpoints and a moody endpoint, over long random histories.

Durable: every event that matches has exactly one outcome; with crashes at least one, and nothing below a cursor is ever lost.
Lossy: delivered and discarded together are all that matched. Always: order, limits, books, budget, and no standstill.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.properties.lane_places import Mood, Taste
from tests.properties.lane_world import World

STEPS = 400
LAW = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))

TASTES = {
    "clean": [Taste.FINE],
    "filtered": [Taste.FINE, Taste.UNWANTED, Taste.MARKER, Taste.DISPUTED],
    "poisoned": [Taste.FINE] * 8 + [Taste.REFUSED, Taste.TOO_LARGE],
    "refused": [Taste.REFUSED],
}
MOODS = {
    "well": [Mood.WELL],
    "flaky": [Mood.WELL, Mood.BUSY, Mood.TIMEOUT],
    "fickle": [Mood.WELL, Mood.MIXED, Mood.MIXED, Mood.BUSY],
    "down": [Mood.BUSY, Mood.DOWN],
    "unreachable": [Mood.DOWN, Mood.TIMEOUT],
    "gone": [Mood.WELL] * 10 + [Mood.GONE],
}

USUAL = {"produce": 8, "read": 10, "gap": 1, "advance": 6, "long": 1, "catch_up": 10, "finish": 14, "save": 2}
TROUBLE = {
    "hand_over": 0.5, "restart": 0.5, "shrink": 1, "off": 0.3, "on": 1, "reconfigure": 0.5, "crowd": 1,
    "refilter": 0.2, "restart_refiltered": 0.2,
}  # fmt: skip
DISASTER = {"crash": 1, "delete": 0.3, "jump": 0.1, "refilter": 0, "restart_refiltered": 0}
"""Without new filters: of what is lost before it was judged again nobody can say whether it was wanted."""


class History:
    """A life of `STEPS` random steps. The weather (tastes, moods) changes now and then."""

    def __init__(self, world: World, dice: random.Random, weights: dict[str, float]) -> None:
        self.world, self.dice = world, dice
        self.names, self.weights = list(weights), list(weights.values())
        self.moods, self.tastes = MOODS["well"], TASTES["clean"]

    def live(self) -> None:
        for step in range(STEPS):
            if step % 40 == 0:
                self.moods = self.dice.choice(list(MOODS.values()))
                self.tastes = self.dice.choice(list(TASTES.values()))
            (name,) = self.dice.choices(self.names, self.weights)
            act: Callable[[], Any] = getattr(self, name, None) or getattr(self.world, name)
            act()
            self.world.check()
        self.world.settle()

    @property
    def tp(self) -> Any:
        return self.dice.choice(self.world.tps)

    def produce(self) -> None:
        tp = self.tp
        for _ in range(self.dice.randint(1, 10)):
            self.world.produce(tp, self.dice.choice(self.tastes), severity=self.dice.randint(0, 6))

    def read(self) -> None:
        self.world.read(self.tp, self.dice.randint(1, 12))

    def gap(self) -> None:
        self.world.read(self.tp, self.dice.randint(1, 5), skip=self.dice.randint(1, 5))

    def advance(self) -> None:
        self.world.advance(self.dice.choice([0.1, 1.0, 3.0]))

    def long(self) -> None:
        self.world.advance(400.0)

    def catch_up(self) -> None:
        self.world.catch_up(self.dice.randint(1, 8))

    def finish(self) -> None:
        self.world.finish(self.dice.randint(0, 5), self.dice.choice(self.moods), written=self.dice.random() < 0.8)

    def hand_over(self) -> None:
        self.world.hand_over(restart=False)

    def restart(self) -> None:
        self.world.hand_over(restart=True)

    def refilter(self) -> None:
        self.world.reconfigure(refilter=True)

    def restart_refiltered(self) -> None:
        self.world.hand_over(restart=True, refilter=True)

    def shrink(self) -> None:
        if not self.world.lane.policy.lossy:
            self.world.lane.shrink()

    def crowd(self) -> None:
        self.world.crowd(self.dice.choice([0.0, 0.0, 0.6, 0.8, 1.0, 1.5]))

    def delete(self) -> None:
        tp = self.tp
        self.world.kafka.delete(tp, self.world.positions[tp] - self.dice.randint(0, 10))


def live(seed: int, weights: dict[str, float], **given: Any) -> World:
    dice = random.Random(seed)
    world = World(room=dice.randint(6, 20), **given)
    History(world, dice, weights).live()
    return world


@LAW
@given(seed=st.integers(0, 2**32), throttle=st.sampled_from([0, 2]))
def test_without_crashes_every_matching_event_has_exactly_one_outcome_in_order(seed: int, throttle: int) -> None:
    live(seed, USUAL | TROUBLE, throttle=throttle)


@LAW
@given(seed=st.integers(0, 2**32))
def test_with_crashes_and_retention_nothing_is_lost(seed: int) -> None:
    live(seed, USUAL | TROUBLE | DISASTER)


@LAW
@given(seed=st.integers(0, 2**32))
def test_with_a_limit_on_dead_letters_the_lane_pauses_and_still_loses_nothing(seed: int) -> None:
    live(seed, USUAL | TROUBLE | DISASTER, deadLetterLimit={"inARow": 2}, retry={"maxAttempts": 3, "cap": 20})


@LAW
@given(seed=st.integers(0, 2**32))
def test_several_requests_at_once_give_up_the_order_and_nothing_else(seed: int) -> None:
    live(seed, USUAL | TROUBLE, concurrency=3)


@LAW
@given(seed=st.integers(0, 2**32))
def test_several_requests_at_once_with_crashes_lose_nothing(seed: int) -> None:
    live(seed, USUAL | TROUBLE | DISASTER, concurrency=3)


@LAW
@given(seed=st.integers(0, 2**32))
def test_events_that_expire_are_given_up_once(seed: int) -> None:
    live(seed, USUAL | TROUBLE, discardAfter=20, retry={"maxAttempts": 4})


@LAW
@given(seed=st.integers(0, 2**32))
def test_a_lossy_lane_delivers_or_discards_everything_that_matched(seed: int) -> None:
    world = live(seed, USUAL | {"shrink": 0}, lossy=True)
    books = world.lane.books
    assert books.delivered + books.discarded.total() + books.dead_lettered.total() == books.matched


@LAW
@given(seed=st.integers(0, 2**32))
def test_grouping_by_time_changes_when_events_go_and_nothing_else(seed: int) -> None:
    live(seed, USUAL | TROUBLE, idleGap=1, maxWait=5, flushLevel=5)


@pytest.mark.parametrize("seed", range(30))
def test_a_graceful_restart_repeats_nothing_even_with_requests_interrupted(seed: int) -> None:
    live(seed, USUAL | {"restart": 2, "hand_over": 2})
