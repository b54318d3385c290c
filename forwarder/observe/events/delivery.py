"""Occurrences on the way to a webhook: attempts, lanes, discards, dead letters. Declarations only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from forwarder.model.attempt import DeadLetterReason, DiscardReason
from forwarder.model.event import TP
from forwarder.model.verdict import Delivered
from forwarder.observe import declared as d
from forwarder.observe.events.base import ERROR, INFO, WARNING, Occurrence
from forwarder.observe.metrics import Metrics


@dataclass(frozen=True)
class AttemptFinished(Occurrence):
    """One HTTP request has ended: the one wide line per attempt. `verdict` says what happens next.

    A delivered attempt is an information, any other a warning. `reused` tells that the connection was kept alive from before.
    """

    text: ClassVar = "attempt finished"
    level: ClassVar = WARNING
    counts: ClassVar = (d.ATTEMPTS, d.ATTEMPT_DURATION)

    webhook: str
    batch_id: str
    attempt: int
    events: int
    bytes: int
    class_: str
    status: int | None
    duration_s: float
    reused: bool
    verdict: str
    retry_in_s: float | None = None
    partitions: tuple[TP, ...] = ()
    error: str = ""

    def loudness(self) -> int:
        return INFO if self.verdict == Delivered.__name__.lower() else WARNING

    def tally(self, metrics: Metrics, now: float) -> None:
        bound = metrics.webhook(self.webhook)
        bound.attempts[self.class_].inc()
        bound.attempt_duration.observe(self.duration_s)


@dataclass(frozen=True)
class EventsDiscarded(Occurrence):
    """Events were given up without delivery; `count` of them, all for the same `reason`."""

    text: ClassVar = "events discarded"
    level: ClassVar = WARNING
    every: ClassVar = 10.0
    per: ClassVar = ("webhook", "reason")
    counts: ClassVar = (d.EVENTS_DISCARDED,)

    webhook: str
    reason: DiscardReason
    count: int

    def tally(self, metrics: Metrics, now: float) -> None:
        metrics.webhook(self.webhook).discarded[self.reason].inc(self.count)

    def amount(self) -> int:
        return self.count


@dataclass(frozen=True)
class EventsDeadLettered(Occurrence):
    """Events were written to the dead-letter topic for this webhook. `first` is the position of the first one."""

    text: ClassVar = "events dead-lettered"
    level: ClassVar = WARNING
    every: ClassVar = 10.0
    per: ClassVar = ("webhook", "reason")
    counts: ClassVar = (d.EVENTS_DEAD_LETTERED,)

    webhook: str
    reason: DeadLetterReason
    count: int
    first: str = ""
    detail: str = ""

    def tally(self, metrics: Metrics, now: float) -> None:
        metrics.webhook(self.webhook).dead_lettered[self.reason].inc(self.count)

    def amount(self) -> int:
        return self.count


@dataclass(frozen=True)
class RetentionLoss(Occurrence):
    """Kafka deleted records before the webhook had them: offsets from `cursor` up to (not including) `log_start`.

    `count` is how many of them the caller's books hold as matched; these are counted as discarded, reason `retention`.
    """

    text: ClassVar = "events lost by retention"
    level: ClassVar = ERROR
    counts: ClassVar = (d.EVENTS_DISCARDED,)

    webhook: str
    topic: str
    partition: int
    cursor: int
    log_start: int
    count: int

    def tally(self, metrics: Metrics, now: float) -> None:
        metrics.webhook(self.webhook).discarded[DiscardReason.RETENTION].inc(self.count)


@dataclass(frozen=True)
class FilterFailed(Occurrence):
    """The webhook's filter could not be evaluated on an event; `onFilterError` decides what became of it."""

    text: ClassVar = "filter failed"
    level: ClassVar = WARNING
    every: ClassVar = 60.0
    per: ClassVar = ("webhook",)
    counts: ClassVar = (d.FILTER_ERRORS,)

    webhook: str
    position: str
    error: str

    def tally(self, metrics: Metrics, now: float) -> None:
        metrics.webhook(self.webhook).filter_errors.inc()

    def amount(self) -> int:
        return 1


@dataclass(frozen=True)
class EgressDenied(Occurrence):
    """The webhook's host resolves to an address that the egress guard refuses."""

    text: ClassVar = "egress denied"
    level: ClassVar = ERROR
    every: ClassVar = 60.0
    per: ClassVar = ("webhook",)

    webhook: str
    host: str
    address: str
    why: str


@dataclass(frozen=True)
class WayOutFailed(Occurrence):
    """The proxy or the source address of `egress` cannot be used. No webhook is held to account for it; all that go that way wait."""

    text: ClassVar = "way out failed"
    level: ClassVar = ERROR
    every: ClassVar = 60.0
    per: ClassVar = ()

    webhook: str
    error: str


@dataclass(frozen=True)
class SecretUnavailableSeen(Occurrence):
    """A secret of the webhook could not be read just now, or its login was refused. `error` names the variable, file or login
    host, never a value."""

    text: ClassVar = "credentials unavailable"
    level: ClassVar = ERROR
    every: ClassVar = 60.0
    per: ClassVar = ("webhook",)
    counts: ClassVar = (d.SECRET_ERRORS,)

    webhook: str
    error: str

    def tally(self, metrics: Metrics, now: float) -> None:
        metrics.webhook(self.webhook).secret_errors.inc()


@dataclass(frozen=True)
class CertificateEnds(Occurrence):
    """The client certificate of the webhook ends within two weeks, or has ended; `ends` is in Unix seconds. Told once a day."""

    text: ClassVar = "a client certificate ends"
    level: ClassVar = WARNING
    every: ClassVar = 86_400.0
    per: ClassVar = ("webhook", "ends")

    webhook: str
    file: str
    ends: float
    why: str


@dataclass(frozen=True)
class TlsVerificationDisabled(Occurrence):
    """The webhook accepts any certificate (`allowInvalidCerts`): whoever sits in between can read and change events."""

    text: ClassVar = "TLS verification is disabled"
    level: ClassVar = WARNING
    counts: ClassVar = (d.TLS_UNVERIFIED,)

    webhook: str

    def tally(self, metrics: Metrics, now: float) -> None:
        metrics.webhook(self.webhook).tls_unverified.set(1)
