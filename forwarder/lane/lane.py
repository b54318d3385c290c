"""One webhook on one worker: what feeds it, where it stands per partition, in which state. Pure: no I/O, time is an argument.

A partition is *live* (the router offers its events) or *behind* (catch-up must bring them). A lane that is full refuses the
event and falls behind on that partition: Kafka keeps it. Nothing here ever waits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from forwarder.lane.actions import Action
from forwarder.lane.books import Books
from forwarder.lane.budget import Budget
from forwarder.lane.flight import Flight, Part
from forwarder.lane.flights import Alarm, Flights
from forwarder.lane.holding import Holding
from forwarder.lane.policy import policy_of
from forwarder.lane.resume import Refreeze
from forwarder.lane.states import LaneState, Trigger, after
from forwarder.lane.window import Window
from forwarder.model.attempt import Attempt
from forwarder.model.event import TP, Event
from forwarder.model.verdict import Delivered, Verdict
from forwarder.settings.webhook import Webhook

Wake = Callable[["Lane", float], None]
"""Called with the lane and the monotonic time at which it wants to be polled."""


class Lane:
    """`positions` is the router's next offset per partition, shared and only read here. `on_room` tells catch-up to look again."""

    def __init__(self, webhook: Webhook, budget: Budget, positions: Mapping[TP, int], wake: Wake) -> None:
        self.webhook = webhook
        self.name = webhook.name
        self.policy = policy_of(webhook)
        self.state = LaneState.LIVE
        self.why = ""
        self.owned: set[TP] = set()
        self.draining = False
        self.refreeze: Refreeze | None = None
        self.on_room: Callable[[], None] = lambda: None
        self.holding = Holding(self.policy, budget)
        self.flights = Flights(self.policy, self._settle)
        self.window: Window = self.holding.window
        self.books: Books = self.holding.books
        self.behind = self.holding.behind
        self.delivered_ahead = self.holding.ahead
        self._positions = positions
        self._wake = wake
        self._awake = math.inf

    def offer(self, tp: TP, events: Sequence[Event], now: float) -> None:
        """Live events of one partition from the router, in order, at least one. Hot path.

        Taken, shed (lossy) or left to Kafka: then the partition falls behind.
        """
        if tp in self.behind:
            return
        if self.holding.fits(events):
            self.books.matched += len(events)
            self._admit(events, now)
            return
        for event in events:
            full = self.holding.is_full_for(event)
            if full and not self.policy.lossy:
                self.fall_behind(tp, event.offset)
                self._call_for_poll(now)
                return
            self.books.matched += 1
            if not full or self.holding.shed_for(event):
                self._admit((event,), now)

    def feed(self, tp: TP, events: Sequence[Event], upto: int, now: float) -> int:
        """Events from catch-up: all that match in `[behind[tp], upto)`. Stops where the lane is full; returns how many it took.

        A batch to put together again is taken whole, full or not: it was in memory before the restart, too.
        """
        ahead, flying = self.delivered_ahead.get(tp, ()), self.flights.offsets(tp, self.behind[tp])
        last = self.refreeze.last(tp) if self.refreeze else None
        if events and not ahead and not flying and last is None and self.holding.fits(events):
            self.holding.count_all_caught_up(tp, events)
            self._admit(events, now)
            self._fed(tp, upto, now)
            return len(events)
        taken = 0
        for event in events:
            if event.offset in ahead or event.offset in flying:
                continue
            full = last is None and self.holding.is_full_for(event)
            if (last is not None and event.offset > last) or (full and not self.policy.lossy):
                self.holding.blocked = full
                upto = event.offset
                break
            self.holding.count_caught_up(event)
            if not full or self.holding.shed_for(event):
                self._admit((event,), now)
                taken += 1
        self._fed(tp, upto, now)
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
        self.holding.forget(tp)
        if not self.behind:
            self._trigger(Trigger.JOINED)

    def fall_behind(self, tp: TP, offset: int) -> None:
        """Catch-up must bring everything from `offset` on, unless it already has to start earlier."""
        self.behind[tp] = min(offset, self.behind.get(tp, offset))
        self._trigger(Trigger.FELL_BEHIND)
        self.on_room()

    def skip(self, tp: TP, upto: int) -> int:
        """Offsets below `upto` can never be read again (retention): go on there; returns how many are lost by that."""
        cursor = self.behind[tp]
        spared = self.flights.offsets(tp, cursor).union(self.delivered_ahead.get(tp, ()))
        lost = upto - cursor - sum(cursor <= offset < upto for offset in spared)
        self.holding.lose(tp, lost)
        self._advance(tp, upto)
        return lost

    def shrink(self) -> None:
        """Give the window back to Kafka. Not for lossy lanes; does nothing while a batch is put together again."""
        if self.refreeze is None:
            self._give_back(self.window.drop_newest(0, self.policy))

    def poll(self, now: float, wall: float) -> list[Action]:
        """What may start now. The caller does it and reports with `on_verdict` or `on_written`."""
        self._awake = math.inf
        if self.draining or self.state is LaneState.DISABLED:
            return []
        self._resume_frozen()
        window = _EMPTY if self.refreeze else self.window
        return self.flights.poll(window, now, wall * 1000, self.holding.notices)

    def next_poll(self, now: float, wall: float) -> float:
        """Monotonic seconds of the next useful `poll`; infinity when none."""
        if self.draining or self.state is LaneState.DISABLED:
            return math.inf
        self._awake = self.flights.due_at(_EMPTY if self.refreeze else self.window, wall * 1000, now)
        return self._awake

    def on_verdict(
        self, flight: Flight, attempt: Attempt, verdict: Verdict, now: float, wall: float, delay: float
    ) -> None:
        """Apply a verdict. Cursors move only here and in `on_written`."""
        alarm = self.flights.on_verdict(flight, attempt, verdict, now, wall, delay)
        if alarm is Alarm.GONE:
            self.switch_off(Trigger.GONE, f"the receiver is gone ({self.flights.last_error})")
        elif alarm is Alarm.REFUSES_ALL:
            self._pause(flight, now)
        elif self.state is LaneState.PAUSED and isinstance(verdict, Delivered):
            self.switch_on(Trigger.ACCEPTED)
        elif self.state is LaneState.DISABLED:
            self._return_all()

    def on_written(self, flight: Flight, ok: bool, now: float, delay: float) -> None:
        """The dead letter or the ledger entry of the flight's first part was acknowledged, or failed."""
        self.flights.on_written(flight, ok, now, delay)
        if self.state is LaneState.DISABLED:
            self._return_all()
        elif self.state is LaneState.PAUSED and not self.flights.items:
            # The refusals are not forgotten: one more and it pauses again, with another probe.
            self._trigger(Trigger.PROBE_GONE)
            self.on_room()

    def switch_off(self, trigger: Trigger, why: str) -> None:
        """Send nothing more; keep the cursors. Everything held goes back to Kafka (but attempts under way may finish)."""
        self.why = why
        self._return_all()
        self._trigger(trigger)

    def switch_on(self, trigger: Trigger) -> None:
        """Go on from the cursors."""
        self.why = ""
        self.flights.start_afresh()
        self._trigger(trigger)
        self.on_room()

    def reconfigure(self, webhook: Webhook) -> None:
        """Another configuration, from the next batch on: what waits goes back to Kafka and is judged anew.

        A batch that is frozen or under way keeps its bytes.
        """
        self._give_back(self.window.drop_newest(0, self.policy) + self.flights.abandon(self.flights.frozen()))
        self.webhook, self.policy = webhook, policy_of(webhook)
        self.holding.reconfigure(self.policy)
        self.flights.policy = self.policy
        self.flights.start_afresh()

    def jump(self, tp: TP) -> None:
        """Skip what was not read: go on at the router's position."""
        if tp in self.behind:
            self.behind[tp] = max(self.behind[tp], self._positions.get(tp, 0))

    def cursors(self) -> dict[TP, int]:
        """Per partition that is not caught up, the next offset without an outcome."""
        cursors = dict(self.behind)
        for tp, offset in self.window.first_offsets().items():
            cursors[tp] = min(offset, cursors.get(tp, offset))
        for event in self.flights.events():
            if event.offset < cursors.get(event.tp, event.offset + 1):
                cursors[event.tp] = event.offset
        return cursors

    def own(self, tp: TP, cursor: int) -> None:
        """A partition is ours: start at `cursor`, behind."""
        self.owned.add(tp)
        self.behind[tp] = cursor
        self._trigger(Trigger.FELL_BEHIND)

    def disown(self, gone: frozenset[TP]) -> None:
        """Partitions went to another worker: forget what we hold of them. No action on them may be under way."""
        self.owned -= gone
        released = self.window.take_where(lambda event: event.tp in gone, self.policy) + self.flights.strip(gone)
        self.holding.release(released)
        self.books.released += len(released)
        for tp in gone:
            self.holding.forget(tp)
            self.delivered_ahead.pop(tp, None)
        if self.refreeze is not None and not gone.isdisjoint(self.refreeze.runs):
            self.refreeze = None
        if self.state is LaneState.PAUSED and not self.flights.items:
            self.switch_on(Trigger.SWITCHED_ON)
        if not self.behind:
            self._trigger(Trigger.JOINED)

    def _admit(self, events: Sequence[Event], now: float) -> None:
        if self.holding.admit(events, now) and self._awake > now:
            self._call_for_poll(now)

    def _call_for_poll(self, now: float) -> None:
        if self.draining or len(self.flights.items) >= self.policy.slots:
            return
        due = self.window.due_at(self.policy, self.flights.last_start)
        if due < self._awake:
            self._awake = due
            self._wake(self, max(due, now))

    def _fed(self, tp: TP, upto: int, now: float) -> None:
        self._advance(tp, upto)
        if self.holding.crowd():
            self._call_for_poll(now)

    def _advance(self, tp: TP, upto: int) -> None:
        """Catch-up has come to `upto`. A batch to put together again may be complete by that."""
        self.behind[tp] = upto
        if self.refreeze and self.refreeze.complete(self.behind, self.owned) and self._awake > -math.inf:
            self._awake = -math.inf
            self._wake(self, -math.inf)

    def _settle(self, part: Part) -> None:
        self.holding.settle(part, overtaking=self.policy.slots > 1 or len(self.flights.items) > 1)
        if self.behind:
            self.on_room()

    def _give_back(self, dropped: Sequence[Event]) -> None:
        self.holding.give_back(dropped)
        if dropped:
            self._trigger(Trigger.FELL_BEHIND)

    def _return_all(self, keep: Sequence[Flight] = ()) -> None:
        """Give everything back to Kafka but what is under way and the first parts of `keep`; stop the live feed."""
        self._give_back(self.window.drop_newest(0, self.policy) + self.flights.abandon(keep))
        for tp in self.owned:
            self.behind.setdefault(tp, self._positions.get(tp, 0))

    def _pause(self, flight: Flight, now: float) -> None:
        """Keep the one refused event as the probe, at the slowest pace; everything else waits in Kafka."""
        self.why = self.flights.last_error
        self._return_all(keep=[flight])
        flight.retry_at = now + self.policy.retry.cap
        self._trigger(Trigger.REFUSED_ALL)

    def _resume_frozen(self) -> None:
        """After a restart, put the batch that was frozen together again, once catch-up has brought all of it."""
        frozen = self.refreeze
        if frozen is None or not frozen.complete(self.behind, self.owned):
            return
        self.refreeze = None
        events = self.window.take_where(frozen.contains, self.policy)
        if events:
            self.flights.new_flight(frozen.part(events))
        self.on_room()

    def _trigger(self, trigger: Trigger) -> None:
        self.state = after(self.state, trigger)


_EMPTY = Window()
