"""What stands still for too long is suspected, once; what moves, or need not move, never is; after a pause everybody gets time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forwarder.flow.standstill import Duty, Standstill, Still, Subject, lasting
from forwarder.observe.declared import Stuck

AFTER = 60.0
LANE = Subject(Stuck.LANE, "siem")


def duty(mark: object = 0, grace: float = 0.0, subject: Subject = LANE) -> Duty:
    return Duty(subject, mark, "due", grace)


def looks(
    still: Standstill, *marks: object, every: float = 10.0, start: float = 0.0, grace: float = 0.0
) -> list[float]:
    """One look per mark (None: nothing is due); the times at which there was a suspect."""
    found = []
    for number, mark in enumerate(marks):
        now = start + number * every
        still.look([] if mark is None else [duty(mark, grace)], now)
        found += [now for _ in still.suspects(now)]
    return found


def test_a_mark_that_stays_for_the_bound_is_suspected() -> None:
    assert looks(Standstill(AFTER), *[7] * 8) == [60.0, 70.0]


def test_a_mark_that_changes_starts_again() -> None:
    assert looks(Standstill(AFTER), 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2) == []


def test_a_duty_that_ends_in_between_starts_again() -> None:
    assert looks(Standstill(AFTER), 1, 1, 1, 1, 1, None, 1, 1, 1, 1, 1, 1) == []


def test_a_grace_is_added_to_the_bound() -> None:
    assert looks(Standstill(AFTER), *[1] * 12, grace=40.0) == [100.0, 110.0]


def test_a_finding_is_suspected_only_once_and_is_over_when_it_moves() -> None:
    still = Standstill(AFTER)
    looks(still, *[1] * 6)
    still.look([duty(1)], 60.0)
    still.accuse(still.suspects(60.0)[0])
    assert still.look([duty(1)], 70.0) == [] and still.suspects(70.0) == []
    over = still.look([duty(2)], 80.0)
    assert [one.duty.mark for one in over] == [1] and still.stuck == {}


def test_a_finding_is_over_when_nothing_is_due_any_more() -> None:
    still = Standstill(AFTER)
    looks(still, *[1] * 7)
    still.accuse(still.suspects(60.0)[0])
    assert len(still.look([], 70.0)) == 1


def test_who_has_an_excuse_gets_the_whole_time_again() -> None:
    still = Standstill(AFTER)
    looks(still, *[1] * 7)
    still.excuse(still.suspects(60.0)[0], 60.0)
    assert looks(still, *[1] * 6, start=70.0) == [120.0]


def test_after_a_pause_in_which_nobody_looked_nobody_is_suspected() -> None:
    """The process was stopped, or the loop stood still: everything is old then, and nothing is stuck."""
    still = Standstill(AFTER)
    looks(still, 1, 1)
    assert looks(still, 1, 1, start=1000.0) == []
    assert looks(still, *[1] * 6, start=1020.0) == [1060.0, 1070.0]


@given(st.lists(st.tuples(st.floats(0.1, 30.0), st.sampled_from([None, 0, 1])), max_size=60))
def test_a_suspect_has_shown_one_mark_for_the_whole_bound(steps: list[tuple[float, int | None]]) -> None:
    still, now = Standstill(AFTER), 0.0
    history: list[tuple[float, int | None]] = []
    for wait, mark in steps:
        now += wait
        still.look([] if mark is None else [duty(mark)], now)
        history.append((now, mark))
        suspects = still.suspects(now)
        run = [at for at, _ in history]
        for at, seen in reversed(history):
            if seen != mark:
                run = [t for t in run if t > at]
                break
        expected = mark is not None and now - run[0] >= AFTER
        assert bool(suspects) == expected


@pytest.mark.parametrize(
    ("answering_since", "now", "found"),
    [(0.0, 399.0, 0), (0.0, 400.0, 1), (None, 9999.0, 0), (350.0, 649.0, 0), (350.0, 650.0, 1)],
)
def test_only_what_is_stuck_while_kafka_answers_calls_for_a_restart(
    answering_since: float | None, now: float, found: int
) -> None:
    assert len(lasting([Still(duty(), 100.0)], 300.0, now, answering_since)) == found


def test_what_a_restart_cannot_mend_calls_for_none() -> None:
    hungry = Duty(LANE, 0, "due", restart=False)
    assert lasting([Still(hungry, 0.0), Still(duty(), 0.0)], 300.0, 9999.0, 0.0) == [Still(duty(), 0.0)]
