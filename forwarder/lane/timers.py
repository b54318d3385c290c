"""Due times of all lanes on one heap, served by one loop timer: thousands of lanes, no sleeping task each. Decides nothing."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Timers(Generic[T]):
    """`schedule(key, when)` replaces the key's earlier due time. `fire(key)` is called once, at or after it.

    Old entries stay on the heap until they surface (lazy deletion): a lane that moves its due time pays one push.
    """

    def __init__(self, fire: Callable[[T], None]) -> None:
        self._fire = fire
        self._heap: list[tuple[float, int, T]] = []
        self._due: dict[T, float] = {}
        self._order = itertools.count()
        self._handle: asyncio.TimerHandle | None = None
        self._armed = math.inf

    def schedule(self, key: T, when: float) -> None:
        """Fire `key` at loop time `when`; infinity cancels."""
        if math.isinf(when) and when > 0:
            self._due.pop(key, None)
            return
        if self._due.get(key) == when:
            return
        self._due[key] = when
        heapq.heappush(self._heap, (when, next(self._order), key))
        if when < self._armed:
            self._arm(when)

    def due(self, key: T) -> float:
        """The key's due time; infinity when it has none."""
        return self._due.get(key, math.inf)

    def run_due(self, now: float) -> int:
        """Fire everything due at `now`; returns how many fired."""
        fired = 0
        heap, due = self._heap, self._due
        while heap and heap[0][0] <= now:
            when, _, key = heapq.heappop(heap)
            if due.get(key) == when:
                del due[key]
                fired += 1
                self._fire(key)
        return fired

    def close(self) -> None:
        """Forget everything."""
        if self._handle is not None:
            self._handle.cancel()
        self._heap.clear()
        self._due.clear()
        self._armed = math.inf

    def _arm(self, when: float) -> None:
        if self._handle is not None:
            self._handle.cancel()
        loop = asyncio.get_running_loop()
        self._armed = when
        self._handle = loop.call_at(max(when, loop.time()), self._wake)

    def _wake(self) -> None:
        self._armed = math.inf
        self._handle = None
        try:
            self.run_due(asyncio.get_running_loop().time())
        finally:
            while self._heap and self._due.get(self._heap[0][2]) != self._heap[0][0]:
                heapq.heappop(self._heap)
            if self._heap:
                self._arm(self._heap[0][0])
