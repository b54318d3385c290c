"""The position guard: what the router expects next per partition, and whether a chunk follows on. Pure; reads and seeks nothing.

The consumer below us can skip records at the end of a rebalance. A chunk says which fetch positions it covers, so transaction
markers and compaction are no gaps, and a real skip is found the moment the next chunk arrives.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from forwarder.model.event import TP


class Admission(Enum):
    """How a chunk relates to what was expected."""

    NEXT = "next"
    STALE = "stale"
    GAP = "gap"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`first` is the first offset to route; for a GAP, `[expected, first)` was skipped and must be read again."""

    admission: Admission
    first: int
    expected: int


class Positions:
    """`expected[tp]` is the next offset the router will route: the *position* of the checkpoint."""

    def __init__(self) -> None:
        self.expected: dict[TP, int] = {}

    def admit(self, tp: TP, start: int, end: int) -> Verdict:
        """Judge a chunk that covers `[start, end)` and move on. Partitions that are not loaded are left alone."""
        expected = self.expected.get(tp)
        if expected is None:
            return Verdict(Admission.UNKNOWN, end, end)
        if end <= expected:
            return Verdict(Admission.STALE, end, expected)
        self.expected[tp] = end
        if start > expected:
            return Verdict(Admission.GAP, start, expected)
        return Verdict(Admission.NEXT, expected, expected)


class Tail(Enum):
    """What the tail guard found. RECREATED: we stand beyond the end of the log, so it is another topic of the same name."""

    FINE = "fine"
    SKIPPED = "skipped"
    RECREATED = "recreated"


class TailGuard:
    """Finds a skip that no later record betrays: the consumer has handed over more than we got, twice in a row, without progress."""

    def __init__(self) -> None:
        self._seen: dict[TP, int] = {}

    def check(self, tp: TP, expected: int, handed: int | None, end: int | None) -> Tail:
        """`handed` is how far the consumer has come, `end` the offset after the last readable record by its newest answer;
        None where it does not know yet."""
        skipped = handed is not None and handed > expected
        beyond = end is not None and end < expected
        if not skipped and not beyond:
            self._seen.pop(tp, None)
            return Tail.FINE
        before = self._seen.get(tp)
        self._seen[tp] = expected
        if before != expected:
            return Tail.FINE
        return Tail.RECREATED if beyond else Tail.SKIPPED

    def forget(self) -> None:
        """After a rebalance: everything is to be seen anew."""
        self._seen.clear()
