"""Tells what an attempt did: one wide line, the counters, the circuit, the age of what arrived. Decides nothing."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from forwarder.lane.lane import Lane
from forwarder.model.attempt import Attempt, DeadLetterReason, Failure, Fault, Response
from forwarder.model.event import Event
from forwarder.model.verdict import Delivered, Held, Interrupted, Partial, Retry, Verdict
from forwarder.observe.declared import EVENT_AGE
from forwarder.observe.events import (
    AttemptFinished,
    CircuitClosed,
    CircuitOpened,
    EgressDenied,
    SecretUnavailableSeen,
    WayOutFailed,
)
from forwarder.observe.histogram import Series
from forwarder.observe.observer import Observer


class Attempts:
    """One per worker. Remembers which circuits were open, and since when (wall seconds)."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._open_since: dict[str, float] = {}

    def finished(
        self, lane: Lane, events: Sequence[Event], attempt: Attempt, verdict: Verdict, wall: float, retry_in: float
    ) -> None:
        """Report an attempt after its verdict was applied."""
        if isinstance(verdict, Interrupted):
            return
        self._observer.emit(_line(lane, events, attempt, verdict, retry_in))
        arrived = _arrived(events, verdict)
        if arrived:
            bound = self._observer.metrics.webhook(lane.name)
            bound.batches_delivered.inc()
            bound.batch_events.observe(len(arrived))
            observe_ages(bound.event_age, arrived, wall)
        self._circuit(lane, attempt, wall)
        match attempt.result:
            case Failure(fault=Fault.EGRESS, text=text):
                self._observer.emit(EgressDenied(webhook=lane.name, host="", address="", why=text))
            case Failure(fault=Fault.WAY_OUT, text=text):
                self._observer.emit(WayOutFailed(webhook=lane.name, error=text))
            case Failure(fault=Fault.CREDENTIALS, text=text):
                self._observer.emit(SecretUnavailableSeen(webhook=lane.name, error=text))

    def _circuit(self, lane: Lane, attempt: Attempt, wall: float) -> None:
        is_open = lane.flights.circuit_open
        since = self._open_since.get(lane.name)
        if is_open and since is None:
            self._open_since[lane.name] = wall
            self._observer.emit(
                CircuitOpened(webhook=lane.name, failures=lane.flights.failures, class_=attempt.outcome_class)
            )
        elif not is_open and since is not None:
            del self._open_since[lane.name]
            self._observer.emit(CircuitClosed(webhook=lane.name, open_s=round(wall - since, 3)))


def _arrived(events: Sequence[Event], verdict: Verdict) -> Sequence[Event]:
    """The events that the receiver has now."""
    match verdict:
        case Delivered():
            return events
        case Partial(again=again, refused=refused, because=DeadLetterReason.REFUSED):
            left = {*again, *refused}
            return [event for index, event in enumerate(events) if index not in left]
    return ()


def observe_ages(series: Series, events: Sequence[Event], wall: float) -> None:
    """Age at delivery, by the record's Kafka timestamp. One sort and a few bisections, whatever the batch's size."""
    now_ms = wall * 1000
    stamps = sorted(event.timestamp_ms for event in events)
    upper = len(stamps)
    for bound in EVENT_AGE.buckets:
        lower = bisect_left(stamps, now_ms - bound * 1000)
        if lower < upper:
            series.observe_many((now_ms - sum(stamps[lower:upper]) / (upper - lower)) / 1000, upper - lower)
            upper = lower
    if upper:
        series.observe_many((now_ms - sum(stamps[:upper]) / upper) / 1000, upper)


def _line(lane: Lane, events: Sequence[Event], attempt: Attempt, verdict: Verdict, retry_in: float) -> AttemptFinished:
    return AttemptFinished(
        webhook=lane.name,
        batch_id=attempt.batch_id,
        attempt=attempt.number,
        events=len(events),
        bytes=attempt.sent_bytes,
        class_=attempt.outcome_class,
        status=attempt.result.status if isinstance(attempt.result, Response) else None,
        duration_s=round(attempt.seconds, 6),
        reused=attempt.reused_connection,
        verdict=type(verdict).__name__.lower(),
        retry_in_s=round(retry_in, 3) if isinstance(verdict, Retry | Held) else None,
        partitions=tuple(sorted({event.tp for event in events})),
        error=_why(attempt, verdict),
    )


def _why(attempt: Attempt, verdict: Verdict) -> str:
    """What went wrong, in words: the fault, or what was read out of the answer."""
    if isinstance(attempt.result, Failure):
        return attempt.result.text
    return "" if isinstance(verdict, Delivered | Interrupted) else verdict.reason
