"""The delivering half of a lane: which part is attempted next, and what a verdict does to it. Pure: no I/O, time is an argument.

Parts of a flight go strictly in order; with one slot nothing overtakes. A part that was attempted is frozen: it is split only by
a verdict (413, 400), when events of it are given up, or for a small probe while the circuit is open, and the probe only when
no attempt of it may have reached the receiver.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from enum import Enum

from forwarder.lane.actions import Action, Send, WriteDeadLetters, WriteLedger
from forwarder.lane.flight import Fate, Flight, Part, part_of
from forwarder.lane.limits import RefusalMeter
from forwarder.lane.policy import CIRCUIT_AFTER, PROBE_EVENTS, LanePolicy
from forwarder.lane.window import Window
from forwarder.model.attempt import AMBIGUOUS, Attempt, DeadLetterReason, DiscardReason, Failure, Response
from forwarder.model.event import TP, Event
from forwarder.model.verdict import Bisect, Delivered, Disable, Drop, Halve, Interrupted, Retry, Verdict


class Alarm(Enum):
    """What the lane's state must react to."""

    REFUSES_ALL = "refuses all"
    GONE = "gone"


class Flights:
    """`failures` counts failed attempts in a row."""

    def __init__(self, policy: LanePolicy, settle: Callable[[Part], None]) -> None:
        self.policy = policy
        self.items: list[Flight] = []
        self.failures = 0
        self.last_start = -math.inf
        self.hold_until = -math.inf
        self.last_error = ""
        self._settle = settle
        self._meter = RefusalMeter(policy.dead_letter_limit)
        self._numbers = 0

    @property
    def circuit_open(self) -> bool:
        return self.failures >= CIRCUIT_AFTER

    @property
    def busy(self) -> bool:
        """Whether any action is under way."""
        return any(flight.busy for flight in self.items)

    def _slots(self) -> int:
        return 1 if self.circuit_open else self.policy.slots

    def new_flight(self, part: Part) -> Flight:
        """Put a part on its way."""
        self._numbers += 1
        flight = Flight(self._numbers)
        flight.parts.append(part)
        self.items.append(flight)
        return flight

    def poll(self, window: Window, now: float, wall_ms: float, notices: Mapping[DiscardReason, int]) -> list[Action]:
        """Everything that may start now, marked as under way. `notices` are discards to tell the receiver."""
        actions: list[Action] = []
        for flight in self._startable():
            self._give_up_expired(flight, wall_ms)
            if flight.retry_at <= now:
                self._start(flight, actions, notices)
        while len(self.items) < self._slots() and window.due_at(self.policy, self.last_start) <= now:
            most = PROBE_EVENTS if self.circuit_open else self.policy.max_events
            flight = self.new_flight(part_of(window.take(self.policy, most)))
            self._give_up_expired(flight, wall_ms)
            if flight.head.fate is Fate.SEND:
                self.last_start = now
                if self.hold_until > now:
                    flight.retry_at = self.hold_until
                    continue
            self._start(flight, actions, notices)
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
        if self.failures and not math.isinf(self.policy.discard_after):
            for part in (f.head for f in startable if f.head.fate is Fate.SEND):
                oldest = min(event.timestamp_ms for event in part.events)
                times.append(now + self.policy.discard_after - (wall_ms - oldest) / 1000 + 0.001)
        if len(self.items) < self._slots():
            times.append(window.due_at(self.policy, self.last_start))
        return min(times, default=math.inf)

    def on_verdict(
        self, flight: Flight, attempt: Attempt, verdict: Verdict, now: float, wall: float, delay: float
    ) -> Alarm | None:
        """Apply the verdict on the flight's first part. `delay` is the back-off for a retry, in seconds."""
        flight.busy = False
        part = flight.head
        _note_attempt(part, attempt, wall)
        match verdict:
            case Delivered():
                self._delivered(flight)
            case Interrupted():
                part.attempts -= 1
            case Retry(after=after, reason=reason):
                self.failures += 1
                self.last_error = reason
                wait = delay if after is None else max(after, 0.0)
                flight.retry_at = self.hold_until = now + wait
                self._out_of_attempts_or_probe(flight)
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
        if ok:
            self._finish_head(flight)
        else:
            flight.retry_at = now + delay

    def start_afresh(self) -> None:
        """Forget earlier failures and refusals: somebody mended something."""
        self._meter = RefusalMeter(self.policy.dead_letter_limit)
        self.failures = 0
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

    def events(self) -> Iterator[Event]:
        """Every event in flight."""
        return (event for flight in self.items for part in flight.parts for event in part.events)

    def abandon(self, keep: Flight | None) -> list[Event]:
        """Remove every flight that is not under way and return its events; of `keep` only the first part stays."""
        dropped: list[Event] = []
        for flight in list(self.items):
            kept = 1 if flight.busy or flight is keep else 0
            while len(flight.parts) > kept:
                dropped += flight.parts.pop().events
            if not flight.parts:
                self.items.remove(flight)
        return dropped

    def strip(self, gone: frozenset[TP]) -> list[Event]:
        """Remove the events of lost partitions and return them; a part that loses events is frozen no longer."""
        released: list[Event] = []
        for flight in list(self.items):
            for _ in range(len(flight.parts)):
                part = flight.parts.popleft()
                lost = [event for event in part.events if event.tp in gone]
                kept = tuple(event for event in part.events if event.tp not in gone)
                if lost and kept:
                    fresh = part_of(kept, part.fate)
                    fresh.reason = part.reason
                    part = fresh
                if kept:
                    flight.parts.append(part)
                released += lost
            if not flight.parts:
                self.items.remove(flight)
        return released

    def _start(self, flight: Flight, actions: list[Action], notices: Mapping[DiscardReason, int]) -> None:
        flight.busy = True
        flight.retry_at = -math.inf
        part = flight.head
        match part.fate:
            case Fate.SEND:
                part.attempts += 1
                actions.append(Send(flight, part, dict(notices)))
            case Fate.DEAD_LETTER:
                actions.append(WriteDeadLetters(flight, part))
            case Fate.DISCARD:
                actions.append(WriteLedger(flight, part))

    def _delivered(self, flight: Flight) -> None:
        self.failures = 0
        self.hold_until = -math.inf
        self.last_error = ""
        self._meter.delivered(len(flight.head.events))
        self._finish_head(flight)

    def _finish_head(self, flight: Flight) -> None:
        part = flight.parts.popleft()
        self._settle(part)
        if not flight.parts:
            self.items.remove(flight)
        elif flight.head.fate is Fate.SEND:
            flight.retry_at = self.hold_until

    def _out_of_attempts_or_probe(self, flight: Flight) -> None:
        part, most = flight.head, self.policy.max_attempts
        if most is not None and part.attempts >= most:
            self._give_up(flight, part.events, DiscardReason.ATTEMPTS, DeadLetterReason.ATTEMPTS)
        elif self.circuit_open and not part.ambiguous and len(part.events) > PROBE_EVENTS:
            flight.split_head(PROBE_EVENTS)

    def _narrow(self, flight: Flight, reason: str, single: DeadLetterReason) -> Alarm | None:
        """Split in two; a single event is the culprit and is dead-lettered, unless the endpoint seems to refuse everything."""
        part = flight.head
        self.last_error = reason
        self.failures = 0
        self.hold_until = -math.inf
        if len(part.events) > 1:
            flight.split_head(len(part.events) // 2)
            return None
        if self._meter.would_exceed():
            return Alarm.REFUSES_ALL
        self._meter.refused()
        flight.condemn(part.events, Fate.DEAD_LETTER, single)
        return None

    def _give_up_expired(self, flight: Flight, wall_ms: float) -> None:
        """While the endpoint fails, events older than discardAfter are given up. On a healthy one nothing ever expires."""
        part = flight.head
        if not self.failures or part.fate is not Fate.SEND or math.isinf(self.policy.discard_after):
            return
        limit = wall_ms - self.policy.discard_after * 1000
        expired = [event for event in part.events if event.timestamp_ms < limit]
        if expired:
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
    part.last_attempt = wall
    match attempt.result:
        case Response(status=status, body=body):
            part.status, part.excerpt = status, body[:512].decode("utf-8", "replace")
        case Failure(fault=fault, text=text):
            part.status, part.excerpt = 0, text
            part.ambiguous = part.ambiguous or fault in AMBIGUOUS
