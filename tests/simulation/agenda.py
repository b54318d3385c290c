"""Virtual time: what happens next, in the world or inside a process. Deterministic; knows nothing of Forwarder."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable
from typing import Any

from tests.simulation.loop import SimLoop


class Agenda:
    """`now` is in seconds. Things of the same instant happen in the order in which they were planned, the world's first."""

    def __init__(self) -> None:
        self.now = 0.0
        self.loops: list[SimLoop] = []
        self._heap: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._order = itertools.count()

    def time(self) -> float:
        return self.now

    def at(self, when: float, what: Callable[..., None], *args: Any) -> None:
        """Let `what` happen in the world at `when`, or now if that has gone by."""
        heapq.heappush(self._heap, (max(when, self.now), next(self._order), what, args))

    def after(self, seconds: float, what: Callable[..., None], *args: Any) -> None:
        self.at(self.now + seconds, what, *args)

    def run(self, until: float) -> None:
        """Let time pass up to `until`."""
        while True:
            first, chosen = self._heap[0][0] if self._heap else math.inf, None
            for loop in self.loops:
                due = loop.due()
                if due < first:
                    first, chosen = due, loop
            if first > until:
                self.now = max(self.now, until)
                return
            self.now = max(self.now, first)
            if chosen is None:
                _, _, what, args = heapq.heappop(self._heap)
                what(*args)
            else:
                chosen.turn()
