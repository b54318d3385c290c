"""An event loop without sockets, threads or time of its own: one per simulated process, driven from outside, deterministic.

What runs next is decided by `agenda.Agenda`. A loop that is never driven again is a process that was killed; one that is driven
later is a process that was stopped. Tasks and futures hash by number, so that the order of a set of them is always the same.
"""

from __future__ import annotations

import asyncio
import contextvars
import heapq
import itertools
import math
from asyncio import events
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

MAX_TURNS = 20_000
"""Callbacks at one instant after which a loop is said to spin."""


class Spinning(Exception):
    """A process keeps itself busy without time passing."""


class SimFuture(asyncio.Future[Any]):
    """A future with a stable hash."""

    def __init__(self, *, loop: SimLoop) -> None:
        self.number = next(loop.numbers)
        super().__init__(loop=loop)

    def __hash__(self) -> int:
        return self.number


class SimTask(asyncio.Task[Any]):
    """A task with a stable hash."""

    def __init__(self, coro: Coroutine[Any, Any, Any], *, loop: SimLoop, name: str | None = None) -> None:
        self.number = next(loop.numbers)
        loop.tasks[self.number] = self
        super().__init__(coro, loop=loop, name=name)

    def __hash__(self) -> int:
        return self.number


class SimLoop(asyncio.AbstractEventLoop):
    """`now` gives the common virtual time; `process` is whoever lives in this loop."""

    def __init__(self, now: Callable[[], float], process: Any) -> None:
        self.process = process
        self.numbers = itertools.count(1)
        self.tasks: dict[int, SimTask] = {}
        self.errors: list[dict[str, Any]] = []
        self._now = now
        self._ready: deque[events.Handle] = deque()
        self._timers: list[tuple[float, int, events.TimerHandle]] = []
        self._order = itertools.count()

    # --- what asyncio asks of a loop ---

    def time(self) -> float:
        return self._now()

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., Any], *args: Any, context: Any = None
    ) -> events.Handle:
        handle = events.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., Any], *args: Any, context: Any = None
    ) -> events.TimerHandle:
        handle = events.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, next(self._order), handle))
        return handle

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., Any], *args: Any, context: Any = None
    ) -> events.TimerHandle:
        return self.call_at(self._now() + delay, callback, *args, context=context)

    def _timer_handle_cancelled(self, handle: events.TimerHandle) -> None:
        """Cancelled timers stay on the heap until they surface."""

    def create_future(self) -> SimFuture:
        return SimFuture(loop=self)

    def create_task(self, coro: Any, *, name: str | None = None, context: Any = None) -> SimTask:
        task = SimTask(coro, loop=self, name=name)
        task.add_done_callback(self._task_ended, context=contextvars.Context())
        return task

    def _task_ended(self, task: Any) -> None:
        self.tasks.pop(task.number, None)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.errors.append(context)

    # --- what drives it ---

    def due(self) -> float:
        """When it has something to do: minus infinity for now, infinity for never."""
        if self._ready:
            return -math.inf
        timers = self._timers
        while timers and timers[0][2].cancelled():
            heapq.heappop(timers)
        return timers[0][0] if timers else math.inf

    def turn(self) -> None:
        """Run all that is ready or due now, until nothing is. Raises Spinning when time stands still for too long."""
        now, timers, ready = self._now(), self._timers, self._ready
        while timers and timers[0][0] <= now:
            timer = heapq.heappop(timers)[2]
            if not timer.cancelled():
                ready.append(timer)
        events._set_running_loop(self)
        try:
            for _ in range(MAX_TURNS):
                if not ready:
                    return
                handle = ready.popleft()
                if not handle._cancelled:
                    handle._run()
        finally:
            events._set_running_loop(None)
        raise Spinning(f"{MAX_TURNS} callbacks at {now:.3f}")

    def kill(self) -> None:
        """Nothing of it runs again. Coroutines are closed here, in order, rather than by the garbage collector some time."""
        self._ready.clear()
        self._timers.clear()
        for task in list(self.tasks.values()):
            setattr(task, "_log_destroy_pending", False)  # noqa: B010 (asyncio's own)
            with suppress(Exception):
                task.get_coro().close()
        self.tasks.clear()
        self._ready.clear()
        self._timers.clear()
