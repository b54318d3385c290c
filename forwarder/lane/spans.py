"""A set of offsets kept as disjoint runs, so that millions of neighbours cost what one costs. Knows nothing of events."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence


class Spans:
    """Runs are `(first, last)`, both inclusive, ascending, never touching each other."""

    __slots__ = ("_firsts", "_lasts")

    def __init__(self, runs: Iterable[Sequence[int]] = ()) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for first, last in runs:
            self.add(first, last)

    def add(self, first: int, last: int) -> None:
        """Every offset from `first` to `last`; nothing when `last` is below `first`."""
        if last < first:
            return
        low = bisect_left(self._lasts, first - 1)
        high = bisect_right(self._firsts, last + 1)
        if low < high:
            first, last = min(first, self._firsts[low]), max(last, self._lasts[high - 1])
        self._firsts[low:high] = [first]
        self._lasts[low:high] = [last]

    def add_between(self, start: int, end: int, holes: Iterable[int]) -> None:
        """Every offset in `[start, end)` but the `holes`."""
        for hole in sorted(holes):
            if start <= hole < end:
                self.add(start, hole - 1)
                start = hole + 1
        self.add(start, end - 1)

    def gaps(self, start: int, end: int) -> list[tuple[int, int]]:
        """The runs of offsets in `[start, end)` that are not here."""
        rest: list[tuple[int, int]] = []
        for first, last in self.runs():
            if last >= start and first < end:
                rest.append((start, first - 1))
                start = last + 1
        rest.append((start, end - 1))
        return [(first, last) for first, last in rest if first <= last]

    def trim(self, below: int) -> None:
        """Forget every offset below `below`."""
        gone = bisect_left(self._lasts, below)
        del self._firsts[:gone], self._lasts[:gone]
        if self._firsts:
            self._firsts[0] = max(self._firsts[0], below)

    def count(self, start: int, end: int) -> int:
        """How many offsets lie in `[start, end)`."""
        low, high = bisect_left(self._lasts, start), bisect_left(self._firsts, max(start, end))
        pairs = zip(self._firsts[low:high], self._lasts[low:high], strict=True)
        return sum(min(last, end - 1) - max(first, start) + 1 for first, last in pairs)

    def runs(self) -> list[tuple[int, int]]:
        return list(zip(self._firsts, self._lasts, strict=True))

    def __contains__(self, offset: int) -> bool:
        at = bisect_left(self._lasts, offset)
        return at < len(self._firsts) and self._firsts[at] <= offset

    def __bool__(self) -> bool:
        return bool(self._firsts)
