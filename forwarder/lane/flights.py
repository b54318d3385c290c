"""The delivering half of a lane: which part is attempted next, and what a verdict does to it. Pure: no I/O, time is an argument.

Parts of a flight go strictly in order; with one slot nothing overtakes. A part that was attempted is frozen: it is split only by
a verdict (413, 400), when events of it are given up, or for a small probe while the circuit is open, and the probe only when
no attempt of it may have reached the receiver.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from enum import Enum
from itertools import islice

from forwarder.lane.actions import Action, Send, WriteDeadLetters, WriteLedger
from forwarder.lane.flight import Fate, Flight, Part, part_of
from forwarder.lane.inflight import InFlight
from forwarder.lane.limits import RefusalMeter
from forwarder.lane.policy import CIRCUIT_AFTER, PROBE_EVENTS, LanePolicy
from forwarder.lane.window import Window, sending_order
from forwarder.model.attempt import AMBIGUOUS, Attempt, DeadLetterReason, DiscardReason, Failure, Response
from forwarder.model.event import Event
from forwarder.model.verdict import Bisect, Delivered, Disable, Drop, Halve, Interrupted, Retry, Verdict


class Alarm(Enum):
    """What the lane's state must react to."""

    REFUSES_ALL = "refuses all"
    GONE = "gone"


