"""When refused commits mean that two live processes share one static member id. Pure: times come in, a verdict goes out.

Kafka lets two such processes take the group from each other for ever, without an error and without progress.
"""

from __future__ import annotations

from collections import deque

LIMIT = 3
WINDOW_SECONDS = 10.0


class Refusals:
    """Counts the refusals of the last `WINDOW_SECONDS`."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=LIMIT)

    def too_many(self, now: float) -> bool:
        """Note one at `now` (seconds, monotonic); True when it is the `LIMIT`th within the window."""
        self._times.append(now)
        return len(self._times) == LIMIT and now - self._times[0] <= WINDOW_SECONDS
