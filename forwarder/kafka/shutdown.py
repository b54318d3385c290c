"""Stopping the process: the first signal asks, the second one ends it at once, and a watchdog bounds what lies between.

Knows nothing of Kafka; owns the process's SIGTERM and SIGINT.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading

_log = logging.getLogger(__name__)

HARD_EXIT = 1
ECHO_SECONDS = 0.5
"""Wrappers (timeout, shells, container runtimes) pass one signal on twice, to the process and to its group."""


class Shutdown:
    """`requested` is set by the first signal. `limit` is the time in seconds that a stop may take at most."""

    def __init__(self, limit: float) -> None:
        self.requested = asyncio.Event()
        self._limit = limit
        self._over = threading.Event()
        self._armed = False
        self._asked_at = 0.0

    def install(self) -> None:
        """Take SIGTERM and SIGINT over in the running loop."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal, number)

    def request(self) -> None:
        """Ask for a stop, as the first signal does."""
        self.arm()
        self.requested.set()

    def arm(self) -> None:
        """From now on the process ends by itself after `limit`, whatever hangs. A thread, so that a stuck loop counts too."""
        if not self._armed:
            self._armed = True
            threading.Thread(target=self._watch, name="shutdown-watchdog", daemon=True).start()

    def finished(self) -> None:
        """The stop is complete: call the watchdog off."""
        self._over.set()

    def _on_signal(self, number: signal.Signals) -> None:
        now = asyncio.get_running_loop().time()
        if self.requested.is_set() and now - self._asked_at < ECHO_SECONDS:
            return
        if self.requested.is_set():
            _log.error("second %s: ending at once", number.name)
            os._exit(HARD_EXIT)
        _log.info("%s: stopping", number.name)
        self._asked_at = now
        self.request()

    def _watch(self) -> None:
        if not self._over.wait(self._limit):
            _log.critical("the stop took longer than %.0f s: ending at once", self._limit)
            os._exit(HARD_EXIT)
