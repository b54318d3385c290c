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


@pytest.mark.parametrize("plan", [pytest.param(CANCELLED_WHILE_CALLED, id="cancelled-while-called")])
def test_a_plan_that_broke_a_law_breaks_none(plan: Plan) -> None:
    judge, _ = run(plan)
    assert judge.violations == []
