"""A process that slept may have lost its partitions without knowing: after a long sleep no attempt starts before the group confirms.

Stopped (SIGSTOP, a frozen virtual machine, a starved container) it sends no heartbeats, and other workers take over. Attempts that
were already on their way when it fell asleep cannot be called back: at most what was in flight is delivered twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from forwarder.clock import Clock
from forwarder.kafka.group import Fence
from forwarder.observe.events import ProcessSlept
from forwarder.observe.observer import Observer

SHARE_OF_SESSION = 1 / 3
"""Heartbeats are at most a third of the session apart: who slept for less than another third cannot have missed its end."""

TICKS_PER_LIMIT = 4
ASK_AGAIN_SECONDS = 0.5


class Vigil:
    """`limit`: seconds of sleep that are harmless. `prove` asks the group. `exact` gives monotonic seconds as of this instant:
    the loop's own time stands still within a turn. `confirmed` is called when attempts may start again, `crash` with an error
    that nobody expected."""

    def __init__(
        self, limit: float, prove: Callable[[], Awaitable[Fence]], exact: Callable[[], float],
        confirmed: Callable[[], None], crash: Callable[[BaseException], None], observer: Observer, clock: Clock,
    ) -> None:  # fmt: skip
        self._limit = limit
        self._prove = prove
        self._exact = exact
        self._confirmed = confirmed
        self._crash = crash
        self._observer = observer
        self._clock = clock
        self._seen: float | None = None
        self._doubt: asyncio.Task[None] | None = None

    def doubtful(self) -> bool:
        """Whether an attempt must wait. Asked before every one: after a sleep its timer may fire before our own tick."""
        slept = 0.0 if self._seen is None else self._exact() - self._seen
        if self._doubt is None and slept > self._limit:
            self._observer.emit(ProcessSlept(slept_s=round(slept, 3)))
            self._begin()
        return self._doubt is not None

    def assigned(self, *, proven: bool) -> None:
        """Partitions are ours. `proven`: the group has said so just now, else it is asked before anything is sent: the word of
        the assignment may have waited for us while we slept."""
        self._seen = self._exact()
        self._end()
        if not proven:
            self._begin()

    async def run(self) -> None:
        """Tick until cancelled."""
        try:
            while True:
                self._seen = self._exact()
                await self._clock.sleep(self._limit / TICKS_PER_LIMIT)
                self.doubtful()
        finally:
            self._end()

    def _begin(self) -> None:
        self._doubt = asyncio.get_running_loop().create_task(self._ask())
        self._doubt.add_done_callback(self._asked)

    async def _ask(self) -> None:
        while True:
            asked = self._exact()
            fence = await self._prove()
            if fence is Fence.REFUSED:
                await asyncio.Event().wait()  # a revoke follows, and ends this
            if fence is Fence.OK and self._exact() - asked <= self._limit:
                return
            await self._clock.sleep(ASK_AGAIN_SECONDS)

    def _asked(self, task: asyncio.Task[None]) -> None:
        if task is not self._doubt or task.cancelled():
            return
        self._doubt = None
        if (error := task.exception()) is not None:
            self._crash(error)
        else:
            self._seen = self._exact()
            self._confirmed()

    def _end(self) -> None:
        task, self._doubt = self._doubt, None
        if task is not None:
            task.cancel()
