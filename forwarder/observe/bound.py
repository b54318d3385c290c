"""Metrics bound to one webhook, topic or partition: callers write `m.delivered.inc(n)`, without any look-up.

Call them once per batch or chunk with a count, never once per event.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

from prometheus_client import Counter, Gauge

from forwarder.model.attempt import DeadLetterReason, DiscardReason
from forwarder.model.event import Unreadable
from forwarder.observe import declared as d
from forwarder.observe.declared import CheckpointResult
from forwarder.settings.signature import KeyState

if TYPE_CHECKING:
    from forwarder.observe.metrics import Metrics

CLIENT = "client"
"""The kind of a certificate that Forwarder shows."""

E = TypeVar("E", bound=Enum)
C = TypeVar("C", Counter, Gauge)


def _by_enum(enum: type[E], child: Callable[[str], C]) -> dict[E, C]:
    return {member: child(str(member.value)) for member in enum}


class AttemptCounters(dict[str, Counter]):
    """By `Attempt.outcome_class`. A status outside 100..599 counts as 5xx (RFC 9110 section 15)."""

    def __missing__(self, outcome_class: str) -> Counter:
        return self["http_5xx"]


class KeyMetrics:
    """The signature keys of one webhook."""

    def __init__(self, metrics: Metrics, webhook: str) -> None:
        self._metrics = metrics
        self._webhook = webhook
        self._states = _by_enum(KeyState, lambda state: metrics.gauge(d.SIGNATURE_KEYS, webhook, state))
        self._ends: dict[str, Gauge] = {}

    def show(self, states: Mapping[KeyState, int], ends: Mapping[str, float]) -> None:
        """How many keys are in each state, and when they stop signing, by name (Unix seconds); names no longer there vanish."""
        for state, count in states.items():
            self._states[state].set(count)
        for key in set(self._ends) - set(ends):
            del self._ends[key]
            self._metrics.forget(d.SIGNATURE_KEY_END, webhook=self._webhook, key=key)
        for key, end in ends.items():
            if key not in self._ends:
                self._ends[key] = self._metrics.gauge(d.SIGNATURE_KEY_END, self._webhook, key)
            self._ends[key].set(end)


class WebhookMetrics:
    """All series of one webhook."""

    def __init__(self, metrics: Metrics, name: str) -> None:
        counter, gauge, histogram = metrics.counter, metrics.gauge, metrics.histogram
        self.matched = counter(d.EVENTS_MATCHED, name)
        self.delivered = counter(d.EVENTS_DELIVERED, name)
        self.caught_up = counter(d.EVENTS_CAUGHT_UP, name)
        self.filter_errors = counter(d.FILTER_ERRORS, name)
        self.secret_errors = counter(d.SECRET_ERRORS, name)
        self.discarded = _by_enum(DiscardReason, lambda reason: counter(d.EVENTS_DISCARDED, name, reason))
        self.dead_lettered = _by_enum(DeadLetterReason, lambda reason: counter(d.EVENTS_DEAD_LETTERED, name, reason))
        self.batches_delivered = counter(d.BATCHES_DELIVERED, name)
        self.batch_events = histogram(d.BATCH_EVENTS, name)
        self.attempts: Mapping[str, Counter] = AttemptCounters(
            (word, counter(d.ATTEMPTS, name, word)) for word in d.ATTEMPT_CLASSES
        )
        self.attempt_duration = histogram(d.ATTEMPT_DURATION, name)
        self.event_age = histogram(d.EVENT_AGE, name)
        self.pending = gauge(d.EVENTS_PENDING, name)
        self.books_events = {word: gauge(d.BOOKS_EVENTS, name, word) for word in d.BOOKS_ACCOUNTS}
        self.books_imbalance = gauge(d.BOOKS_IMBALANCE, name)
        self.circuit_open = gauge(d.CIRCUIT_OPEN, name)
        self.behind_partitions = gauge(d.LANE_BEHIND, name)
        self.window_bytes = gauge(d.WINDOW_BYTES, name)
        self.dead_letters_blocked = gauge(d.DEAD_LETTERS_BLOCKED, name)
        self.oldest_undelivered = gauge(d.OLDEST_UNDELIVERED, name)
        self.tls_unverified = gauge(d.TLS_UNVERIFIED, name)
        self.keys = KeyMetrics(metrics, name)
        self._metrics = metrics
        self._name = name
        self.concurrency_limit = gauge(d.CONCURRENCY_LIMIT, name)
        self.rate_tokens = gauge(d.RATE_TOKENS, name)
        self.waiting = _by_enum(d.Limit, lambda limit: gauge(d.LIMIT_WAITING, name, limit))
        self._states = {word: gauge(d.LANE_STATE, name, word) for word in d.LANE_STATES}

    def set_state(self, state: str) -> None:
        """`state` is one of LANE_STATES. Raises KeyError for any other word."""
        entered = self._states[state]
        for gauge in self._states.values():
            gauge.set(1 if gauge is entered else 0)

    def set_client_certificate_end(self, end: float | None) -> None:
        """When the client certificate ends, in Unix seconds; None: there is none."""
        if end is None:
            self._metrics.forget(d.CERTIFICATE_END, webhook=self._name)
        else:
            self._metrics.gauge(d.CERTIFICATE_END, self._name, CLIENT).set(end)


class TopicMetrics:
    """All series of one source topic but those of its partitions."""

    def __init__(self, metrics: Metrics, topic: str) -> None:
        counter = metrics.counter
        self.read = counter(d.EVENTS_READ, topic)
        self.unreadable = _by_enum(Unreadable, lambda reason: counter(d.EVENTS_UNREADABLE, topic, reason))
        self.gaps = counter(d.GAPS, topic)
        self.catchup_read = counter(d.CATCHUP_READ, topic)
        self.checkpoints = _by_enum(CheckpointResult, lambda result: counter(d.CHECKPOINTS, topic, result))
        self.dead_letters_failed = counter(d.DEAD_LETTERS_FAILED, topic)
        self.assigned = metrics.gauge(d.ASSIGNED, topic)


class PartitionMetrics:
    """The series of one owned partition."""

    def __init__(self, metrics: Metrics, topic: str, partition: int) -> None:
        self.lag = metrics.gauge(d.CONSUMER_LAG, topic, str(partition))
        self.position = metrics.gauge(d.POSITION, topic, str(partition))
        self.checkpoint_age = metrics.gauge(d.CHECKPOINT_AGE, topic, str(partition))
