"""Requests in flight to one host, shared by all webhooks on it: first come, first served. Counts and wakes; nothing here waits."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice


class Share:
    """How many workers of the group divide every limit between them; one object for all lanes of a worker."""

    __slots__ = ("members",)

    def __init__(self) -> None:
        self.members = 1


class Turns:
    """`limit` is that of the whole group; this worker has its share of it, and always at least one.

    Whoever is refused stands in line, holding nothing, and is woken when it is its turn. After that it is at the end of the line.
    """

    def __init__(self, limit: int, share: Share) -> None:
        self._limit = limit
        self._share = share
        self._taken = 0
        self._line: dict[object, Callable[[], None]] = {}

    @property
    def free(self) -> int:
        return max(1, self._limit // self._share.members) - self._taken

    def waits(self, who: object) -> bool:
        """Whether `who` stands in line, and it is not its turn yet."""
        return who in self._line and not self.may(who)

    def may(self, who: object) -> bool:
        """Whether it is the turn of `who`."""
        ahead = islice(self._line, max(0, self.free))
        return any(one is who for one in ahead) or (who not in self._line and len(self._line) < self.free)

    def take(self, who: object, wake: Callable[[], None]) -> bool:
        """One request more. Refused: `wake` is called when its turn has come, until it takes it or leaves."""
        if not self.may(who):
            self._line.setdefault(who, wake)
            return False
        self._line.pop(who, None)
        self._taken += 1
        return True

    def leave(self, who: object) -> None:
        """It wants no turn any more: the next one may have it."""
        if self._line.pop(who, None) is not None:
            self.call()

    def release(self) -> None:
        """A request has ended."""
        self._taken -= 1
        self.call()

    def call(self) -> None:
        """Wake those whose turn it is; also after the share has grown."""
        for wake in list(islice(self._line.values(), max(0, self.free))):
            wake()
