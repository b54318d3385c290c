"""The account of a webhook on one partition: read = filtered + delivered + discarded + dead-lettered + pending, at every moment.

Counts only. While the router feeds the partition nothing is counted per chunk: `read` follows what the router has routed.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from forwarder.model.attempt import DiscardReason
from forwarder.model.event import TP, Event


@dataclass(slots=True, eq=False)
class Account:
    """Every record below `counted` is in `read` (`routed_before` too while the partition is live, see `Accounts`).

    held      in memory: in the window or in flight
    returned  matched, and to be read from Kafka again before it can be sent: lies in `[behind, counted)`
    doubtful  counted as lost by retention although they may be there still: retention ended in the middle of what was returned
    untold    discards that the receiver has not been told
    Reasons are the words of `DiscardReason`, `DeadLetterReason` and `Unreadable`, as they are in a checkpoint.
    """

    counted: int = 0
    read: int = 0
    matched: int = 0
    delivered: int = 0
    discarded: Counter[str] = field(default_factory=Counter)
    dead_lettered: Counter[str] = field(default_factory=Counter)
    held: int = 0
    returned: int = 0
    doubtful: int = 0
    untold: Counter[str] = field(default_factory=Counter)
    routed_before: int | None = None

    @property
    def pending(self) -> int:
        return self.held + self.returned

    def again(self, event: Event) -> bool:
        """Catch-up brings an event: False when it is new to this account, and then it is matched from now on."""
        if event.offset < self.counted:
            if self.returned:
                self.returned -= 1
                return True
            if self.doubtful:  # it is not lost after all
                self.doubtful -= 1
                self.discarded[DiscardReason.RETENTION.value] -= 1
                return True
        self.matched += 1
        return False

    def pass_over(self, start: int, end: int, records: Sequence[int]) -> None:
        """Catch-up has come from `start` to `end`; `records` are the offsets of all records there, ascending.

        What was returned and has not come again by `counted` is no longer wanted: the filter has changed.
        """
        fresh = max(start, self.counted)
        if end > fresh:
            self.read += bisect_left(records, end) - bisect_left(records, fresh)
        self._reach(end)

    def lose(self, start: int, end: int, spared: int, fresh_spared: int, reason: DiscardReason) -> int:
        """Offsets in `[start, end)` will never be read; returns how many events are given up by that.

        `spared` of them below `counted`, and `fresh_spared` above it, have an outcome or are in flight.
        """
        known = self.returned
        if end < self.counted:
            known = min(known, end - start - spared)
            self.doubtful += known
        unread = max(0, end - max(start, self.counted))
        lost = unread - fresh_spared
        self.returned -= known
        self.read += unread
        self.matched += unread
        self.delivered += fresh_spared
        self.discarded[reason.value] += known + lost
        self._reach(end)
        return known + lost

    def _reach(self, end: int) -> None:
        if end >= self.counted:
            self.matched -= self.returned
            self.returned = self.doubtful = 0
            self.counted = end


class Accounts:
    """By partition. `positions` is the router's next offset, `routed` how many records it has routed, ever; both only read here.

    A partition is live while `routed_before` is set: `read` is that of the account and what was routed since then.
    """

    def __init__(self, positions: Mapping[TP, int], routed: Mapping[TP, int]) -> None:
        self.of: dict[TP, Account] = {}
        self._positions = positions
        self.routed = routed

    def go_live(self, tp: TP) -> None:
        """The router feeds the partition from here on."""
        account = self.of.get(tp)
        if account is not None and account.routed_before is None:
            account.pass_over(account.counted, self._positions.get(tp, account.counted), ())
            account.routed_before = self.routed.get(tp, 0)

    def stop(self, tp: TP, counted: int | None = None) -> None:
        """The router feeds it no longer. What it routed is counted up to its position, or up to `counted` after a skip."""
        account = self.of[tp]
        if account.routed_before is not None:
            account.counted = self._positions.get(tp, 0) if counted is None else counted
            account.read = self.read(tp)
            account.routed_before = None

    def read(self, tp: TP) -> int:
        """Records that this lane has counted."""
        account = self.of[tp]
        live = account.routed_before
        return account.read if live is None else account.read + self.routed.get(tp, 0) - live

    def counted(self, tp: TP) -> int:
        """Every record below this offset is in `read`, none at or above it."""
        account = self.of[tp]
        return account.counted if account.routed_before is None else self._positions.get(tp, 0)

    def imbalance(self, tp: TP) -> int:
        """0 when every record has its place in the account; anything else is a defect of ours."""
        account = self.of[tp]
        settled = account.delivered + account.discarded.total() + account.dead_lettered.total()
        return abs(account.matched - settled - account.pending) + max(0, account.matched - self.read(tp))
