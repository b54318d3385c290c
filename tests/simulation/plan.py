"""Plans as data: what is configured, and what happens when. A plan prints as Python that can be pasted into a regression test."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from tests.simulation.network import MOODS

HOOKS: dict[str, dict[str, Any]] = {
    "fine": {},
    "windowed": {"throttle": 2, "maxEvents": 7},
    "grouped": {"idleGap": 1, "maxWait": 3, "throttle": 0.5},
    "small": {"maxEvents": 4},
    "many": {"concurrency": 3, "maxEvents": 5},
    "typed": {"events": ["a"], "eventsPolicy": "include"},
    "excluding": {"events": ["b"], "maxEvents": 20},
    "lossy": {"lossy": True, "maxEvents": 6},
    "expiring": {"discardAfter": 6, "maxEvents": 10},
    "lettering": {"discardAfter": 6, "onDiscard": "deadLetter", "maxEvents": 10},
    "giving-up": {"retry": {"base": 0.5, "cap": 4, "maxAttempts": 3}, "maxEvents": 10},
    "strict": {"throttle": 1, "strictThrottle": True, "maxEvents": 8},
}
"""Every webhook that plans may use, as configured; `configure` adds what they share."""

SHARED = {"discardAfter": "never", "throttle": 0, "startAt": "earliest", "timeout": 5, "retry": {"base": 0.5, "cap": 4}}


def configure(name: str, given: tuple[tuple[str, Any], ...] = ()) -> dict[str, Any]:
    """A webhook's configuration. `given` are changes by reload."""
    usual = HOOKS[name.partition("-x")[0]]
    return {"name": name, "url": f"https://{name}.example/hook", **SHARED, **usual, **dict(given)}


@dataclass(frozen=True)
class Step:
    """Something that happens `at` (virtual seconds) to `what`: a partition, a webhook or the n-th living process."""

    at: float
    kind: str
    what: str | int = ""
    value: Any = 0

    def __repr__(self) -> str:
        shown = ", ".join(repr(item) for item in (self.at, self.kind, self.what, self.value))
        return f"Step({shown})"


@dataclass(frozen=True)
class Plan:
    """`seed` decides about back-off only. `budget` is `memory.budget` in bytes."""

    seed: int
    steps: tuple[Step, ...]
    hooks: tuple[str, ...] = ("fine",)
    partitions: int = 2
    workers: int = 1
    budget: int = 4_000_000

    def __str__(self) -> str:
        steps = "".join(f"\n        {step!r}," for step in self.steps)
        return (
            f"Plan(\n    seed={self.seed}, hooks={self.hooks!r}, partitions={self.partitions}, workers={self.workers}, "
            f"budget={self.budget},\n    steps=({steps}\n    ),\n)"
        )


FAULTS: dict[str, float] = {
    "kill": 1.0,
    "freeze": 0.8,
    "stop": 0.8,
    "start": 1.0,
    "rebalance": 0.6,
    "broker away": 0.7,
    "lose answers": 0.4,
    "linger": 0.4,
    "skip": 1.0,
    "retain": 0.3,
    "reload": 1.2,
    "letters refused": 0.3,
    "grow": 0.15,
    "mood": 3.0,
    "compact": 0.2,
}
"""Kind -> how often, in relation to each other."""

SPAN = 11.0
"""Virtual seconds in which things happen; then everything is mended."""

KINDS = ("plain", "plain", "plain", "aborted", "marked", "holed", "unreadable", "open", "big")

CHANGES: tuple[tuple[tuple[str, Any], ...], ...] = (
    (("timeout", 4),),
    (("maxEvents", 3),),
    (("enable", False),),
    (("enable", False), ("onEnable", "continue")),
    (("events", ["a", "b"]), ("eventsPolicy", "include")),
    (("events", ["c"]),),
    (("throttle", 0.3),),
    (("concurrency", 2),),
    (),
)