class Flights(InFlight):
    """`failures` counts failed attempts in a row."""

    def __init__(self, policy: LanePolicy, settle: Callable[[Flight, Part], None]) -> None:
        super().__init__()
        self.policy = policy
        self.failures = 0
        self.last_start = -math.inf
        self.hold_until = -math.inf
        self.last_error = ""
        self._gave_up = -math.inf
        self._failing_since = math.inf
        self._settle = settle
        self._teller: Flight | None = None
        self._meter = RefusalMeter(policy.dead_letter_limit)

    @property
    def circuit_open(self) -> bool:
        return self.failures >= CIRCUIT_AFTER

    def _slots(self) -> int:
        return 1 if self.circuit_open else self.policy.slots

    def poll(self, window: Window, now: float, wall_ms: float, notices: Mapping[DiscardReason, int]) -> list[Action]:
        """Everything that may start now, marked as under way. `notices` are discards to tell the receiver."""
        actions: list[Action] = []
        self._give_up_expired(window, now, wall_ms)
        for flight in self._startable():
            if flight.retry_at <= now:
                self._keep_probe_small(flight)
                self._start(flight, actions, now, notices)
        while len(self.items) < self._slots() and window.due_at(self.policy, self.last_start) <= now:
            most = PROBE_EVENTS if self.circuit_open else self.policy.max_events
            flight = self.new_flight(part_of(window.take(self.policy, most)))
            if flight.head.fate is Fate.SEND and self.hold_until > now:
                flight.retry_at = self.last_start = self.hold_until
            else:
                self._start(flight, actions, now, notices)
        return actions

    def _startable(self) -> list[Flight]:
        """Flights that wait for their time. While the circuit is open only the oldest may try: it is the probe."""
        waiting = [flight for flight in self.items if not flight.busy]
        if not self.circuit_open:
            return waiting
        return [f for f in waiting if f is self.items[0] or f.head.fate is not Fate.SEND]

    def due_at(self, window: Window, wall_ms: float, now: float) -> float:
        """When poll should be called again (monotonic seconds); infinity when only a report can change anything."""
        startable = self._startable()
        times = [flight.retry_at for flight in startable]
        if self.may_expire:
            heads = [f.head for f in startable if f.head.fate is Fate.SEND]
            stamps = [(min(e.timestamp_ms for e in part.events), part.tried) for part in heads]
            stamps += [(event.timestamp_ms, False) for event in islice(window.events, 1)]
            for oldest, attempted in stamps:
                expires = now + self.policy.discard_after - (wall_ms - oldest) / 1000 + 0.001
                ripe = -math.inf if attempted else self._untried_expire_at(now)
                times.append(max(expires, ripe, self._gave_up + self.policy.expiry_pause))
        if len(self.items) < self._slots():
            times.append(window.due_at(self.policy, self.last_start))
        return min(times, default=math.inf)

    def on_verdict(
        self, flight: Flight, attempt: Attempt, verdict: Verdict, now: float, wall: float, delay: float
    ) -> Alarm | None:
        """Apply the verdict on the flight's first part. `delay` is the back-off for a retry, in seconds.

        A flight whose partitions are no longer ours has no parts left: what became of it is its next owner's business.
        """
        flight.busy = False
        if self._teller is flight:
            self._teller = None
        if not flight.parts:
            return None
        part = flight.head
        _note_attempt(part, attempt, wall)
        match verdict:
            case Delivered():
                self._delivered(flight)
            case Interrupted():
                part.attempts -= 1
            case Retry(after=after, reason=reason):
                self.last_error = reason
                # "Now" (0, or a date gone by) is no wish to be asked without any pause.
                self._failed(flight, now, now + (after if after else delay))
            case Halve(reason=reason):
                return self._narrow(flight, reason, DeadLetterReason.TOO_LARGE)
            case Bisect(reason=reason):
                return self._narrow(flight, reason, DeadLetterReason.REFUSED)
            case Drop(reason=reason):
                self.last_error = reason
                flight.condemn(part.events, Fate.DISCARD, DiscardReason.REJECTED)
            case Disable(reason=reason):
                self.last_error = reason
                return Alarm.GONE
        return None

    def on_written(self, flight: Flight, ok: bool, now: float, delay: float) -> None:
        """A dead letter or ledger entry was acknowledged, or not: then it is tried again after `delay` seconds."""
        flight.busy = False
        if not flight.parts:
            return
        if ok:
            self._finish_head(flight)
        else:
            flight.retry_at = now + delay

    def start_afresh(self) -> None:
        """Forget earlier failures and refusals: somebody mended something."""
        self._meter = RefusalMeter(self.policy.dead_letter_limit)
        self.failures = 0
        self._failing_since = math.inf
        self.hold_until = -math.inf
        for flight in self.items:
            flight.retry_at = -math.inf

    @property
    def refused_in_a_row(self) -> int:
        return self._meter.in_a_row

    def restore(self, failures: int, refused_in_a_row: int) -> None:
        """Go on where a checkpoint left off: an open circuit stays open, but its probe may go at once."""
        self.failures = max(self.failures, failures)
        self._meter.in_a_row = max(self._meter.in_a_row, refused_in_a_row)

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

    def _delivered(self, flight: Flight) -> None:
        self.failures = 0
        self._failing_since = math.inf
        self.hold_until = -math.inf
        self.last_error = ""
        self._meter.delivered(len(flight.head.events))
        self._finish_head(flight)

    def _finish_head(self, flight: Flight) -> None:
        part = flight.parts.popleft()
        self._settle(flight, part)
        if not flight.parts:
            self.items.remove(flight)
        elif flight.head.fate is Fate.SEND:
            flight.retry_at = self.hold_until

    def _failed(self, flight: Flight, now: float, retry_at: float) -> None:
        self.failures += 1
        self._failing_since = min(self._failing_since, now)
        flight.retry_at = self.hold_until = retry_at
        part, most = flight.head, self.policy.max_attempts
        if most is not None and part.attempts >= most:
            self._give_up(flight, part.events, DiscardReason.ATTEMPTS, DeadLetterReason.ATTEMPTS)

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

    def _narrow(self, flight: Flight, reason: str, single: DeadLetterReason) -> Alarm | None:
        """Split in two; a single event is the culprit and is dead-lettered, unless the endpoint seems to refuse everything."""
        part = flight.head
        self.last_error = reason
        self.failures = 0
        self._failing_since = math.inf
        self.hold_until = -math.inf
        if len(part.events) > 1:
            flight.split_head(len(part.events) // 2)
            return None
        if self._meter.would_exceed():
            return Alarm.REFUSES_ALL
        self._meter.refused()
        flight.condemn(part.events, Fate.DEAD_LETTER, single)
        return None

    @property
    def may_expire(self) -> bool:
        """While the endpoint fails, events older than discardAfter are given up. On a healthy one nothing ever expires: that it
        failed another worker, before a restart, says nothing about now."""
        return self._failing_since < math.inf and not math.isinf(self.policy.discard_after)

    def _untried_expire_at(self, now: float) -> float:
        """From when on the endpoint has failed for so long that events expire, too, that were never attempted. Earlier one
        failure would cost a backlog that is old only because Forwarder is late. Never where an attempt is due: it comes first."""
        down = now < self.hold_until or self.busy
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

    def _give_up(
        self, flight: Flight, events: list[Event] | tuple[Event, ...], discard: DiscardReason, letter: DeadLetterReason
    ) -> None:
        flight.retry_at = -math.inf
        if self.policy.on_discard == "deadLetter":
            flight.condemn(events, Fate.DEAD_LETTER, letter)
        else:
            flight.condemn(events, Fate.DISCARD, discard)


def _note_attempt(part: Part, attempt: Attempt, wall: float) -> None:
    part.first_attempt = part.first_attempt or wall - attempt.seconds
    part.last_attempt, part.tried = wall, True
    match attempt.result:
        case Response(status=status, body=body):
            part.status, part.excerpt = status, body[:512].decode("utf-8", "replace")
        case Failure(fault=fault, text=text):
            part.status, part.excerpt = 0, text
            part.ambiguous = part.ambiguous or fault in AMBIGUOUS
