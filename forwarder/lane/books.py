"""The books of one lane: its accounts by partition, and what this process has counted, for counters that only grow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from forwarder.lane.accounts import Account, Accounts
from forwarder.model.attempt import DeadLetterReason, DiscardReason
from forwarder.model.event import TP, Event, Unreadable

Reason = DiscardReason | DeadLetterReason | Unreadable
Spared = Callable[[int, int], int]


@dataclass(slots=True)
class Books:
    """`accounts` are those of the partitions that this worker owns; they go on where the checkpoint left them.

    The other counts are of events since the process began, over all partitions that it ever owned. An event that was matched
    before a restart is not matched again, so over all workers and all time they balance too. `held` is in memory now.
    """

    accounts: Accounts
    matched: int = 0
    delivered: int = 0
    discarded: Counter[DiscardReason] = field(default_factory=Counter)
    dead_lettered: Counter[DeadLetterReason | Unreadable] = field(default_factory=Counter)
    held: int = 0

    @property
    def returned(self) -> int:
        return sum(account.returned for account in self._all())

    @property
    def pending(self) -> int:
        return self.held + self.returned

    @property
    def imbalance(self) -> int:
        """0 when every event is accounted for on each partition; anything else is a defect of ours."""
        accounts = self.accounts
        held = sum(account.held for account in self._all())
        return abs(self.held - held) + sum(accounts.imbalance(tp) for tp in accounts.of)

    def match(self, tp: TP, count: int) -> None:
        """The webhook wants that many more."""
        self.matched += count
        self.accounts.of[tp].matched += count

    def match_again(self, tp: TP, events: Sequence[Event]) -> None:
        """Brought by catch-up: new, or matched before and returned."""
        account = self.accounts.of[tp]
        if account.returned or account.doubtful:
            self.matched += len(events) - sum([account.again(event) for event in events])
        else:
            self.match(tp, len(events))

    def recognize(self, event: Event) -> None:
        """Catch-up brings an event that has its outcome. Only a record from before there were books has not counted it."""
        account = self.accounts.of[event.tp]
        if event.offset >= account.counted:
            account.matched += 1
            account.delivered += 1

    def hold(self, tp: TP, count: int) -> None:
        """In memory from now on."""
        self.held += count
        self.accounts.of[tp].held += count

    def release(self, counts: Mapping[TP, int]) -> None:
        """No longer in memory."""
        for tp, count in counts.items():
            self.held -= count
            self.accounts.of[tp].held -= count

    def leave(self, counts: Mapping[TP, int]) -> None:
        """Matched and not in memory: Kafka keeps them, catch-up will bring them again."""
        for tp, count in counts.items():
            self.accounts.of[tp].returned += count

    def discard(self, tp: TP, reason: DiscardReason, count: int) -> None:
        """Given up; the receiver is to be told."""
        account = self.accounts.of[tp]
        account.discarded[reason.value] += count
        account.untold[reason.value] += count
        self.discarded[reason] += count

    def settle(self, counts: Mapping[TP, int], reason: Reason | None) -> None:
        """They have their outcome: delivered, or what the reason says."""
        for tp, count in counts.items():
            account = self.accounts.of[tp]
            match reason:
                case DiscardReason():
                    self.discard(tp, reason, count)
                case DeadLetterReason() | Unreadable():
                    account.dead_lettered[reason.value] += count
                    self.dead_lettered[reason] += count
                case None:
                    account.delivered += count
                    self.delivered += count

    def lose(self, tp: TP, start: int, end: int, reason: DiscardReason, spared: Spared) -> int:
        """As `Account.lose`; `spared` counts offsets in a range that have an outcome or are in flight."""
        account = self.accounts.of[tp]
        before, counted = account.matched, min(max(start, account.counted), end)
        lost = account.lose(start, end, spared(start, counted), spared(counted, end), reason)
        self.matched += account.matched - before
        self.discarded[reason] += lost
        account.untold[reason.value] += lost
        return lost

    def told(self, reason: DiscardReason, count: int) -> None:
        """The receiver knows of that many."""
        for account in self._all():
            told = min(count, account.untold[reason.value])
            count -= told
            account.untold[reason.value] -= told

    def _all(self) -> Iterable[Account]:
        return self.accounts.of.values()
