"""Three places lost in a row are too many; lost by our own silence, or once in a long while, they are a day of rolling updates."""

from __future__ import annotations

import heapq
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forwarder.kafka.refusals import LIMIT, Refusals

SESSION, HEARTBEAT, REBALANCE = 8.0, 2.0, 60.0
FIGHT = 4 * HEARTBEAT + REBALANCE
LONGEST_DRAIN = REBALANCE - 5.0


def refusals() -> Refusals:
    return Refusals(session=SESSION, fight=FIGHT)


def lose(told: Refusals, joined: float, tenure: float, *, silent: float = 0.0) -> bool:
    told.joined(joined)
    told.heard(joined + tenure - silent)
    return told.lost(joined + tenure)


@pytest.mark.parametrize(
    ("tenures", "verdicts"),
    [
        ([1000, 1], [False, False]),
        ([1000, 1, 1], [False, False, True]),
        ([0, 0, 0], [False, False, True]),
        ([FIGHT, FIGHT, FIGHT], [False, False, True]),
        ([1, 1, FIGHT + 0.1, 1, 1], [False, False, False, False, True]),
        ([1000, 1000, 1000, 1000], [False] * 4),
    ],
)
def test_a_place_that_is_lost_soon_each_time_is_a_fight(tenures: list[float], verdicts: list[bool]) -> None:
    told = refusals()
    assert [lose(told, 5000.0 * turn, tenure) for turn, tenure in enumerate(tenures)] == verdicts


def test_a_process_that_was_suspended_again_and_again_has_fought_with_nobody() -> None:
    told = refusals()
    assert not any(lose(told, 20.0 * turn, SESSION + 3, silent=SESSION + 1) for turn in range(10))


def test_a_place_that_another_has_counts_however_long_it_was_waited_for() -> None:
    told = refusals()
    assert [told.lost(100.0 * turn, to_another=True) for turn in range(LIMIT)] == [False, False, True]


class Twin:
    """A process with a clock of its own, which joins again whenever it hears that its place was lost, unless it has to end."""

    def __init__(self, random: Random) -> None:
        self.offset = random.uniform(-1e6, 1e6)
        self.told = refusals()
        self.alive = True
        self.had: float | None = None

    def join(self, now: float) -> None:
        self.had = now
        self.told.joined(now + self.offset)

    def hear(self, now: float, known: float) -> bool:
        """That the place is lost; `known` is when the group last answered. Whether it joins again."""
        assert self.had is not None
        self.told.heard(max(self.had, known) + self.offset)
        self.alive = not self.told.lost(now + self.offset)
        return self.alive


def fight(twins: list[Twin], starts: list[float], random: Random, longest_drain: float) -> tuple[Twin, float]:
    """Kafka's rule for one instance id: who joins has the place. Until nobody joins any more; who has it then, and when."""
    due = [(start, number) for number, start in enumerate(starts)]
    heapq.heapify(due)
    holder, now = None, 0.0
    while due:
        now, number = heapq.heappop(due)
        if holder not in (None, number):
            hears = now + random.uniform(0.0, HEARTBEAT)
            if twins[holder].hear(hears, now - random.uniform(0.0, HEARTBEAT)):
                heapq.heappush(due, (hears + random.uniform(0.0, longest_drain), holder))
        twins[number].join(now)
        holder = number
    assert holder is not None
    return twins[holder], now


@given(
    st.randoms(use_true_random=False), st.lists(st.floats(0, 300), min_size=2, max_size=5),
    st.sampled_from([0.0, 0.5, 10.0, LONGEST_DRAIN]),
)  # fmt: skip
def test_of_several_that_share_a_place_all_but_the_last_to_join_end_whenever_they_start_and_hear(
    random: Random, starts: list[float], longest_drain: float
) -> None:
    twins = [Twin(random) for _ in starts]
    left, _ = fight(twins, starts, random, longest_drain)
    assert [twin for twin in twins if twin.alive] == [left]


@given(st.randoms(use_true_random=False), st.floats(0, 3000))
def test_with_short_drains_one_of_two_ends_after_a_few_heartbeats(random: Random, later: float) -> None:
    _, over = fight([Twin(random), Twin(random)], [0.0, later], random, 1.0)
    assert over - later <= 4 * (HEARTBEAT + 1.0)
