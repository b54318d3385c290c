"""Writes what lanes gave up outside a batch to the ledger: together, now and then. What is not acknowledged is written again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from forwarder.clock import Clock
from forwarder.flow.letters import Letters
from forwarder.flow.roster import Roster
from forwarder.lane.lane import Lane

INTERVAL_SECONDS = 5.0
"""Shedding gives up single events, thousands a second: an entry holds those of so long. A crash may lose as much of the ledger."""

AT_ONCE = 20
LAST_SECONDS = 5.0


class Recorder:
    """One per worker."""

    def __init__(self, roster: Callable[[], Roster], letters: Letters, clock: Clock) -> None:
        self._roster = roster
        self._letters = letters
        self._clock = clock
        self._writing = asyncio.Lock()

    async def run(self) -> None:
        """For ever."""
        while True:
            await self._clock.sleep(INTERVAL_SECONDS)
            await self.write()

    async def write(self) -> None:
        """All that waits. One topic that refuses is asked by a few lanes at a time, not by a thousand."""
        async with self._writing:
            lanes = [lane for lane in self._roster() if lane.holding.losses.waiting]
            for start in range(0, len(lanes), AT_ONCE):
                await asyncio.gather(*(self._write(lane) for lane in lanes[start : start + AT_ONCE]))

    async def write_last(self) -> None:
        """At a stop: within LAST_SECONDS, or not at all."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_SECONDS):
                await self.write()

    async def _write(self, lane: Lane) -> None:
        losses = lane.holding.losses.take()
        left = list(losses)
        try:
            for loss in losses:
                if not await self._letters.losses(lane.name, loss):
                    break
                left.remove(loss)
        finally:
            lane.holding.losses.give_back(left)
