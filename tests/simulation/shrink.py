"""Makes a failing plan short: fewer steps, webhooks, workers and partitions, smaller values, as long as the same law is broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.simulation.plan import Plan, Step
from tests.simulation.world import run

Fails = Callable[[Plan], bool]


def breaks(kind: str) -> Fails:
    """Whether a plan shows a violation of that kind."""
    return lambda plan: any(found.kind == kind for found in run(plan)[0].violations)


def shrink(plan: Plan, fails: Fails, most: int = 400) -> Plan:
    """The shortest plan found with at most so many runs. `plan` itself must fail."""
    budget = [most]
    while True:
        smaller = _better(plan, fails, budget)
        if smaller is None:
            return plan
        plan = smaller


def _better(plan: Plan, fails: Fails, budget: list[int]) -> Plan | None:
    for candidate in _candidates(plan):
        if budget[0] <= 0:
            return None
        budget[0] -= 1
        if fails(candidate):
            return candidate
    return None


def _candidates(plan: Plan) -> Iterator[Plan]:
    """Large cuts first."""
    steps = plan.steps
    size = len(steps) // 2
    while size:
        for start in range(0, len(steps), size):
            yield replace(plan, steps=steps[:start] + steps[start + size :])
        size //= 2
    for hook in plan.hooks:
        if len(plan.hooks) > 1 and not any(step.what == hook for step in steps):
            yield replace(plan, hooks=tuple(other for other in plan.hooks if other != hook))
    if plan.workers > 1:
        yield replace(plan, workers=plan.workers - 1)
    if plan.partitions > 1:
        yield replace(plan, partitions=plan.partitions - 1)
    if plan.budget != 4_000_000:
        yield replace(plan, budget=4_000_000)
    for place, step in enumerate(steps):
        for simpler in _simpler(step):
            yield replace(plan, steps=(*steps[:place], simpler, *steps[place + 1 :]))


def _simpler(step: Step) -> Iterator[Step]:
    if step.kind == "produce":
        kind, count = step.value
        if kind != "plain":
            yield replace(step, value=("plain", count))
        if count > 1:
            yield replace(step, value=(kind, count // 2))
    if step.at != round(step.at, 1):
        yield replace(step, at=round(step.at, 1))


def simplified(plan: Plan, kind: str, most: int = 400, fails: Fails | None = None) -> Plan:
    """`shrink` for a kind of violation, or for whatever `fails` says."""
    return shrink(plan, fails or breaks(kind), most)
