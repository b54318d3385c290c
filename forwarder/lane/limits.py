"""Has a lane dead-lettered too much? Pure counting over outcomes; the lane pauses, this only says when."""

from __future__ import annotations

from collections import deque

from forwarder.settings.webhook import DeadLetterLimit


class RefusalMeter:
    """Refusals in a row, and among the last `window` settled events (exact: positions of refusals are kept, not buckets)."""

    __slots__ = ("_limit", "_refused", "_settled", "in_a_row")

    def __init__(self, limit: DeadLetterLimit) -> None:
        self._limit = limit
        self._refused: deque[int] = deque()
        self._settled = 0
        self.in_a_row = 0

    def delivered(self, events: int) -> None:
        self._settled += events
        self.in_a_row = 0

    def refused(self) -> None:
        """One event was refused and will be dead-lettered."""
        self._settled += 1
        self.in_a_row += 1
        self._refused.append(self._settled)

    def would_exceed(self) -> bool:
        """Whether one more refusal passes the limit: more than `in_a_row` in a row, or more than `ratio` of the last `window`."""
        oldest = self._settled + 1 - self._limit.window
        while self._refused and self._refused[0] <= oldest:
            self._refused.popleft()
        return self.in_a_row >= self._limit.in_a_row or len(self._refused) + 1 > self._limit.ratio * self._limit.window
