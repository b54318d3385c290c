"""What a lane holds in memory: window, byte and event counts, books, and what it gave back to Kafka. No state, no delivery."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from forwarder.lane.books import Books
from forwarder.lane.budget import Budget
from forwarder.lane.flight import Part
from forwarder.lane.policy import LanePolicy
from forwarder.lane.shedding import Shedder
from forwarder.lane.window import Window
from forwarder.model.attempt import DeadLetterReason, DiscardReason
from forwarder.model.event import TP, Event, Unreadable


class Holding:
    """`bytes` counts events in the window and in flight. `behind[tp]` is the next offset that catch-up must bring.

    `ahead`: offsets that have their outcome although the cursor may be below them. `blocked`: catch-up has brought an event that
    does not fit; it need not try again before something leaves.
    """

    def __init__(self, policy: LanePolicy, budget: Budget) -> None:
        self.policy = policy
        self.window = Window()
        self.books = Books()
        self.bytes = 0
        self.behind: dict[TP, int] = {}
        self.ahead: dict[TP, set[int]] = {}
        self.blocked = False
        self.notices: dict[DiscardReason, int] = {}
        self._budget = budget
        self._shedder = Shedder() if policy.lossy else None
        self._returned: dict[TP, int] = {}
        self._returned_until: dict[TP, int] = {}

    def reconfigure(self, policy: LanePolicy) -> None:
        """Another policy. The window must be empty; what was given back is no longer known as counted."""
        self.policy = policy
        self.blocked = False
        self._shedder = Shedder() if policy.lossy else None
        for tp in list(self._returned):
            self._release_returned(tp)

    def admit(self, events: Sequence[Event], now: float) -> bool:
        """Into the window; returns whether it may be due earlier by that. Hot path."""
        sooner = self.window.extend(events, now, self.policy)
        size = size_of(events)
        self.books.held += len(events)
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
    def above_share(self) -> bool:
        """Whether it holds more than what every lane is promised."""
        return self.bytes > self._budget.share

    def fits(self, events: Sequence[Event]) -> bool:
        """Whether all of them fit."""
        policy = self.policy
        return self.books.held + len(events) <= policy.capacity_events and self.bytes + size_of(events) <= self.room

    def is_full_for(self, event: Event) -> bool:
        """Whether `event` does not fit: then the window has no company to wait for. An empty lane takes any event, however large."""
        held = self.books.held
        full = held > 0 and (held >= self.policy.capacity_events or self.bytes + event.size > self.room)
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
                self._discard(DiscardReason.SHED, 1)
                return False
            self.release(self.window.take_where(_among(victims), self.policy))
            self._discard(DiscardReason.SHED, len(victims))
        return True

    def release(self, events: Sequence[Event]) -> None:
        """The events are held no longer."""
        size = size_of(events)
        self.books.held -= len(events)
        self.bytes -= size
        self._budget.used -= size
        self.blocked = False

    def give_back(self, dropped: Sequence[Event]) -> None:
        """Events return to Kafka: catch-up will bring them again, and they are not counted twice."""
        self.release(dropped)
        self.books.returned += len(dropped)
        for event in dropped:
            tp = event.tp
            self._returned[tp] = self._returned.get(tp, 0) + 1
            self._returned_until[tp] = max(self._returned_until.get(tp, 0), event.offset + 1)
            self.behind[tp] = min(event.offset, self.behind.get(tp, event.offset))

    def count_all_caught_up(self, tp: TP, events: Sequence[Event]) -> None:
        """As `count_caught_up` for each of them."""
        if self._returned.get(tp):
            for event in events:
                self.count_caught_up(event)
        else:
            self.books.matched += len(events)

    def count_caught_up(self, event: Event) -> None:
        """An event that catch-up brings: new to the books, or one that was given back."""
        if event.offset < self._returned_until.get(event.tp, 0) and self._returned.get(event.tp):
            self._returned[event.tp] -= 1
            self.books.returned -= 1
        else:
            self.books.matched += 1

    def settle(self, part: Part, overtaking: bool) -> None:
        """A part has its outcome: the books and the memory follow. `overtaking`: something older may be without one."""
        count = len(part.events)
        if overtaking or self.behind:
            for event in part.events:
                if overtaking or event.offset >= self.behind.get(event.tp, event.offset + 1):
                    self.ahead.setdefault(event.tp, set()).add(event.offset)
        match part.reason:
            case DiscardReason():
                self._discard(part.reason, count)
            case DeadLetterReason() | Unreadable():
                self.books.dead_lettered[part.reason] += count
            case None:
                self.books.delivered += count
        self.release(part.events)

    def lose(self, tp: TP, count: int) -> None:
        """That many offsets can never be read again (retention). Those that were seen and given back are matched already."""
        known = min(count, self._returned.get(tp, 0))
        if known:
            self._returned[tp] -= known
            self.books.returned -= known
        self.books.matched += count - known
        self._discard(DiscardReason.RETENTION, count)

    def told(self, notices: dict[DiscardReason, int]) -> None:
        """A delivered batch carried these discards to the receiver."""
        for reason, count in notices.items():
            left = self.notices.get(reason, 0) - count
            if left > 0:
                self.notices[reason] = left
            else:
                self.notices.pop(reason, None)

    def forget(self, tp: TP) -> None:
        """The partition is live again, or no longer ours."""
        self.behind.pop(tp, None)
        self._release_returned(tp)

    def _release_returned(self, tp: TP) -> None:
        """What was given back and did not come again is not ours to count any more."""
        left = self._returned.pop(tp, 0)
        self._returned_until.pop(tp, None)
        self.books.returned -= left
        self.books.released += left

    def _discard(self, reason: DiscardReason, count: int) -> None:
        self.books.discarded[reason] += count
        self.notices[reason] = self.notices.get(reason, 0) + count


def size_of(events: Sequence[Event]) -> int:
    """What the events cost in memory."""
    return sum([event.size for event in events])


def _among(events: Sequence[Event]) -> Callable[[Event], bool]:
    chosen = {(event.tp, event.offset) for event in events}
    return lambda event: (event.tp, event.offset) in chosen
