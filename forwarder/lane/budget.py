"""One byte budget for all windows and bodies in flight of a process. Counts; who gives memory back is decided by the caller."""

from __future__ import annotations

CATCH_UP_SHARE = 0.75
"""Catch-up reads only while less than this share is used: live windows keep the rest."""


class Budget:
    """`used` never says less than what is held: an event is charged in full to every lane that holds it."""

    __slots__ = ("limit", "used")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0

    def charge(self, size: int) -> None:
        self.used += size

    def release(self, size: int) -> None:
        self.used -= size

    @property
    def spent(self) -> bool:
        """More is held than allowed: the largest windows must go behind."""
        return self.used > self.limit

    @property
    def catch_up_allowed(self) -> bool:
        return self.used < self.limit * CATCH_UP_SHARE
