"""What goes wrong when: a pure function of seed, minutes, workers and families. Starts and harms nothing.

A run is a row of waves: some seconds in which several things break at once, then some in which nothing does, so that recovery is
exercised too. Endpoints have a stream of faults of their own: somebody's receiver is always ill.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from tests.chaos.fleet import fleet


class Family(Enum):
    """Groups of faults that a run may be limited to."""

    PROCESS = "process"
    BROKER = "broker"
    ENDPOINT = "endpoint"
    LOAD = "load"
    TOPIC = "topic"
    CLOCK = "clock"


@dataclass(frozen=True)
class Step:
    """One fault: at `at` seconds into the run, for `seconds`. `target` is a worker's number, a webhook, a topic, or ""."""

    at: float
    family: Family
    kind: str
    target: str = ""
    seconds: float = 0.0
    detail: dict[str, Any] = field(default_factory=dict)


FIRST_WAVE = 6.0
LAST_QUIET = 8.0

Wave = Callable[[random.Random, float, int], Iterator[Step]]
"""`(rng, start, workers)` to the steps of one wave; they begin within fourteen seconds of its start."""


def plan(seed: int, minutes: float, workers: int, families: frozenset[Family]) -> list[Step]:
    """All steps, by time. Leaving a family out does not move the steps of the others."""
    end = minutes * 60 - LAST_QUIET
    steps = [
        *_waves(_rng(seed, "process"), end, workers, Family.PROCESS),
        *_waves(_rng(seed, "broker"), end, workers, Family.BROKER),
        *_topics(_rng(seed, "topic"), end),
        *_clock(_rng(seed, "clock"), end, workers),
        *_load(_rng(seed, "load"), end),
        *_endpoints(_rng(seed, "endpoint"), end),
    ]
    return sorted((s for s in steps if s.family in families), key=lambda s: (s.at, s.kind, s.target))


def calms(minutes: float) -> list[float]:
    """When a wave is over and all should be well again: on a slow machine the plan's clock waits there until it is."""
    return [start - 1.0 for start in _starts(minutes * 60 - LAST_QUIET)][1:]


def _rng(seed: int, name: str) -> random.Random:
    return random.Random(f"{seed}/{name}")


def _deck(rng: random.Random, cards: Sequence[Any]) -> Iterator[Any]:
    """The cards in an order that is new each time round: all kinds occur, none twice before the others did."""
    while True:
        yield from rng.sample(cards, len(cards))


# -- waves: processes and broker keep the same time, so that they meet


def _starts(end: float) -> Iterator[float]:
    at, number = FIRST_WAVE, 0
    while at < end - 14.0:
        yield at
        number += 1
        at += 22.0 if number % 5 == 0 else 17.0  # now and then long enough for everything to calm down


def _waves(rng: random.Random, end: float, workers: int, family: Family) -> Iterator[Step]:
    deck = _deck(rng, PROCESS_WAVES if family is Family.PROCESS else BROKER_WAVES)
    for start in _starts(end):
        yield from next(deck)(rng, start, workers)


def _process(at: float, kind: str, worker: int, seconds: float, **detail: Any) -> Step:
    return Step(round(at, 2), Family.PROCESS, kind, str(worker), round(seconds, 2), detail)


def _kills(rng: random.Random, start: float, workers: int) -> Iterator[Step]:
    """Every worker is killed within three seconds, and some of them again while they start or load."""
    for worker in range(workers):
        yield _process(start + rng.uniform(0, 3), "kill9", worker, rng.uniform(0, 1.5))
    for after in (4.5, 6.0, 7.5, 9.0):
        yield _process(start + after + rng.uniform(0, 1), "kill9", rng.randrange(workers), 0.2)


def _zombie(rng: random.Random, start: float, workers: int) -> Iterator[Step]:
    """One is stopped beyond its session and wakes up; others are killed or stopped in order meanwhile."""
    first, *others = rng.sample(range(workers), workers)
    yield _process(start, "sigstop", first, rng.uniform(7.5, 11))
    for worker in others:
        kind = rng.choice(("kill9", "sigterm", "sigstop"))
        yield _process(start + rng.uniform(1, 5), kind, worker, rng.uniform(7, 9) if kind == "sigstop" else 1.0)
        yield _process(start + rng.uniform(6, 9), "kill9", worker, 0.3)


