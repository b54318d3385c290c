"""When refused commits mean that two live processes share one static member id. Pure: times come in, a verdict goes out.

Kafka lets two such processes take the group from each other for ever, without an error and without progress.
"""

from __future__ import annotations

from collections import deque

LIMIT, PATIENT_LIMIT = 3, 6
"""The older of the two ends after LIMIT refusals. The younger one is more patient, so that one of them is left."""

WINDOW_SECONDS = 10.0
ONE_SECONDS = 0.2
"""Refusals closer than this are one: each topic has its own commit."""


class Refusals:
    """Counts the refusals of the last `WINDOW_SECONDS`. `started`: when this process joined (seconds, monotonic)."""

    def __init__(self, started: float) -> None:
        self._started = started
        self._times: deque[float] = deque(maxlen=PATIENT_LIMIT)
        self._limit = LIMIT

    def too_many(self, now: float) -> bool:
        """Note one at `now` (seconds, monotonic); True when it is one too many within the window."""
        while self._times and now - self._times[0] > WINDOW_SECONDS:
            self._times.popleft()
        if not self._times:
            # who was left in peace for long was there first
            self._limit = LIMIT if now - self._started > WINDOW_SECONDS else PATIENT_LIMIT
        if not self._times or now - self._times[-1] >= ONE_SECONDS:
            self._times.append(now)
        return len(self._times) >= self._limit
