"""Three refused commits in ten seconds are too many; the same number spread out is a day of rolling updates."""

from __future__ import annotations

import pytest

from forwarder.kafka.refusals import PATIENT_LIMIT, Refusals


@pytest.mark.parametrize(
    ("times", "verdicts"),
    [
        ([0, 1], [False, False]),
        ([0, 1, 2], [False, False, True]),
        ([0, 5, 10], [False, False, True]),
        ([0, 5, 10.1], [False, False, False]),
        ([0, 5, 10.1, 11], [False, False, False, True]),
        ([0, 100, 200, 300], [False] * 4),
        ([0, 0.01, 0.02, 0.1], [False] * 4),
        ([0, 0.01, 5, 5.01, 9], [False, False, False, False, True]),
    ],
)
def test_refusals_close_together_are_too_many(times: list[float], verdicts: list[bool]) -> None:
    refusals = Refusals(-1000)
    assert [refusals.too_many(now) for now in times] == verdicts


def test_of_two_that_take_the_group_from_each_other_the_older_ends_first() -> None:
    older, younger = Refusals(0), Refusals(100)
    for turn in range(2):
        assert not older.too_many(101 + turn)
        assert not younger.too_many(101.5 + turn)
    assert older.too_many(103)
    assert not younger.too_many(103.5)


def test_a_young_one_does_not_fight_for_ever() -> None:
    young = Refusals(0)
    assert [young.too_many(1 + turn) for turn in range(PATIENT_LIMIT)] == [False] * (PATIENT_LIMIT - 1) + [True]
