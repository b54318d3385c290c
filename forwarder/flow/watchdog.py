"""Finds what is alive but stuck, and tells it with the stack of the tasks concerned. Mends nothing; decides by `standstill`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from forwarder.clock import Clock
from forwarder.flow.catchup import CatchUp
from forwarder.flow.dispatch import Dispatcher
from forwarder.flow.duties import of_acting, of_catching_up, of_reading, of_serving
from forwarder.flow.roster import Roster
from forwarder.flow.sharedread import SharedRead
from forwarder.flow.standstill import Duty, Standstill, Still, Subject, lasting
from forwarder.model.event import TP
from forwarder.observe import declared as d
from forwarder.observe.declared import Stuck
from forwarder.observe.events import StuckFound, StuckOver
from forwarder.observe.health import Health
from forwarder.observe.observer import Observer
from forwarder.observe.stacks import task_stack, task_stacks
from forwarder.settings.process import Watchdog as Bounds

LOOKS = 10
"""Looks per bound: what stands still is found at most a tenth of the bound late."""

LONGEST_PAUSE_SECONDS = 5.0
NO_TASK = ("no task is under way for it",)


class Watchdog:
    """One per worker. `regroup` are the seconds that a rebalance may take."""

    def __init__(
        self, bounds: Bounds, regroup: float, reading: SharedRead, roster: Roster, dispatcher: Dispatcher,
        catch_up: CatchUp, health: Health, observer: Observer, clock: Clock,
    ) -> None:  # fmt: skip
        self._bounds = bounds
        self._regroup = regroup
        self._reading = reading
        self._roster = roster
        self._dispatcher = dispatcher
        self._catch_up = catch_up
        self._health = health
        self._observer = observer
        self._clock = clock
        self._still = Standstill(bounds.after)
        self._asked: float | None = None
        self._ends: dict[TP, int] = {}
        self._answering: float | None = None

    async def run(self) -> None:
        """For ever."""
        while True:
            await self._clock.sleep(min(LONGEST_PAUSE_SECONDS, self._bounds.after / LOOKS))
            await self.look()

    async def look(self) -> None:
        """One look at everything that ought to move."""
        now = self._clock.monotonic()
        if not self._reading.reachable:
            self._answering = None
        elif self._answering is None:
            self._answering = now
        await self._ask_now_and_then(now)
        for still in self._still.look(list(self._duties(now)), now):
            self._over(still, now)
        for still in self._still.suspects(now):
            await self._judge(still, now)
        self._publish(now)

    def _duties(self, now: float) -> Iterator[Duty]:
        reading, lanes = self._reading, list(self._roster)
        yield from of_acting(self._dispatcher.underway)
        if not reading.is_open:
            if reading.reachable:
                why = "partitions were given up or asked for, and none are assigned"
                yield Duty(Subject(Stuck.GROUP, "group"), "closed", why, self._regroup)
            return
        if reading.reachable or not self._dispatcher.held:
            yield from of_serving(lanes, now, self._clock.wall())
        if not reading.reachable:
            return
        positions, halted = reading.positions, reading.halted
        yield from of_catching_up(lanes, positions, halted, self._bounds.after)
        if not reading.is_paused:
            yield from of_reading(positions, {tp: self._end(tp) for tp in positions}, halted)

    def _end(self, tp: TP) -> int | None:
        ends = [end for end in (self._reading.end(tp), self._ends.get(tp)) if end is not None]
        return max(ends, default=None)

    async def _ask_now_and_then(self, now: float) -> None:
        """The shared read's own word on where logs end is worth nothing once it has gone silent: Kafka is asked itself."""
        if not self._reading.reachable or not self._reading.is_open:
            self._ends.clear()
            return
        if self._asked is not None and now - self._asked < self._bounds.after:
            return
        self._asked = now
        positions = dict(self._reading.positions)
        if positions:
            self._ends = dict(await self._reading.beyond(positions) or {})

    async def _judge(self, still: Still, now: float) -> None:
        """A suspect that waits for Kafka is one only if Kafka has something for it."""
        asks = still.duty.asks
        if asks is not None and not await self._reading.beyond(dict([asks])):
            self._still.excuse(still, now)
            return
        self._still.accuse(still)
        what, name = still.duty.subject.what, still.duty.subject.name
        stood = round(now - still.since, 1)
        self._observer.emit(StuckFound(what, name, still.duty.why, stood, self._stack(still.duty)))

    def _over(self, still: Still, now: float) -> None:
        subject, stood = still.duty.subject, round(now - still.since, 1)
        self._observer.emit(StuckOver(subject.what, subject.name, still.duty.why, stood))

    def _stack(self, duty: Duty) -> tuple[str, ...]:
        """Of the action, of catch-up's task, or of the shared read, whichever the duty is about."""
        subject = duty.subject
        for doing in self._dispatcher.underway:
            if subject.part == doing.task.get_name():
                return task_stack(doing.task)
        if subject.part.startswith("catch-up") and duty.asks is not None:
            return task_stacks(_present(self._catch_up.task(duty.asks[0])), NO_TASK[0])
        if subject.what is Stuck.LANE:
            mine = [doing.task for doing in self._dispatcher.underway if doing.lane.name == subject.name]
            return task_stacks(mine, NO_TASK[0])
        return self._reading.stacks()

    def _publish(self, now: float) -> None:
        stuck = self._still.stuck.values()
        for what in Stuck:
            names = {still.duty.subject.name for still in stuck if still.duty.subject.what is what}
            self._observer.metrics.gauge(d.STUCK, what.value).set(len(names))
        for_good = lasting(stuck, self._bounds.restart_after, now, self._answering)
        told = [_told(still, now) for still in for_good]
        self._health.stuck = tuple(told)


def _told(still: Still, now: float) -> str:
    subject = still.duty.subject
    return f"{subject.what.value} {subject.name}: {still.duty.why} (for {now - still.since:.0f} s)"


def _present(task: asyncio.Task[Any] | None) -> list[asyncio.Task[Any]]:
    return [] if task is None else [task]
