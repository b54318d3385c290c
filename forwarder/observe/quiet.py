"""Keeps the Kafka libraries from filling the log during an outage (thousands of lines otherwise). Drops only their lines."""

from __future__ import annotations

import logging
import re
import threading

from forwarder.observe.throttle import Throttle

NOISY = ("aiokafka", "faust", "mode", "kafka", "watchfiles")
INTERVAL_S = 10.0
LINES = 20
"""Most lines of these libraries in one interval: many messages hold names that make each of them look new."""

_VARIABLE = re.compile(r"0x[0-9a-fA-F]+|\d+|'[^']*'|\"[^\"]*\"|<[^>]*>")


def template(message: str) -> str:
    """What messages of one kind have in common: numbers, quoted texts and objects are taken out."""
    return _VARIABLE.sub("#", message)[:160]


class QuietLibraries(logging.Filter):
    """One line per logger and kind of message in each interval; the next one carries `suppressed`. Thread-safe.

    Uses the time of the record itself. Critical lines always pass.
    """

    def __init__(self, interval: float = INTERVAL_S, lines: int = LINES) -> None:
        super().__init__()
        self._interval, self._lines = interval, lines
        self._throttle = Throttle[None]()
        self._window, self._said, self._over = float("-inf"), 0, 0
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.partition(".")[0] not in NOISY or record.levelno >= logging.CRITICAL:
            return True
        with self._lock:
            return self._admit(record)

    def _admit(self, record: logging.LogRecord) -> bool:
        key = (record.name, record.levelno, template(str(record.msg)))
        held = self._throttle.admit(key, None, record.created, self._interval)
        if held is None:
            return False
        if not 0 <= record.created - self._window < self._interval:
            self._window, self._said = record.created, 0
        if self._said >= self._lines:
            self._over += 1
            return False
        self._said += 1
        if suppressed := held.lines + self._over:
            record.suppressed = suppressed
        self._over = 0
        return True
