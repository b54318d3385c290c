"""Plans that once broke a law, as short as the shrinker made them. Each says what it found."""

from __future__ import annotations

import pytest

from tests.simulation.plan import Plan, Step
from tests.simulation.world import run

CANCELLED_WHILE_CALLED = Plan(
    seed=322, hooks=("giving-up",), partitions=1, workers=1, budget=25000,
    steps=(
        Step(4.8, "produce", 1, ("big", 40)),
        Step(4.95, "freeze", 2, 8.0),
        Step(6.2, "start", "", 0),
    ),
)  # fmt: skip
"""Catch-up was called and cancelled in the same turn of the loop, which `asyncio.wait_for` takes for a call: a drain took 10 s."""


ASSIGNED_IN_ITS_SLEEP = Plan(
    seed=3950, hooks=("windowed",), partitions=1, workers=2, budget=4000000,
    steps=(
        Step(6.2, "freeze", 2, 8.0),
        Step(6.3, "produce", 0, ("plain", 40)),
        Step(6.5, "start", "", 0),
        Step(6.6, "freeze", 2, 8.0),
    ),
)  # fmt: skip
"""A process was stopped while it was given partitions, and woke when they were another's: the checkpoint that it wrote on loading,
without a fence, had a higher number than the rightful owner's, whose progress was forgotten."""

KILLED_IN_A_DRAIN = Plan(
    seed=501472, hooks=("excluding", "lettering"), partitions=1, workers=1, budget=4000000,
    steps=(
        Step(2.5, "mood", "excluding", "hanging"),
        Step(2.7, "start", "", 0),
        Step(2.8, "produce", 0, ("plain", 80)),
        Step(6.0, "freeze", 0, 8.0),
    ),
)  # fmt: skip
"""No checkpoint was written while a drain waited for one request that hung: a kill forgot what the others had delivered in it."""


@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(CANCELLED_WHILE_CALLED, id="cancelled-while-called"),
        pytest.param(KILLED_IN_A_DRAIN, id="killed-in-a-drain"),
        pytest.param(
            ASSIGNED_IN_ITS_SLEEP,
            id="assigned-in-its-sleep",
        ),
    ],
)
def test_a_plan_that_broke_a_law_breaks_none(plan: Plan) -> None:
    judge, _ = run(plan)
    assert judge.violations == []
