"""Measures how late the event loop wakes, beats for those who must know that it moves, and looks where it stands when it does not.

Never blocks the loop, owns no task. The look is a thread's: a loop that stands still cannot look at itself.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from forwarder.clock import Clock, steady
from forwarder.observe import declared as d
from forwarder.observe.events import LoopBlocked, LoopStalled
from forwarder.observe.observer import Observer
from forwarder.observe.stacks import thread_stack

INTERVAL_S = 0.02
"""Short against STALL_S: with a longer one, a stall that falls between two wakes would not be seen."""

STALL_S = 0.1
"""Without a turn for that long is a stall: at 2,000 events a second it holds back 200."""

TICK_S = 0.25
BLOCKED_S = 5.0
"""A stall as long as this is told while it lasts, and again each time that it has lasted twice as long."""


class LoopLag:
    """One per process. `on_tick` runs about four times a second: beating, flushing held-back lines. `elapsed` gives seconds
    that pass in every thread."""

    def __init__(
        self,
        observer: Observer,
        clock: Clock,
        on_tick: tuple[Callable[[], None], ...] = (),
        elapsed: Callable[[], float] = steady,
    ) -> None:
        self._observer = observer
        self._clock = clock
        self._on_tick = on_tick
        self._elapsed = elapsed
        self._due = self._turn = self._ticked = 0.0
        self._last = self._worst = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._look = _Look(self._blocked)
        observer.metrics.on_scrape(self.publish)

    def start(self) -> None:
        """Begin to measure, on the running loop."""
        self._turn = self._ticked = self._elapsed()
        self._look.start(lambda: self._elapsed() - self._turn)
        self._schedule()

    def stop(self) -> None:
        """End; may be called twice."""
        self._look.stop()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def woke(self) -> None:
        """A wake that was due at the time noted before: note how late it is."""
        now, stack = self._elapsed(), self._look.taken()
        stalled = now - self._turn >= STALL_S
        self._turn = now
        self._last = max(0.0, self._clock.monotonic() - self._due)
        self._worst = max(self._worst, self._last)
        if stalled:
            self._observer.emit(LoopStalled(self._last, stack))
        self._schedule()
        if now - self._ticked >= TICK_S - INTERVAL_S / 2:
            self._ticked = now
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

    def _blocked(self, seconds: float, stack: tuple[str, ...]) -> None:
        """In the look's thread: an occurrence without counts and limits may be told from anywhere."""
        self._observer.emit(LoopBlocked(round(seconds, 1), stack))


class _Look:
    """A thread that takes the loop's stack once per stall. `blocked` gets the length of a long one in seconds, and the stack."""

    def __init__(self, blocked: Callable[[float, tuple[str, ...]], None]) -> None:
        self._blocked = blocked
        self._over = threading.Event()
        self._stack: tuple[str, ...] = ()

    def start(self, standing: Callable[[], float]) -> None:
        """Watch the calling thread; `standing` says for how many seconds it has had no turn."""
        arguments = (threading.get_ident(), standing)
        threading.Thread(target=self._run, args=arguments, name="loop-look", daemon=True).start()

    def stop(self) -> None:
        self._over.set()

    def taken(self) -> tuple[str, ...]:
        """The stack of the stall that has just ended; empty when it was too short to look."""
        stack, self._stack = self._stack, ()
        return stack

    def _run(self, loop_thread: int, standing: Callable[[], float]) -> None:
        told = BLOCKED_S
        while not self._over.wait(pause(standing())):
            stood = standing()
            if stood < STALL_S:
                told, self._stack = BLOCKED_S, ()
                continue
            stack = thread_stack(loop_thread)
            if standing() >= stood and not self._stack:
                self._stack = stack
            if stood >= told:
                told = stood * 2
                self._blocked(stood, stack)


def pause(standing: float) -> float:
    """Seconds until the next look: at the moment when a stall would begin to count, and in a stall a few times a second."""
    return STALL_S - standing if standing < STALL_S else STALL_S * 2
