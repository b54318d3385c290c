"""What a lane holds in memory: window, byte and event counts, books, and what it gave back to Kafka. No state, no delivery."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter

from forwarder.lane.accounts import Account, Accounts
from forwarder.lane.books import Books
from forwarder.lane.budget import Budget
from forwarder.lane.flight import Part
from forwarder.lane.losses import Losses, runs_without
from forwarder.lane.policy import LanePolicy
from forwarder.lane.shedding import Shedder
from forwarder.lane.spans import Spans
from forwarder.lane.window import Window
from forwarder.model.attempt import DiscardReason
from forwarder.model.batch import offset_runs
from forwarder.model.event import TP, Event


class Holding:
    """`bytes` counts events in the window and in flight. `behind[tp]` is the next offset that catch-up must bring.

    `ahead`: offsets that need nothing more although the cursor may be below them. `blocked`: catch-up has brought an event that
    does not fit; it need not try again before something leaves. `notices` are discards to tell the receiver, of all partitions.
    """

    def __init__(self, policy: LanePolicy, budget: Budget, accounts: Accounts) -> None:
        self.policy = policy
        self.window = Window()
        self.accounts = accounts
        self.books = Books(accounts)
        self.bytes = 0
        self.behind: dict[TP, int] = {}
        self.ahead: dict[TP, Spans] = {}
        self.blocked = False
        self.losses = Losses()
        self.notices: dict[DiscardReason, int] = {}
        self._budget = budget
        self._shedder = Shedder() if policy.lossy else None
        self._shed_until: dict[TP, int] = {}
        self._overtaken: dict[TP, int] = {}

    def reconfigure(self, policy: LanePolicy) -> None:
        """Another policy. The window must be empty."""
        self.policy = policy
        self.blocked = False
        self._shedder = Shedder() if policy.lossy else None

    def admit(self, tp: TP, events: Sequence[Event], now: float) -> bool:
        """Events of one partition into the window; returns whether it may be due earlier by that. Hot path."""
        sooner = self.window.extend(events, now, self.policy)
        size = size_of(events)
        self.books.hold(tp, len(events))
        self.bytes += size
        self._budget.used += size
        if self._shedder is not None:
            self._shedder.added(min(event.severity for event in events))
        return sooner

    @property
    def room(self) -> int:
        """Most bytes that it may hold now: what its policy allows, or its share where memory is scarce."""
        budget, most = self._budget, self.policy.capacity_bytes
        return most if budget.plentiful else min(most, budget.share)

    @property
    def _grant(self) -> int:
        """As `room`, but of what is plentiful no more than is left of it: many lanes may take their part of the same chunk."""
        return min(self.policy.capacity_bytes, max(self._budget.share, self.bytes + self._budget.plenty))

    @property
    def above_share(self) -> bool:
        """Whether it holds more than what every lane is promised."""
        return self.bytes > self._budget.share

    def fits(self, events: Sequence[Event]) -> bool:
        """Whether all of them fit."""
        policy = self.policy
        return self.books.held + len(events) <= policy.capacity_events and self.bytes + size_of(events) <= self._grant

    def is_full_for(self, event: Event) -> bool:
        """Whether `event` does not fit: then the window has no company to wait for. An empty lane takes any event, however large."""
        held = self.books.held
        full = held > 0 and (held >= self.policy.capacity_events or self.bytes + event.size > self._grant)
        self.window.crowded = self.window.crowded or (full and bool(self.window.events))
        return full

    @property
    def half_empty(self) -> bool:
        policy = self.policy
        return self.books.held * 2 < policy.capacity_events and self.bytes * 2 < self.room and not self.blocked

    def crowd(self) -> bool:
        """Catch-up brings no more before something leaves: the window has no company to wait for. False while there is room."""
        self.window.crowded = self.window.crowded or (bool(self.window.events) and not self.half_empty)
        return self.window.crowded

    def shed_for(self, event: Event) -> bool:
        """Lossy lanes: give up the lowest severity until `event`, matched already, fits; False when it was given up itself."""
        assert self._shedder is not None
        while self.is_full_for(event):
            victims = self._shedder.choose(self.window.events, event, self.policy.capacity_events)
            if victims == [event]:
                self._shed(victims)
                return False
            self.release(self.window.take_where(_among(victims), self.policy))
            self._shed(victims)
        return True

    def note(self, reason: DiscardReason, tp: TP, runs: Iterable[tuple[int, int]]) -> None:
        """Offsets that are given up outside a batch, for the ledger: there is nothing else to keep of them, even for `deadLetter`."""
        if self.policy.on_discard != "drop":
            self.losses.note(reason, tp, runs)

    def release(self, events: Sequence[Event]) -> Mapping[TP, int]:
        """The events are held no longer; returns how many those are per partition."""
        size = size_of(events)
        counts = count_by_partition(events)
        self.books.release(counts)
        self.bytes -= size
        self._budget.used -= size
        self.blocked = False
        return counts

    def give_back(self, dropped: Sequence[Event], flying: Callable[[TP, int], Iterable[int]]) -> None:
        """Events return to Kafka: catch-up will bring them again, and they are not counted twice.

        `flying` gives the offsets of a partition that are in flight, from an offset on.
        """
        counts = self.release(dropped)
        for tp in counts:
            self.accounts.stop(tp)
            again = {event.offset for event in dropped if event.tp == tp}
            first = min(again)
            self.note_shed(tp, first, again.union(flying(tp, first)))
            self.behind[tp] = min(first, self.behind.get(tp, first))
        self.books.leave(counts)

    def settle(self, part: Part, overtaking: bool) -> None:
        """A part has its outcome: the books and the memory follow. `overtaking`: something older may be without one."""
        if overtaking or self.behind or self._overtaken:
            for tp, runs in offset_runs(part.events).items():
                least = 0 if overtaking else self.behind.get(tp, NEVER)
                until = self._overtaken.get(tp, 0)
                for first, last in runs:
                    if last >= least or first < until:
                        self.ahead.setdefault(tp, Spans()).add(first, last)
        counts = self.release(part.events)
        self.books.settle(counts, part.reason)
        if isinstance(part.reason, DiscardReason):
            self._notice(part.reason, len(part.events))

    def overtake(self, tp: TP, offset: int) -> None:
        """Catch-up brings events that are older than those in flight, the last of which has that offset."""
        self._overtaken[tp] = max(self._overtaken.get(tp, 0), offset + 1)

    def lose(self, tp: TP, upto: int, reason: DiscardReason, flying: set[int]) -> int:
        """Offsets in `[behind, upto)` will never be read, but those in flight; returns how many events are given up by that."""
        done, start = self.ahead.setdefault(tp, Spans()), self.behind[tp]

        def spared(first: int, end: int) -> int:
            return done.count(first, end) + sum(first <= offset < end and offset not in done for offset in flying)

        lost = self.books.lose(tp, start, upto, reason, spared)
        gaps = done.gaps(start, upto)
        self.note(reason, tp, [run for first, last in gaps for run in runs_without(first, last + 1, flying)])
        # What is in flight may come back and be read again: this must not bring back what was given up.
        done.add_between(start, upto, flying)
        self._notice(reason, lost)
        return lost

    def told(self, notices: Mapping[DiscardReason, int]) -> None:
        """A delivered batch carried these discards to the receiver."""
        for reason, count in notices.items():
            self.books.told(reason, min(count, self.notices.get(reason, 0)))
            self._notice(reason, -count)

    def own(self, tp: TP, account: Account, cursor: int) -> None:
        """The partition is ours, behind, with the account that it had."""
        self.accounts.of[tp] = account
        self.behind[tp] = cursor
        self._notice_all(account, 1)

    def join(self, tp: TP) -> None:
        """The partition is live."""
        if self.behind.pop(tp, None) is not None:
            self.accounts.go_live(tp)

    def forget(self, tp: TP) -> None:
        """The partition is no longer ours. Nothing of it may be held."""
        for known in (self.behind, self.ahead, self._shed_until, self._overtaken):
            known.pop(tp, None)
        account = self.accounts.of.pop(tp, None)
        if account is not None:
            self._notice_all(account, -1)

    def ahead_from(self, tp: TP, cursor: int, held: Callable[[TP, int], Iterable[int]]) -> Spans:
        """What needs nothing more at or above `cursor`; `held` gives the offsets of a partition in memory from an offset on.

        What the cursor has passed is forgotten.
        """
        if tp in self._shed_until:
            self.note_shed(tp, cursor, held(tp, cursor))
            if self._shed_until[tp] <= cursor:
                del self._shed_until[tp]
        if self._overtaken.get(tp, NEVER) <= cursor:
            del self._overtaken[tp]
        spans = self.ahead.get(tp)
        if spans is None:
            return Spans()
        spans.trim(cursor)
        if not spans:
            del self.ahead[tp]
        return spans

    def note_shed(self, tp: TP, start: int, pending: Iterable[int]) -> None:
        """Write down what was shed from `start` on: all that was read there and is not `pending`. Kept only when it is needed:
        a list of every event ever shed while an endpoint is down would have no end."""
        end = min(self._shed_until.get(tp, 0), self.behind.get(tp, NEVER))
        if start < end:
            self.ahead.setdefault(tp, Spans()).add_between(start, end, pending)

    def _shed(self, victims: Sequence[Event]) -> None:
        counts = count_by_partition(victims)
        self.books.settle(counts, DiscardReason.SHED)
        self._notice(DiscardReason.SHED, len(victims))
        for event in victims:
            self.note(DiscardReason.SHED, event.tp, [(event.offset, event.offset)])
            self._shed_until[event.tp] = max(self._shed_until.get(event.tp, 0), event.offset + 1)

    def _notice(self, reason: DiscardReason, count: int) -> None:
        left = self.notices.get(reason, 0) + count
        if left > 0:
            self.notices[reason] = left
        else:
            self.notices.pop(reason, None)

    def _notice_all(self, account: Account, sign: int) -> None:
        for reason in DiscardReason:
            if count := account.untold[reason.value]:
                self._notice(reason, sign * count)


NEVER = sys.maxsize


def count_by_partition(events: Sequence[Event]) -> Mapping[TP, int]:
    """How many of them lie in each partition."""
    return Counter(map(_tp, events))


_tp = attrgetter("tp")


def size_of(events: Sequence[Event]) -> int:
    """What the events cost in memory."""
    return sum([event.size for event in events])


def _among(events: Sequence[Event]) -> Callable[[Event], bool]:
    chosen = {(event.tp, event.offset) for event in events}
    return lambda event: (event.tp, event.offset) in chosen
