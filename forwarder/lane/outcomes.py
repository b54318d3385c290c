"""What a verdict does to a batch on its way: settled, split, sorted out, given up, or kept for another attempt. Pure: no I/O, time is
an argument. When anything starts is decided in flights.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import Enum

from forwarder.lane.flight import EXCERPT_CHARACTERS, Fate, Flight, Part
from forwarder.lane.inflight import InFlight
from forwarder.lane.limits import RefusalMeter
from forwarder.lane.policy import CIRCUIT_AFTER, LanePolicy
from forwarder.model.attempt import AMBIGUOUS, Attempt, DeadLetterReason, DiscardReason, Failure, Fault, Response
from forwarder.model.event import Event
from forwarder.model.verdict import Bisect, Delivered, Disable, Drop, Halve, Held, Interrupted, Partial, Retry, Verdict


class Alarm(Enum):
    """What the lane's state must react to."""

    REFUSES_ALL = "refuses all"
    GONE = "gone"


class Outcomes(InFlight):
    """`failures` counts failed attempts in a row, `held` those in a row that did not get out of our own network."""

    def __init__(self, policy: LanePolicy, settle: Callable[[Flight, Part], None]) -> None:
        super().__init__()
        self.policy = policy
        self.failures = 0
        self.held = 0
        self.last_start = -math.inf
        self.hold_until = -math.inf
        self.last_error = ""
        self.last_refusal = ""
        self._gave_up = -math.inf
        self._failing_since = math.inf
        self._settle = settle
        self._teller: Flight | None = None
        self._meter = RefusalMeter(policy.dead_letter_limit)

    @property
    def circuit_open(self) -> bool:
        return self.failures >= CIRCUIT_AFTER

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
        if isinstance(verdict, Held):
            self._held(flight, verdict, now + delay)
            return None
        self.held = 0
        _note_attempt(part, attempt, wall)
        if isinstance(attempt.result, Failure) and attempt.result.fault is Fault.UNSENDABLE:
            self._unsendable(flight, verdict, now)
            return None
        return self._apply(flight, verdict, now, delay)

    def _apply(self, flight: Flight, verdict: Verdict, now: float, delay: float) -> Alarm | None:
        part = flight.head
        match verdict:
            case Delivered():
                self._delivered(flight)
            case Partial():
                return self._sort_out(flight, verdict, now, delay)
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

    def _held(self, flight: Flight, verdict: Held, retry_at: float) -> None:
        """Later again. Neither failures nor ages are counted: the endpoint was never asked."""
        flight.head.attempts -= 1
        self.held += 1
        self.last_error = verdict.reason
        flight.retry_at = self.hold_until = retry_at

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
        self._go_on(flight)

    def _failed(self, flight: Flight, now: float, retry_at: float) -> None:
        self.failures += 1
        self._failing_since = min(self._failing_since, now)
        flight.retry_at = self.hold_until = retry_at
        part, most = flight.head, self.policy.max_attempts
        if most is not None and part.attempts >= most:
            self._give_up(flight, part.events, DiscardReason.ATTEMPTS, DeadLetterReason.ATTEMPTS)

    def _sort_out(self, flight: Flight, verdict: Partial, now: float, delay: float) -> Alarm | None:
        """Some events arrived, some are sent again, some are refused; unless the endpoint seems to refuse everything."""
        self.last_error = verdict.reason
        refused, again = len(verdict.refused), len(verdict.again)
        mixed = refused + again < len(flight.head.events)
        if not mixed and not refused:
            self._failed(flight, now, now + (verdict.after or delay))
            return None
        stop = refused > 0 and self._meter.would_exceed(refused, mixed)
        arrived = flight.sort_out(verdict, Fate.SEND if stop else Fate.DEAD_LETTER)
        self.failures, self._failing_since = 0, math.inf
        self.hold_until = now + (verdict.after or delay) if again else -math.inf
        if arrived.events:
            self._settle(flight, arrived)
        if stop:
            return Alarm.REFUSES_ALL
        if refused:
            self.last_refusal = verdict.reason
        for _ in range(refused):
            self._meter.refused()
        if mixed:
            self._meter.delivered(len(arrived.events))
        self._go_on(flight)
        return None

    def _unsendable(self, flight: Flight, verdict: Verdict, now: float) -> None:
        """No request could be made of the part: a matter between its events and the format. The endpoint has no share in it."""
        part = flight.head
        part.attempts -= 1
        part.tried = False
        self.last_refusal = part.excerpt
        if isinstance(verdict, Halve) and len(part.events) > 1:
            flight.split_head(len(part.events) // 2)
        elif isinstance(verdict, Partial):
            flight.sort_out(verdict, Fate.DEAD_LETTER)
        else:
            flight.condemn(part.events, Fate.DEAD_LETTER, DeadLetterReason.TOO_LARGE)
        flight.retry_at = now

    def _go_on(self, flight: Flight) -> None:
        if not flight.parts:
            self.items.remove(flight)
        elif flight.head.fate is Fate.SEND:
            flight.retry_at = self.hold_until

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
        self.last_refusal = reason
        flight.condemn(part.events, Fate.DEAD_LETTER, single)
        return None

    def _give_up(
        self, flight: Flight, events: list[Event] | tuple[Event, ...], discard: DiscardReason, letter: DeadLetterReason
    ) -> None:
        flight.retry_at = -math.inf
        if self.policy.on_discard == "deadLetter":
            self.last_refusal = self.last_error
            flight.condemn(events, Fate.DEAD_LETTER, letter)
        else:
            flight.condemn(events, Fate.DISCARD, discard)


def _note_attempt(part: Part, attempt: Attempt, wall: float) -> None:
    part.first_attempt = part.first_attempt or wall - attempt.seconds
    part.last_attempt, part.tried = wall, True
    match attempt.result:
        case Response(status=status, body=body):
            part.status, part.excerpt = status, body[:EXCERPT_CHARACTERS].decode("utf-8", "replace")
        case Failure(fault=fault, text=text):
            part.status, part.excerpt = 0, text
            part.ambiguous = part.ambiguous or fault in AMBIGUOUS
