"""The delivering half of a lane: which part is attempted next, and when. Pure: no I/O, time is an argument. What a verdict does is in
outcomes.py.

Parts of a flight go strictly in order; with one slot nothing overtakes. A part that was attempted is frozen: it is split only by
a verdict (413, 400), when events of it are given up, or for a small probe while the circuit is open, and the probe only when
no attempt of it may have reached the receiver.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import islice

from forwarder.lane.actions import Action, Send, WriteDeadLetters, WriteLedger
from forwarder.lane.flight import Fate, Flight, Part, part_of
from forwarder.lane.gate import Admission, Gate
from forwarder.lane.outcomes import Alarm, Outcomes
from forwarder.lane.policy import PROBE_EVENTS, LanePolicy
from forwarder.lane.window import Window, sending_order
from forwarder.model.attempt import Attempt, DeadLetterReason, DiscardReason
from forwarder.model.verdict import Verdict


class Flights(Outcomes):
    """The batches of a lane, and when each of them is attempted."""

    def __init__(self, policy: LanePolicy, settle: Callable[[Flight, Part], None]) -> None:
        super().__init__(policy, settle)
        self.gate = Gate(policy)

    def reconfigure(self, policy: LanePolicy) -> None:
        """Other settings, from the next start on."""
        self.policy = policy
        self.gate.reconfigure(policy)
        self.start_afresh()

    def on_verdict(
        self, flight: Flight, attempt: Attempt, verdict: Verdict, now: float, wall: float, delay: float
    ) -> Alarm | None:
        """As in Outcomes; the gate learns from it, too."""
        self.gate.observe(attempt, now, sum(flight.busy for flight in self.items))
        return super().on_verdict(flight, attempt, verdict, now, wall, delay)

    def _slots(self) -> int:
        return 1 if self.circuit_open else self.gate.slots

    def poll(self, window: Window, now: float, wall_ms: float, notices: Mapping[DiscardReason, int]) -> list[Action]:
        """Everything that may start now, marked as under way. `notices` are discards to tell the receiver."""
        actions: list[Action] = []
        self.gate.begin()
        self._give_up_expired(window, now, wall_ms)
        for flight in self._startable():
            if flight.retry_at <= now and self._admits(flight, now):
                self._keep_probe_small(flight)
                self._start(flight, actions, now, notices)
        while len(self.items) < self._slots() and window.due_at(self.policy, self.last_start) <= now:
            if self._must_wait(now):
                break
            most = PROBE_EVENTS if self.circuit_open else self.policy.max_events
            flight = self.new_flight(part_of(window.take(self.policy, most)))
            if flight.head.fate is Fate.SEND and self.hold_until > now:
                flight.retry_at = self.last_start = self.hold_until
            elif self._admits(flight, now):
                self._start(flight, actions, now, notices)
        self.gate.end()
        return actions

    def _must_wait(self, now: float) -> bool:
        """Whether a request could not start now. Then the window is left as it is: what comes meanwhile goes with the same batch."""
        if not self.gate.shut(now):
            return False
        self.gate.admit(now)  # it stands in line from now on
        return True

    def _admits(self, flight: Flight, now: float) -> bool:
        """Whether the first part may be acted on now. One that is refused for good (`onLimit: fail`) may: as a discard."""
        if flight.head.fate is not Fate.SEND:
            return True
        match self.gate.admit(now):
            case Admission.GO:
                return True
            case Admission.WAIT:
                return False
            case Admission.GIVE_UP:
                self.last_start = now
                self._give_up(flight, flight.head.events, DiscardReason.RATE_LIMITED, DeadLetterReason.RATE_LIMITED)
                return True

    def _startable(self) -> list[Flight]:
        """Flights that wait for their time. While the circuit is open only the oldest may try: it is the probe."""
        waiting = [flight for flight in self.items if not flight.busy]
        if not self.circuit_open:
            return waiting
        return [f for f in waiting if f is self.items[0] or f.head.fate is not Fate.SEND]

    def due_at(self, window: Window, wall_ms: float, now: float) -> float:
        """When poll should be called again (monotonic seconds); infinity when only a report can change anything."""
        startable = self._startable()
        gate = self.gate.open_at(now)
        times = [max(f.retry_at, gate) if f.head.fate is Fate.SEND and gate > now else f.retry_at for f in startable]
        if self.may_expire:
            heads = [f.head for f in startable if f.head.fate is Fate.SEND]
            stamps = [(min(e.timestamp_ms for e in part.events), part.tried) for part in heads]
            stamps += [(event.timestamp_ms, False) for event in islice(window.events, 1)]
            for oldest, attempted in stamps:
                expires = now + self.policy.discard_after - (wall_ms - oldest) / 1000 + 0.001
                ripe = -math.inf if attempted else self._untried_expire_at(now)
                times.append(max(expires, ripe, self._gave_up + self.policy.expiry_pause))
        if len(self.items) < self._slots():
            due = window.due_at(self.policy, self.last_start)
            times.append(max(due, gate) if gate > now else due)
        return min(times, default=math.inf)

    def _start(self, flight: Flight, actions: list[Action], now: float, notices: Mapping[DiscardReason, int]) -> None:
        flight.busy = True
        flight.retry_at = -math.inf
        part = flight.head
        match part.fate:
            case Fate.SEND:
                if part.attempts == 0:
                    self.last_start = now
                part.attempts += 1
                actions.append(Send(flight, part, self._told_by(flight, notices)))
            case Fate.DEAD_LETTER:
                actions.append(WriteDeadLetters(flight, part))
            case Fate.DISCARD:
                actions.append(WriteLedger(flight, part))

    def _told_by(self, flight: Flight, notices: Mapping[DiscardReason, int]) -> Mapping[DiscardReason, int]:
        """Discards are told by one request at a time: of two, each would tell all of them."""
        if self._teller is not None or not notices:
            return {}
        self._teller = flight
        return dict(notices)

    def _keep_probe_small(self, flight: Flight) -> None:
        part = flight.head
        if self.circuit_open and part.fate is Fate.SEND and not part.ambiguous and len(part.events) > PROBE_EVENTS:
            flight.split_head(PROBE_EVENTS)

    @property
    def may_expire(self) -> bool:
        """While the endpoint fails, events older than discardAfter are given up. On a healthy one nothing ever expires: that it
        failed another worker, before a restart, says nothing about now."""
        return self._failing_since < math.inf and not math.isinf(self.policy.discard_after)

    def _untried_expire_at(self, now: float) -> float:
        """From when on the endpoint has failed for so long that events expire, too, that were never attempted. Earlier one
        failure would cost a backlog that is old only because Forwarder is late. Never where an attempt is due: it comes first; and
        a ledger entry that waits for Kafka says nothing about the endpoint."""
        down = now < self.hold_until or self.attempting
        return self._failing_since + self.policy.discard_after if down else math.inf

    def _give_up_expired(self, window: Window, now: float, wall_ms: float) -> None:
        """All that have expired at once, and not again for a while: each time costs an entry in the ledger. What would be
        attempted now, or keeps others out of a full window, does not wait for that."""
        if not self.may_expire:
            return
        limit = wall_ms - self.policy.discard_after * 1000
        all_may = now >= self._untried_expire_at(now)
        waiting = [f for f in self._startable() if f.head.fate is Fate.SEND and (all_may or f.head.tried)]
        late = [(flight, [e for e in flight.head.events if e.timestamp_ms < limit]) for flight in waiting]
        in_window = sum(event.timestamp_ms < limit for event in window.events) if all_may else 0
        attempting = any(flight.retry_at <= now for flight in waiting) or (
            len(self.items) < self._slots() and self.hold_until <= now
        )
        crowding = window.is_full(self.policy) and in_window * 2 >= len(window.events)
        if not (attempting or crowding or now >= self._gave_up + self.policy.expiry_pause):
            return
        if in_window:
            taken = window.take_where(lambda e: e.timestamp_ms < limit and e.problem is None, self.policy)
            if taken:
                late.append((self.new_flight(part_of(sending_order(taken))), taken))
        for flight, expired in late:
            if expired:
                self._gave_up = now
                self._give_up(flight, expired, DiscardReason.EXPIRED, DeadLetterReason.EXPIRED)
