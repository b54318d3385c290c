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

    def would_exceed(self, more: int = 1, mixed: bool = False) -> bool:
        """Whether `more` refusals pass the limit: more than `in_a_row` in a row, or more than `ratio` of the last `window`.

        `mixed`: others of the same request were taken, so that these are not in a row.
        """
        oldest = self._settled + 1 - self._limit.window
        while self._refused and self._refused[0] <= oldest:
            self._refused.popleft()
        if not mixed and self.in_a_row + more > self._limit.in_a_row:
            return True
        return len(self._refused) + more > self._limit.ratio * self._limit.window
