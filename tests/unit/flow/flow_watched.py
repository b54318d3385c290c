"""A flow under the eyes of its watchdog, and the shared read as the watchdog sees it. Times are seconds of virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, cast

from forwarder.flow.sharedread import SharedRead
from forwarder.flow.watchdog import Watchdog
from forwarder.model.event import TP
from forwarder.observe.health import Health
from forwarder.settings.process import Watchdog as Bounds
from tests.unit.flow.flow_rig import Flow

AFTER, RESTART, REGROUP = 60.0, 300.0, 60.0
LONG = 1200.0


class FakeRead:
    """The shared read as the watchdog sees it. `kafka` are the true ends of logs, None while Kafka is away."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.reachable, self.is_paused = True, False
        self.kafka: dict[TP, int] | None = {}
        self.known: dict[TP, int] = {}
        self.asked = 0

    @property
    def is_open(self) -> bool:
        return not self.flow.intake.closed

    @property
    def positions(self) -> Mapping[TP, int]:
        return self.flow.positions.expected

    @property
    def halted(self) -> frozenset[TP]:
        return frozenset(self.flow.catch_up.halted)

    def end(self, tp: TP) -> int | None:
        return self.known.get(tp)

    async def beyond(self, offsets: Mapping[TP, int]) -> Mapping[TP, int] | None:
        self.asked += 1
        await asyncio.sleep(0.01)
        if self.kafka is None:
            return None
        return {tp: self.kafka[tp] for tp, offset in offsets.items() if self.kafka.get(tp, 0) > offset}

    def stacks(self) -> tuple[str, ...]:
        return ("the reader stands here",)


class Watched:
    """A flow with its watchdog running."""

    def __init__(self, flow: Flow) -> None:
        self.flow, self.read = flow, FakeRead(flow)
        self.health = Health(flow.clock, ("topics",))
        self.dog = Watchdog(
            Bounds(after=AFTER, restart_after=RESTART), REGROUP, cast(SharedRead, self.read), flow.roster,
            flow.dispatcher, flow.catch_up, self.health, flow.observer, flow.clock,
        )  # fmt: skip
        self.task = asyncio.create_task(self.dog.run())

    async def close(self) -> None:
        self.task.cancel()
        await asyncio.wait({self.task})
        assert self.task.cancelled()

    @property
    def found(self) -> list[dict[str, Any]]:
        return self.flow.lines.told("stuck")

    def stuck(self, what: str) -> float | None:
        return self.flow.sample("forwarder_stuck", what=what)


async def nothing_to_say(watched: Watched, seconds: float = LONG) -> None:
    await asyncio.sleep(seconds)
    assert watched.found == []
    assert watched.health.stuck == ()
    assert watched.stuck("lane") == watched.stuck("partition") == watched.stuck("group") == 0
