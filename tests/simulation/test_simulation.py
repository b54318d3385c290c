"""Some hundred schedules in virtual time, and that the simulation itself is sound. The long run: `scripts/simulate`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.main import try_seeds
from tests.simulation.plan import Plan, Step, generate
from tests.simulation.shrink import simplified
from tests.simulation.world import run

ROOT = Path(__file__).resolve().parents[2]
SCHEDULES = 240


def test_no_law_is_broken_in_random_schedules() -> None:
    tally = try_seeds(1, SCHEDULES)
    assert tally.violations == {}
    assert {"kill", "freeze", "stop", "rebalance", "broker away", "skip", "retain", "reload", "grow"} <= set(
        tally.counts
    )


def test_a_plan_depends_on_its_seed_alone() -> None:
    assert generate(7) == generate(7)
    assert generate(7) != generate(8)


@pytest.mark.parametrize("seed", [3, 11])
def test_a_run_depends_on_its_plan_alone(seed: int) -> None:
    plan = generate(seed)
    assert run(plan, trace=True)[1].trace == run(plan, trace=True)[1].trace


def test_a_run_is_the_same_in_another_process() -> None:
    traced = [
        subprocess.run(
            [sys.executable, "-m", "tests.simulation.main", "--trace", "5"],
            env={**os.environ, "PYTHONHASHSEED": "0"}, cwd=ROOT, capture_output=True, check=False,
        ).stdout
        for _ in range(2)
    ]  # fmt: skip
    assert traced[0] == traced[1]
    assert traced[0].count(b"\n") > 20


def test_a_plan_can_be_pasted_as_it_is_printed() -> None:
    plan = generate(12)
    assert eval(str(plan), {"Plan": Plan, "Step": Step}) == plan


def test_a_failing_plan_is_made_short() -> None:
    """With a receiver that an unknown event reaches, so to speak: the law that is broken is that somebody was killed."""
    plan = next(plan for plan in map(generate, range(100)) if any(step.kind == "kill" for step in plan.steps))
    short = simplified(plan, "", fails=lambda found: any(step.kind == "kill" for step in found.steps))
    assert [step.kind for step in short.steps] == ["kill"]
    assert len(short.hooks) == short.workers == short.partitions == 1
