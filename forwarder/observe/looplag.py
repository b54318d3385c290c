"""Measures how late the event loop wakes, and beats for those who must know that it moves. Never blocks, owns no task."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from forwarder.clock import Clock
from forwarder.observe import declared as d
from forwarder.observe.events import LoopStalled
from forwarder.observe.observer import Observer

INTERVAL_S = 0.25
STALL_S = 0.1
"""A later wake than this is a stall: at 2,000 events a second it holds back 200."""


class LoopLag:
    """One per process. `on_tick` runs at each wake: beating, flushing held-back lines."""

    def __init__(self, observer: Observer, clock: Clock, on_tick: tuple[Callable[[], None], ...] = ()) -> None:
        self._observer = observer
        self._clock = clock
        self._on_tick = on_tick
        self._due = 0.0
        self._last = self._worst = 0.0
        self._timer: asyncio.TimerHandle | None = None
        observer.metrics.on_scrape(self.publish)

    def start(self) -> None:
        """Begin to measure, on the running loop."""
        self._schedule()

    def stop(self) -> None:
        """End; may be called twice."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def woke(self) -> None:
        """A wake that was due at the time noted before: note how late it is."""
        self._last = max(0.0, self._clock.monotonic() - self._due)
        self._worst = max(self._worst, self._last)
        if self._last > STALL_S:
            self._observer.emit(LoopStalled(self._last))
        self._schedule()
        for callback in self._on_tick:
            callback()

    def publish(self) -> None:
        """Show the last lag and the worst since the previous scrape."""
        self._observer.metrics.gauge(d.LOOP_LAG).set(self._last)
        self._observer.metrics.gauge(d.LOOP_LAG_MAX).set(self._worst)
        self._worst = 0.0

    def _schedule(self) -> None:
        self._due = self._clock.monotonic() + INTERVAL_S
        self._timer = asyncio.get_running_loop().call_later(INTERVAL_S, self.woke)
