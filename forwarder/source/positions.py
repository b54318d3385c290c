"""The position guard: what the router expects next per partition, and whether a chunk follows on. Pure; reads and seeks nothing.

The consumer below us can skip records at the end of a rebalance. A chunk says which fetch positions it covers, so transaction
markers and compaction are no gaps, and a real skip is found the moment the next chunk arrives.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from forwarder.model.event import TP


class Admission(Enum):
    """How a chunk relates to what was expected. REWOUND: the log begins again below what was read, so the topic was made anew."""

    NEXT = "next"
    STALE = "stale"
    GAP = "gap"
    REWOUND = "rewound"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`first` is the first offset to route; for a GAP, `[expected, first)` was skipped and must be read again."""

    admission: Admission
    first: int
    expected: int


@dataclass(frozen=True, slots=True)
class Recreated:
    """Why a partition is halted: everything below `expected` was read of another topic of this name. `found` is where the new
    one showed: its end, or the offset that it holds another record at."""

    expected: int
    found: int


class Positions:
    """`expected[tp]` is the next offset the router will route: the *position* of the checkpoint. `tails[tp]` is the offset and
    the timestamp (milliseconds) of the last record routed. A partition in `halted` admits nothing until it is loaded anew."""

    def __init__(self) -> None:
        self.expected: dict[TP, int] = {}
        self.tails: dict[TP, tuple[int, int]] = {}
        self.halted: dict[TP, Recreated] = {}
        self._loaded: dict[TP, int] = {}
        self._followed: dict[TP, tuple[int, int]] = {}

    def admit(self, tp: TP, start: int, end: int, seek: int = 0) -> Verdict:
        """Judge a chunk that covers `[start, end)` and was fetched after position change number `seek`, and move on. Partitions
        that are not loaded, or halted, are left alone.

        Between two changes of its position a consumer only goes forward, and after each it begins where we have told it to.
        """
        expected = self.expected.get(tp)
        if expected is None or tp in self.halted:
            return Verdict(Admission.UNKNOWN, end, end)
        loaded = self._loaded.get(tp, 0)
        last_seek, floor = self._followed.get(tp, (seek, loaded))
        if start < (floor if last_seek == seek else loaded):
            self.halted[tp] = Recreated(expected, start)
            return Verdict(Admission.REWOUND, end, expected)
        self._followed[tp] = (seek, end)
        if end <= expected:
            return Verdict(Admission.STALE, end, expected)
        self.expected[tp] = end
        if start > expected:
            return Verdict(Admission.GAP, start, expected)
        return Verdict(Admission.NEXT, expected, expected)

    def load(self, tp: TP, position: int, tail: tuple[int, int] | None) -> None:
        """The partition is ours and goes on at `position`."""
        self.forget(tp)
        self.expected[tp] = self._loaded[tp] = position
        if tail is not None:
            self.tails[tp] = tail

    def forget(self, tp: TP) -> None:
        """The partition is no longer ours."""
        for known in (self.expected, self.tails, self.halted, self._loaded, self._followed):
            known.pop(tp, None)


class Tail(Enum):
    """What the tail guard found. RECREATED: we stand beyond the end of the log, so it is another topic of the same name."""

    FINE = "fine"
    SKIPPED = "skipped"
    RECREATED = "recreated"


SKIPPED_AFTER_SECONDS = 2.0
"""What the consumer has handed over may be on its way to us for so long in a process that is short of CPU."""


class TailGuard:
    """Finds a skip that no later record betrays: the consumer has handed over more than we got, and nothing comes any more."""

    def __init__(self) -> None:
        self._seen: dict[TP, tuple[int, float]] = {}

    def check(self, tp: TP, expected: int, handed: int | None, end: int | None, now: float) -> Tail:
        """`handed` is how far the consumer has come, `end` the log's end by its newest answer;
        None where it does not know yet. `now` in seconds, monotonic."""
        skipped = handed is not None and handed > expected
        beyond = end is not None and end < expected
        if not skipped and not beyond:
            self._seen.pop(tp, None)
            return Tail.FINE
        before, since = self._seen.get(tp, (None, now))
        if before != expected:
            self._seen[tp] = (expected, now)
            return Tail.FINE
        if now - since < SKIPPED_AFTER_SECONDS:
            return Tail.FINE
        return Tail.RECREATED if beyond else Tail.SKIPPED

    def forget(self) -> None:
        """After a rebalance: everything is to be seen anew."""
        self._seen.clear()
