"""Stopping the process: the first signal asks, a second one ends it at once, and a watchdog bounds what lies between.

Knows nothing of Kafka; owns the process's SIGTERM and SIGINT. They are taken in a thread: a loop that stands still takes none.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from contextlib import suppress
from queue import SimpleQueue

from forwarder.clock import steady

_log = logging.getLogger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGINT)
HARD_EXIT = 1
ECHO_SECONDS = 0.5
"""Wrappers (timeout, shells, container runtimes) pass one signal on twice, to the process and to its group."""


def hold_signals() -> None:
    """From now on a stop waits until somebody can take it, instead of ending the process on the spot. Call it in the main
    thread, before any other thread exists. It holds across `exec`, too."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


class Shutdown:
    """`requested` is set by the first signal. `limit` is the time in seconds that a stop may take at most, from the signal on,
    whatever stands still: only code that never lets another thread run is beyond its reach."""

    def __init__(self, limit: float) -> None:
        self.requested = asyncio.Event()
        self._limit = limit
        self._over = threading.Event()
        self._lock = threading.RLock()
        self._armed = False
        self._asked_at: float | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        # Its `put` may be called anywhere, also by a handler that interrupts a log line half-way; writing another line there fails.
        self._arrived: SimpleQueue[int] = SimpleQueue()

    def install(self) -> None:
        """Take SIGTERM and SIGINT over; call it in the main thread, in the running loop."""
        self._loop = asyncio.get_running_loop()
        for number in SIGNALS:
            # for a thread that was started before the signals were held: the main thread would get it then
            signal.signal(number, lambda number, _frame: self._arrived.put(number))
        hold_signals()
        for work, name in ((self._listen, "signals"), (self._react, "stops")):
            threading.Thread(target=work, name=name, daemon=True).start()

    def request(self) -> None:
        """Ask for a stop, as the first signal does. On the loop's thread."""
        self.arm()
        self.requested.set()

    def arm(self) -> None:
        """From now on the process ends by itself after `limit`, whatever hangs. Any thread may call it."""
        with self._lock:
            armed, self._armed = self._armed, True
        if not armed:
            threading.Thread(target=self._watch, name="shutdown-watchdog", daemon=True).start()

    def finished(self) -> None:
        """The stop is complete: call the watchdog off."""
        self._over.set()

    def _listen(self) -> None:
        while True:
            self._arrived.put(signal.sigwait(SIGNALS))

    def _react(self) -> None:
        while True:
            self._signalled(self._arrived.get())

    def _signalled(self, number: int) -> None:
        name, now = signal.Signals(number).name, steady()
        if self._asked_at is not None:
            if now - self._asked_at >= ECHO_SECONDS:
                _log.error("second %s: ending at once", name)
                os._exit(HARD_EXIT)
            return
        self._asked_at = now
        self.arm()
        _log.info("%s: stopping", name)
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self.requested.set)

    def _watch(self) -> None:
        if not self._over.wait(self._limit):
            _log.critical("the stop took longer than %.0f s: ending at once", self._limit)
            os._exit(HARD_EXIT)
