"""One byte budget for all windows and bodies in flight of a process. Counts; who gives memory back is decided by the caller."""

from __future__ import annotations

PLENTIFUL_SHARE = 0.5
"""Up to this share of the budget lanes may hold as much as they like; the rest is divided among them."""


class Budget:
    """`used` never says less than what is held: an event is charged in full to every lane that holds it.

    `share` (bytes) is what each lane may hold however much the others hold: endpoints that are down keep their frozen batches,
    and those must never take the memory that another lane needs to go on.
    """

    __slots__ = ("limit", "share", "used")

    def __init__(self, limit: int, lanes: int = 1) -> None:
        self.limit = limit
        self.used = 0
        self.share = limit
        self.divide(lanes)

    def divide(self, lanes: int) -> None:
        """There are that many lanes now. Their bodies in flight cost as much again as their events, hence the second half."""
        self.share = int(self.limit * (1 - PLENTIFUL_SHARE)) // (2 * max(1, lanes))

    def charge(self, size: int) -> None:
        self.used += size

    def release(self, size: int) -> None:
        self.used -= size

    @property
    def plentiful(self) -> bool:
        """Nobody has to keep to the share."""
        return self.plenty > 0

    @property
    def plenty(self) -> int:
        """Bytes that may be taken before everybody has to keep to the share; below 0 when more is taken already."""
        return int(self.limit * PLENTIFUL_SHARE) - self.used

    @property
    def spent(self) -> bool:
        """More is held than allowed: the largest windows must go behind."""
        return self.used > self.limit