def generate(seed: int) -> Plan:
    """A plan from a number. Pure."""
    dice = random.Random(seed)
    hooks = tuple(dice.sample(sorted(HOOKS), dice.choice([1, 2, 2, 3, 4])))
    plan = Plan(
        seed=seed,
        steps=(),
        hooks=hooks,
        partitions=dice.choice([1, 1, 2, 2, 3]),
        workers=dice.choice([1, 1, 2, 2, 3]),
        budget=dice.choice([4_000_000, 4_000_000, 4_000_000, 60_000, 25_000]),
    )
    steps = [_produced(dice, plan) for _ in range(dice.randint(2, 9))]
    chosen = dice.sample(sorted(FAULTS), dice.randint(1, 5))
    kinds = dice.choices(chosen, [FAULTS[kind] for kind in chosen], k=dice.randint(0, 9))
    steps += [_fault(dice, plan, kind) for kind in kinds]
    for _ in range(dice.choice([0, 0, 1, 1, 2])):
        steps += _story(dice, plan)
    return replace(plan, steps=tuple(sorted(steps, key=lambda step: step.at)))


def _story(dice: random.Random, plan: Plan) -> list[Step]:
    """Things that hurt together: events come while a receiver is unwell, and then a process, or the group, changes."""
    began = round(dice.uniform(0, SPAN * 0.7), 2)
    later = [round(began + dice.choice([0.1, 0.3, 1.1, 1.6, 2.5]), 2) for _ in range(3)]
    kind = dice.choice(["kill", "freeze", "stop", "rebalance", "linger", "retain", "skip"])
    first = Step(began, "mood", dice.choice(plan.hooks), dice.choice(sorted(MOODS)))
    fault = replace(_fault(dice, plan, kind), at=later[0])
    end = Step(round(later[1] + dice.choice([0.1, 1.0, 3.0]), 2), "start")
    return [first, replace(_produced(dice, plan), at=began), fault, replace(_produced(dice, plan), at=later[2]), end]


def _produced(dice: random.Random, plan: Plan) -> Step:
    count = dice.choice([1, 2, 5, 12, 30, 80])
    return Step(_when(dice), "produce", dice.randrange(plan.partitions), (dice.choice(KINDS), count))


def _when(dice: random.Random) -> float:
    return round(dice.uniform(0, SPAN), 2)


def _fault(dice: random.Random, plan: Plan, kind: str) -> Step:
    details = _DETAILS.get(kind)
    what, value = details(dice, plan) if details else ("", 0)
    return Step(_when(dice), kind, what, value)


_DETAILS: dict[str, Callable[[random.Random, Plan], tuple[Any, Any]]] = {
    "kill": lambda dice, plan: (dice.randrange(3), 0),
    "freeze": lambda dice, plan: (dice.randrange(3), dice.choice([0.5, 2.0, 5.0, 8.0])),
    "stop": lambda dice, plan: (dice.randrange(3), 0),
    "broker away": lambda dice, plan: ("", dice.choice([0.5, 3.0, 7.0, 11.0])),
    "lose answers": lambda dice, plan: ("", dice.choice([0.5, 3.0])),
    "linger": lambda dice, plan: (dice.choice([1.0, 3.0, 7.0]), dice.choice([0.3, 3.0])),
    "skip": lambda dice, plan: (dice.randrange(plan.partitions), dice.choice([1, 3, 20])),
    "retain": lambda dice, plan: (dice.randrange(plan.partitions), dice.choice([0.3, 0.8, 1.0])),
    "reload": lambda dice, plan: (dice.choice(plan.hooks), dice.choice(CHANGES)),
    "letters refused": lambda dice, plan: (dice.choice(["dead", "ledger", ""]), dice.choice([1.0, 5.0])),
    "mood": lambda dice, plan: (dice.choice(plan.hooks), dice.choice(sorted(MOODS))),
}
