"""Shares the event loop between catch-up and everything else. One per worker, for all partitions. Knows nothing of what is done."""

from __future__ import annotations

import asyncio
from types import TracebackType

from forwarder.clock import Clock

BUSY_SECONDS = 0.0005
"""When others use the loop for longer than this at our first pause they have work to do, and get as much time as we had."""


class Pacer:
    """`async with pacer:` is a turn: one at a time, however many partitions are behind. `pause` within it lets others run.

    Others get at least as much of the loop's time as catch-up while they have work; while they have none, catch-up gets all of it.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._turn = asyncio.Lock()
        self._since = 0.0

    async def __aenter__(self) -> Pacer:
        await self._turn.acquire()
        self._since = self._clock.monotonic()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                await self.pause()
        finally:
            self._turn.release()

    async def pause(self) -> None:
        """Rest as long as we worked, unless nobody else wants the loop."""
        stopped = self._clock.monotonic()
        worked = stopped - self._since
        await self._clock.sleep(0)
        others = self._clock.monotonic() - stopped
        if others > BUSY_SECONDS and others < worked:
            await self._clock.sleep(worked - others)
        self._since = self._clock.monotonic()