def _short_stops(rng: random.Random, start: float, workers: int) -> Iterator[Step]:
    """Stops shorter than the session, and one kill of a process that is stopped."""
    for worker in range(workers):
        yield _process(start + rng.uniform(0, 3), "sigstop-short", worker, rng.uniform(1, 5))
    for at in (6.0, 8.5):
        yield _process(start + at, "sigstop-kill9", rng.randrange(workers), 0.5, before=round(rng.uniform(0.3, 2), 2))


def _rolling(rng: random.Random, start: float, workers: int) -> Iterator[Step]:
    """One after the other is stopped in order and started again."""
    yield Step(round(start, 2), Family.PROCESS, "rolling", "", 0.0, {})


def _scale(rng: random.Random, start: float, workers: int) -> Iterator[Step]:
    """All but one are stopped in order, and started again together."""
    keep = rng.randrange(workers)
    yield Step(round(start, 2), Family.PROCESS, "scale", str(keep), round(rng.uniform(2, 6), 2), {})
    yield _process(start + 9.5, "sigterm", keep, 0.5)


def _crash_loop(rng: random.Random, start: float, workers: int) -> Iterator[Step]:
    """One worker is killed again and again while it starts, another a few times."""
    worker = rng.randrange(workers)
    for number in range(7):
        yield _process(start + 1.4 * number, "kill9", worker, 0.1)
    for number in range(3):
        yield _process(start + 1.0 + 3.1 * number, "kill9", (worker + 1) % workers, 0.1)


def _killed_while_stopping(rng: random.Random, start: float, workers: int) -> Iterator[Step]:
    """SIGTERM, and SIGKILL before it is done."""
    for number in range(6):
        yield _process(
            start + 1.7 * number, "sigterm-kill9", number % workers, 0.3, before=round(rng.uniform(0.05, 1.2), 2)
        )


def _takeover(rng: random.Random, start: float, workers: int) -> Iterator[Step]:
    """One is killed and not replaced until the others have its partitions; how long that takes is measured."""
    worker = rng.randrange(workers)
    yield _process(start, "takeover", worker, 0.0)
    for number in range(workers):
        yield _process(start + 13 + 0.4 * number, "kill9", number, 0.3)


def _mixed(rng: random.Random, start: float, workers: int) -> Iterator[Step]:
    for _ in range(9):
        kind = rng.choice(("kill9", "sigterm", "sigstop-short", "kill9", "sigterm-kill9"))
        more = {"before": 0.3} if kind == "sigterm-kill9" else {}
        yield _process(start + rng.uniform(0, 9), kind, rng.randrange(workers), rng.uniform(0.2, 2.5), **more)


PROCESS_WAVES: tuple[Wave, ...] = (
    _kills, _zombie, _rolling, _crash_loop, _takeover, _scale, _killed_while_stopping, _short_stops, _mixed, _kills, _zombie,
)  # fmt: skip


def _broker(at: float, kind: str, seconds: float) -> Step:
    return Step(round(at, 2), Family.BROKER, kind, "", round(seconds, 2))


def _pauses(rng: random.Random, start: float, workers: int) -> Iterator[Step]:
    yield _broker(start + rng.uniform(0, 2), "kafka-pause", rng.uniform(2, 3.5))
    yield _broker(start + rng.uniform(7, 9), "kafka-pause", rng.uniform(2, 5))


def _long_pause(rng: random.Random, start: float, workers: int) -> Iterator[Step]:
    yield _broker(start + rng.uniform(0, 3), "kafka-pause", rng.uniform(6, 12))


def _very_long_pause(rng: random.Random, start: float, workers: int) -> Iterator[Step]:
    yield _broker(start + rng.uniform(0, 1), "kafka-pause", rng.uniform(20, 30))


def _broker_killed(rng: random.Random, start: float, workers: int) -> Iterator[Step]:
    yield _broker(start + rng.uniform(0, 5), "kafka-kill9", rng.uniform(0, 2))


