"""Offsets that were given up outside a batch: shed by a lossy webhook, or deleted by retention. Kept until the ledger has them.

Values only. What is given up in a batch goes to the ledger before it is settled and never comes here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from forwarder.model.attempt import DiscardReason
from forwarder.model.event import TP

MOST_RUNS = 10_000
"""Runs kept per reason and partition. Beyond it neighbours are joined across what lies between them: whoever sends them later
sends a few too many, never one too few."""


@dataclass(slots=True)
class Loss:
    """`runs` are inclusive, in the order in which they were noted; `count` is exact even where runs were joined."""

    reason: DiscardReason
    tp: TP
    runs: list[tuple[int, int]] = field(default_factory=list)
    count: int = 0


class Losses:
    """`waiting` says whether there is anything to write."""

    def __init__(self) -> None:
        self._kept: dict[tuple[DiscardReason, TP], Loss] = {}

    @property
    def waiting(self) -> bool:
        return bool(self._kept)

    def note(self, reason: DiscardReason, tp: TP, runs: Iterable[tuple[int, int]]) -> None:
        """Inclusive runs of offsets that will not be delivered."""
        loss = self._kept.setdefault((reason, tp), Loss(reason, tp))
        for first, last in runs:
            loss.count += last - first + 1
            self._extend(loss.runs, first, last)
        if not loss.count:
            del self._kept[reason, tp]

    def take(self) -> list[Loss]:
        """Everything; it is kept no longer."""
        kept, self._kept = self._kept, {}
        return list(kept.values())

    def give_back(self, losses: Iterable[Loss]) -> None:
        """They could not be written."""
        for loss in losses:
            newer = self._kept.pop((loss.reason, loss.tp), None)
            self._kept[loss.reason, loss.tp] = loss
            if newer is not None:
                loss.count += newer.count
                for first, last in newer.runs:
                    self._extend(loss.runs, first, last)

    def _extend(self, runs: list[tuple[int, int]], first: int, last: int) -> None:
        if runs and runs[-1][1] + 1 == first:
            runs[-1] = (runs[-1][0], last)
            return
        runs.append((first, last))
        if len(runs) > MOST_RUNS:
            runs.sort()
            runs[:] = [
                (one[0], max(one[1], two[1])) for one, two in zip(runs[::2], [*runs[1::2], runs[-1]], strict=False)
            ]


def runs_without(first: int, end: int, spared: Iterable[int]) -> list[tuple[int, int]]:
    """The inclusive runs of `[first, end)` that hold none of `spared`."""
    runs: list[tuple[int, int]] = []
    for offset in sorted({offset for offset in spared if first <= offset < end}):
        if offset > first:
            runs.append((first, offset - 1))
        first = offset + 1
    if first < end:
        runs.append((first, end - 1))
    return runs
