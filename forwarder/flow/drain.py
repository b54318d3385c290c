"""Handing partitions over without loss or repeat: stop intake, checkpoint, let attempts end, checkpoint, commit, forget."""

from __future__ import annotations

import asyncio

from forwarder.clock import Clock
from forwarder.flow.catchup import CatchUp
from forwarder.flow.dispatch import Dispatcher
from forwarder.flow.intake import Intake
from forwarder.flow.keeper import Keeper
from forwarder.flow.roster import Roster
from forwarder.model.event import TP
from forwarder.observe.events import DrainFinished
from forwarder.observe.observer import Observer
from forwarder.source.positions import Positions

CLOSE_SECONDS = 1.0


class Drain:
    """`seconds` bounds the time that attempts in flight get, counted from the start of the drain; what has not ended then is
    cancelled and its cursor stays. The checkpoints around it have bounds of their own."""

    def __init__(
        self, intake: Intake, catch_up: CatchUp, dispatcher: Dispatcher, keeper: Keeper, roster: Roster,
        positions: Positions, seconds: float, interval: float, observer: Observer, clock: Clock,
    ) -> None:  # fmt: skip
        self._intake = intake
        self._catch_up = catch_up
        self._dispatcher = dispatcher
        self._keeper = keeper
        self._roster = roster
        self._positions = positions
        self._seconds = seconds
        self._interval = interval
        self._observer = observer
        self._clock = clock
        self._stopping: asyncio.Future[None] | None = None

    async def run(self, gone: frozenset[TP]) -> None:
        """Drain, then forget `gone` (all partitions: a rebalance takes every one), even when it takes too long and is cut off.
        Safe to run twice."""
        started = self._clock.monotonic()
        self._intake.closed = True
        self._set_draining(True)
        # The readers stop reading at once; closing their connections may take as long as a broker is away, and nothing waits for it.
        self._stopping = asyncio.ensure_future(self._catch_up.stop())
        try:
            await self._keeper.save()
            left = self._seconds - (self._clock.monotonic() - started)
            abandoned = await self._wait_for_attempts(max(0.0, left))
            await self._keeper.save(final=True)
            await asyncio.wait({self._stopping}, timeout=CLOSE_SECONDS)
        finally:
            self._forget(gone)
        spent = round(self._clock.monotonic() - started, 3)
        self._observer.emit(DrainFinished(duration_s=spent, abandoned=abandoned))

    async def _wait_for_attempts(self, seconds: float) -> int:
        """Checkpoints go on meanwhile: one that hangs must not make a kill forget what the others have delivered."""
        ending = asyncio.ensure_future(self._dispatcher.drain(seconds))
        last = self._clock.monotonic() + seconds - self._interval
        try:
            while not (await asyncio.wait({ending}, timeout=self._interval))[0]:
                if self._clock.monotonic() < last:
                    await self._keeper.save()
        finally:
            if not ending.done():
                ending.cancel()
                await asyncio.wait({ending})
        return ending.result()

    def reopen(self) -> None:
        """Partitions are ours again: attempts may start, events may come in."""
        self._set_draining(False)
        self._intake.closed = False
        for lane in self._roster:
            self._dispatcher.wake(lane, self._clock.monotonic())
        self._catch_up.kick()

    def _forget(self, gone: frozenset[TP]) -> None:
        """What is left behind here would be delivered a second time when the partitions come back."""
        for lane in self._roster:
            lane.disown(gone)
        for tp in gone:
            self._positions.forget(tp)
        if not self._positions.expected:
            self._keeper.forget()

    def _set_draining(self, draining: bool) -> None:
        self._dispatcher.held = draining
        for lane in self._roster:
            lane.draining = draining
