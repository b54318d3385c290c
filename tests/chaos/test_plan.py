"""The plan of a run: the same for the same seed, all kinds of faults in it, dense, with quiet in between."""

from __future__ import annotations

import pytest

from tests.chaos.plan import ENDPOINT_MODES, LAST_QUIET, Family, calms, plan

ALL = frozenset(Family)
KINDS = {
    "kill9", "sigstop", "sigstop-short", "sigstop-kill9", "sigterm", "sigterm-kill9", "rolling", "scale", "takeover",
    "kafka-sigterm", "kafka-kill9", "kafka-pause", "disk-full", "burst", "abort", "grow", "topic-recreated",
    "checkpoint-deleted", "clock-back", *ENDPOINT_MODES,
}  # fmt: skip


def test_the_same_seed_gives_the_same_plan_and_another_seed_another() -> None:
    assert plan(7, 3, 3, ALL) == plan(7, 3, 3, ALL)
    assert plan(7, 3, 3, ALL) != plan(8, 3, 3, ALL)


@pytest.mark.parametrize("seed", range(5))
def test_ten_minutes_hold_every_kind_of_fault(seed: int) -> None:
    assert {step.kind for step in plan(seed, 10, 3, ALL)} == KINDS


@pytest.mark.parametrize("seed", range(5))
def test_all_ends_in_time_for_a_quiet_end(seed: int) -> None:
    steps = plan(seed, 2, 3, ALL)
    assert steps == sorted(steps, key=lambda step: step.at)
    assert all(0 < step.at < 120 - LAST_QUIET for step in steps)


def test_leaving_a_family_out_does_not_move_the_others() -> None:
    whole = plan(3, 5, 3, ALL)
    for family in Family:
        assert plan(3, 5, 3, frozenset({family})) == [step for step in whole if step.family is family]


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_faults_hit_only_workers_that_there_are(workers: int) -> None:
    targets = {s.target for s in plan(1, 10, workers, ALL) if s.family in (Family.PROCESS, Family.CLOCK)}
    assert targets <= {str(number) for number in range(workers)} | {""}


@pytest.mark.parametrize("seed", range(5))
def test_ten_minutes_hold_a_hundred_process_faults_and_twenty_broker_faults(seed: int) -> None:
    steps = plan(seed, 10, 3, ALL)
    hits = {"rolling": 3, "scale": 2}
    assert sum(hits.get(s.kind, 1) for s in steps if s.family is Family.PROCESS) >= 120
    assert sum(s.family is Family.BROKER for s in steps) >= 25


def test_after_each_wave_there_is_a_moment_at_which_all_should_be_well() -> None:
    marks = calms(10)
    assert len(marks) >= 25 and marks == sorted(marks)
    process = [step.at for step in plan(1, 10, 3, ALL) if step.family is Family.PROCESS]
    assert all(not mark <= at < mark + 1.0 for mark in marks for at in process), "no worker is harmed in that second"