def _broker_stopped(rng: random.Random, start: float, workers: int) -> Iterator[Step]:
    yield _broker(start + rng.uniform(0, 5), "kafka-sigterm", rng.uniform(0, 2))


def _killed_twice(rng: random.Random, start: float, workers: int) -> Iterator[Step]:
    yield _broker(start + rng.uniform(0, 1), "kafka-kill9", 0.2)
    yield _broker(start + rng.uniform(7, 9), "kafka-kill9", 0.2)


def _disk_full(rng: random.Random, start: float, workers: int) -> Iterator[Step]:
    yield _broker(start + rng.uniform(0, 4), "disk-full", rng.uniform(1, 3))


def _nothing(rng: random.Random, start: float, workers: int) -> Iterator[Step]:
    yield from ()


BROKER_WAVES: tuple[Wave, ...] = (
    _pauses, _broker_killed, _pauses, _broker_stopped, _nothing, _long_pause, _killed_twice, _disk_full, _pauses, _nothing,
    _very_long_pause,
)  # fmt: skip


# -- the rest


def _topics(rng: random.Random, end: float) -> Iterator[Step]:
    """A topic grows, one is made anew, one loses its checkpoints: each about every three minutes, between waves."""
    kinds = _deck(rng, (("grow", "growing"), ("topic-recreated", "remade"), ("checkpoint-deleted", "forgotten")))
    at = 28.0
    while at < end - 12.0:
        kind, topic = next(kinds)
        yield Step(round(at, 2), Family.TOPIC, kind, topic)
        at += 34.0 if at < 110 else 68.0


def _clock(rng: random.Random, end: float, workers: int) -> Iterator[Step]:
    """A worker's wall clock steps back, and forward again."""
    at = 20.0
    while at < end - 15.0:
        worker = str(rng.randrange(workers))
        yield Step(round(at, 2), Family.CLOCK, "clock-back", worker, 12.0, {"back": rng.choice((3, 30, 600))})
        at += 45.0


def _load(rng: random.Random, end: float) -> Iterator[Step]:
    at = 10.0
    while at < end - 5.0:
        if rng.random() < 0.5:
            yield Step(round(at, 2), Family.LOAD, "burst", "", 0.0, {"events": rng.randrange(1500, 4000)})
        else:
            yield Step(round(at, 2), Family.LOAD, "abort", "", 0.0, {"transactions": rng.randrange(5, 25)})
        at += rng.uniform(10, 20)


ENDPOINT_MODES: dict[str, Callable[[random.Random], dict[str, Any]]] = {
    "endpoint-refuse": lambda rng: {"kind": "refuse"},
    "endpoint-hang": lambda rng: {"kind": "hang"},
    "endpoint-500": lambda rng: {"kind": "status", "status": rng.choice((500, 502, 503))},
    "endpoint-429": lambda rng: {"kind": "retry-after", "seconds": rng.choice((1, 2, 4)), "date": rng.random() < 0.4},
    "endpoint-half-read": lambda rng: {"kind": "half-read"},
    "endpoint-half-answer": lambda rng: {"kind": "half-answer"},
    "endpoint-no-answer": lambda rng: {"kind": "no-answer"},
    "endpoint-dribble": lambda rng: {"kind": "dribble"},
    "endpoint-late-200": lambda rng: {"kind": "late-200"},
    "endpoint-slow": lambda rng: {"kind": "slow", "seconds": round(rng.uniform(0.1, 0.9), 2)},
}
"""How an endpoint fails. 413 and 400 are no faults of a moment: some receivers never take large batches, or poison."""


def _endpoints(rng: random.Random, end: float) -> Iterator[Step]:
    """About six of the forty are ill at any time."""
    kinds, names = _deck(rng, list(ENDPOINT_MODES)), _deck(rng, [hook.name for hook in fleet()])
    at = 3.0
    while at < end:
        seconds = min(rng.choice((3, 5, 8, 12, 25)) * rng.uniform(0.8, 1.2), max(1.0, end - at))
        kind = next(kinds)
        yield Step(round(at, 2), Family.ENDPOINT, kind, next(names), round(seconds, 2), ENDPOINT_MODES[kind](rng))
        at += rng.uniform(1.0, 2.6)
