"""The only door to time. `monotonic` is the running loop's clock, so virtual-time tests cover it."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Two clocks: `wall` for what people read, `monotonic` for every interval."""

    def wall(self) -> float:
        """Seconds since the Unix epoch."""

    def monotonic(self) -> float:
        """Seconds since an arbitrary point; never steps back."""

    async def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""


class SystemClock:
    """Real time. Must be used inside a running event loop."""

    def wall(self) -> float:
        return time.time()  # noqa: TID251 (this is the door)

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def steady() -> float:
    """Seconds since an arbitrary point, in any thread, also while a loop stands still. Only for watching a loop from outside."""
    return time.monotonic()  # noqa: TID251 (this is the door)


class ManualClock:
    """A clock that moves only when told to; for tests and for replaying decisions."""

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._now = start

    def wall(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        """Move both clocks forward by `seconds`."""
        self._now += seconds
