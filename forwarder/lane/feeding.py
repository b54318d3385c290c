"""The receiving half of a lane: which events it takes, where it stands per partition, what goes back to Kafka. Sends nothing.

A partition is *live* (the router offers its events) or *behind* (catch-up must bring them). A lane that is full refuses the
event and falls behind on that partition: Kafka keeps it. Nothing here ever waits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from forwarder.lane.accounts import Account, Accounts
from forwarder.lane.books import Books
from forwarder.lane.budget import Budget
from forwarder.lane.flight import Fate, Flight, Part
from forwarder.lane.flights import Flights
from forwarder.lane.holding import Holding
from forwarder.lane.policy import policy_of
from forwarder.lane.resume import Refreeze
from forwarder.lane.spans import Spans
from forwarder.lane.states import LaneState, Trigger, after
from forwarder.lane.window import Window
from forwarder.model.attempt import DiscardReason
from forwarder.model.event import TP, Event
from forwarder.settings.webhook import Webhook


class Feeding:
    """`positions` is the router's next offset per partition, `routed` how many records it has routed; both are shared and only
    read here. `on_room` tells catch-up to look again."""

    def __init__(self, webhook: Webhook, budget: Budget, positions: Mapping[TP, int], routed: Mapping[TP, int]) -> None:
        self.webhook = webhook
        self.name = webhook.name
        self.policy = policy_of(webhook)
        self.state = LaneState.LIVE
        self.why = ""
        self.owned: set[TP] = set()
        self.draining = False
        self.refreeze: Refreeze | None = None
        self.on_room: Callable[[], None] = lambda: None
        self.accounts = Accounts(positions, routed)
        self.holding = Holding(self.policy, budget, self.accounts)
        self.flights = Flights(self.policy, self._settle)
        self.window: Window = self.holding.window
        self.books: Books = self.holding.books
        self.behind = self.holding.behind
        self.delivered_ahead = self.holding.ahead
        self._positions = positions
        self._awake = math.inf

    def offer(self, tp: TP, events: Sequence[Event], now: float) -> None:
        """All live events of one partition in a chunk, in order, at least one. Hot path.

        Taken, shed (lossy) or left to Kafka: then the partition falls behind.
        """
        if tp in self.behind:
            return
        if self.holding.fits(events):
            self.books.match(tp, len(events))
            self._admit(tp, events, now)
            return
        self.books.match(tp, len(events))
        for index, event in enumerate(events):
            full = self.holding.is_full_for(event)
            if full and not self.policy.lossy:
                self.books.leave({tp: len(events) - index})
                self.accounts.stop(tp)
                self.fall_behind(tp, event.offset)
                self._call_for_poll(now)
                return
            if not full or self.holding.shed_for(event):
                self._admit(tp, (event,), now)

    def feed(self, tp: TP, events: Sequence[Event], upto: int, now: float, records: Sequence[int]) -> int:
        """Events from catch-up: all that match in `[behind[tp], upto)`. Stops where the lane is full; returns how many it took.

        `records` are the offsets of all records there, ascending; more on either side does no harm. A batch to put together
        again is taken whole, full or not: it was in memory before the restart, too.
        """
        ahead, flying = self.delivered_ahead.get(tp), self.flights.offsets(tp, self.behind[tp])
        last = self.refreeze.last(tp) if self.refreeze else None
        if events and not ahead and not flying and last is None and self.holding.fits(events):
            self.books.match_again(tp, events)
            self._admit(tp, events, now)
            self._fed(tp, upto, now, records)
            return len(events)
        if flying:
            self.holding.overtake(tp, max(flying))
        taken = 0
        for event in events:
            if event.offset in flying or self._is_done(event):
                continue
            full = last is None and self.holding.is_full_for(event)
            if (last is not None and event.offset > last) or (full and not self.policy.lossy):
                self.holding.blocked = full
                upto = event.offset
                break
            self.books.match_again(tp, (event,))
            if not full or self.holding.shed_for(event):
                self._admit(tp, (event,), now)
                taken += 1
        self._fed(tp, upto, now, records)
        return taken

    def wants(self, tp: TP) -> bool:
        """Whether catch-up may feed it on `tp` now: there is room, and a batch to put together again goes first."""
        if tp not in self.behind or self.draining or self.state in (LaneState.DISABLED, LaneState.PAUSED):
            return False
        if self.refreeze is not None:
            return self.refreeze.needs(tp, self.behind)
        return self.policy.lossy or self.holding.half_empty

    def join(self, tp: TP) -> None:
        """Catch-up has reached the router's position: the router feeds this partition from here on."""
        self.holding.join(tp)
        if not self.behind:
            self._trigger(Trigger.JOINED)

    def fall_behind(self, tp: TP, offset: int) -> None:
        """The shared read leaves out everything from `offset` on: catch-up must bring it, unless it starts earlier or later
        anyway."""
        self.accounts.stop(tp, offset)
        self.behind.setdefault(tp, offset)
        self._trigger(Trigger.FELL_BEHIND)
        self.on_room()

    def skip(self, tp: TP, upto: int, reason: DiscardReason = DiscardReason.RETENTION) -> int:
        """Offsets below `upto` will never be read: go on there; returns how many events are lost by that.

        Of what was never read, every offset counts as an event.
        """
        lost = self.holding.lose(tp, upto, reason, self.flights.offsets(tp, self.behind[tp]))
        self._advance(tp, upto)
        return lost

    def jump(self, tp: TP) -> None:
        """Skip what was not read: go on at the router's position."""
        position = self._positions.get(tp, 0)
        if self.behind.get(tp, position) < position:
            self.skip(tp, position, DiscardReason.SKIPPED)

    def shrink(self) -> None:
        """Give the window back to Kafka. Not for lossy lanes; does nothing while a batch is put together again."""
        if self.refreeze is None:
            self._give_back(self.window.drop_newest(0, self.policy))

    def own(self, tp: TP, cursor: int, account: Account | None = None) -> None:
        """A partition is ours: start at `cursor`, behind, with the account that it has; a new one counts from the cursor on."""
        self.owned.add(tp)
        self.holding.own(tp, account or Account(counted=cursor), cursor)
        self._trigger(Trigger.FELL_BEHIND)

    def cursors(self) -> dict[TP, int]:
        """Per partition that is not caught up, the next offset without an outcome."""
        cursors = dict(self.behind)
        for tp, offset in self.window.first_offsets().items():
            cursors[tp] = min(offset, cursors.get(tp, offset))
        for event in self.flights.events():
            if event.offset < cursors.get(event.tp, event.offset + 1):
                cursors[event.tp] = event.offset
        return cursors

    def ahead(self, tp: TP, cursor: int) -> Spans:
        """Offsets at or above `cursor` that need nothing more. What lies below is forgotten."""
        return self.holding.ahead_from(tp, cursor, self._held)

    def _held(self, tp: TP, first: int) -> Iterable[int]:
        waiting = (event.offset for event in self.window.events if event.tp == tp and event.offset >= first)
        return self.flights.offsets(tp, first).union(waiting)

    def _is_done(self, event: Event) -> bool:
        ahead = self.delivered_ahead.get(event.tp)
        if ahead is None or event.offset not in ahead:
            return False
        self.books.recognize(event)
        return True

    def _admit(self, tp: TP, events: Sequence[Event], now: float) -> None:
        if self.holding.admit(tp, events, now) and self._awake > now:
            self._call_for_poll(now)

    def _fed(self, tp: TP, upto: int, now: float, records: Sequence[int]) -> None:
        self.accounts.of[tp].pass_over(self.behind[tp], upto, records)
        self._advance(tp, upto)
        if self.holding.crowd():
            self._call_for_poll(now)
            if self.flights.may_expire and self._awake > now and not self.draining:
                self._awake = now
                self._ask_for_poll(now)

    def _advance(self, tp: TP, upto: int) -> None:
        """Catch-up has come to `upto`. A batch to put together again may be complete by that."""
        self.behind[tp] = upto
        if self.refreeze and self.refreeze.complete(self.behind, self.owned) and self._awake > -math.inf:
            self._awake = -math.inf
            self._ask_for_poll(-math.inf)

    def _call_for_poll(self, now: float) -> None:
        if self.draining or len(self.flights.items) >= self.policy.slots:
            return
        gate = self.flights.gate.open_at(now)
        due = self.window.due_at(self.policy, self.flights.last_start)
        due = max(due, gate) if gate > now else due
        if due < self._awake:
            self._awake = due
            self._ask_for_poll(max(due, now))

    def _ask_for_poll(self, when: float) -> None:
        raise NotImplementedError

    def _settle(self, flight: Flight, part: Part) -> None:
        several = self.policy.slots > 1 or len(self.flights.items) > 1 or bool(flight.parts)
        overtaking = several or part.fate is not Fate.SEND
        self.holding.settle(part, overtaking)
        if self.behind:
            self.on_room()

    def _give_back(self, dropped: Sequence[Event]) -> None:
        if dropped:
            self.holding.give_back(dropped, self.flights.offsets)
            self._trigger(Trigger.FELL_BEHIND)

    def _return_all(self, keep: Sequence[Flight] = ()) -> None:
        """Give everything back to Kafka but what is under way and the first parts of `keep`; stop the live feed."""
        self._give_back(self.window.drop_newest(0, self.policy) + self.flights.abandon(keep))
        for tp in self.owned:
            self.accounts.stop(tp)
            self.behind.setdefault(tp, self._positions.get(tp, 0))

    def _trigger(self, trigger: Trigger) -> None:
        self.state = after(self.state, trigger)
