"""One webhook on one worker: when it sends, and in which state it is. Pure: no I/O, time is an argument; nothing ever waits."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from forwarder.lane.actions import Action
from forwarder.lane.budget import Budget
from forwarder.lane.feeding import Feeding
from forwarder.lane.flight import Flight
from forwarder.lane.outcomes import Alarm
from forwarder.lane.policy import policy_of
from forwarder.lane.states import LaneState, Trigger
from forwarder.lane.window import Window
from forwarder.model.attempt import Attempt
from forwarder.model.event import TP
from forwarder.model.verdict import Delivered, Verdict
from forwarder.settings.webhook import Webhook

Wake = Callable[["Lane", float], None]
"""Called with the lane and the monotonic time at which it wants to be polled."""


class Lane(Feeding):
    """`wake` is called whenever it wants to be polled earlier than it said last."""

    def __init__(
        self, webhook: Webhook, budget: Budget, positions: Mapping[TP, int], routed: Mapping[TP, int], wake: Wake
    ) -> None:
        super().__init__(webhook, budget, positions, routed)
        self._wake = wake

    def poll(self, now: float, wall: float) -> list[Action]:
        """What may start now. The caller does it and reports with `on_verdict` or `on_written`."""
        self._awake = math.inf
        if self.draining or self.state is LaneState.DISABLED:
            self.flights.gate.leave()
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
        self.flights.gate.leave()

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
        self.flights.reconfigure(self.policy)

    def disown(self, gone: frozenset[TP]) -> None:
        """Partitions went to another worker: forget what we hold of them. No action on them may be under way."""
        self.owned -= gone
        held = self.window.take_where(lambda event: event.tp in gone, self.policy) + self.flights.strip(gone)
        self.holding.release(held)
        for tp in gone:
            self.holding.forget(tp)
        if self.refreeze is not None and not gone.isdisjoint(self.refreeze.runs):
            self.refreeze = None
        if self.state is LaneState.PAUSED and not self.flights.items:
            self.switch_on(Trigger.SWITCHED_ON)
        if not self.behind:
            self._trigger(Trigger.JOINED)

    def _ask_for_poll(self, when: float) -> None:
        self._wake(self, when)

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
            for event in events:  # older ones may wait behind it
                self.holding.overtake(event.tp, event.offset)
        self.on_room()


_EMPTY = Window()
