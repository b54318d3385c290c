"""Every metric, declared once: name, kind, labels with their values, buckets and meaning. Holds no numbers.

Names follow the Prometheus naming guide: base units, `_total` on counters, `_timestamp_seconds` for moments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from forwarder.model.attempt import DeadLetterReason, DiscardReason, Fault
from forwarder.model.event import Unreadable
from forwarder.settings.signature import KeyState


class Kind(Enum):
    """The kinds of the exposition format that we use."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class CheckpointResult(Enum):
    """How writing a checkpoint ended. SHORTENED: written without what made it too large. UNKNOWN: no answer within the time limit,
    it may have been written."""

    WRITTEN = "written"
    SHORTENED = "shortened"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    FAILED = "failed"


class ReloadResult(Enum):
    """How a reload of the configuration ended."""

    APPLIED = "applied"
    REFUSED = "refused"


class Stuck(Enum):
    """What can stand still: a partition's read, a webhook's lane, or the worker's membership in its group."""

    PARTITION = "partition"
    LANE = "lane"
    GROUP = "group"


class Limit(Enum):
    """What can hold a request back."""

    RATE = "rate"
    HOST = "host"


@dataclass(frozen=True, eq=False)
class Metric:
    """`values` lists all values of a label where they are known beforehand: all then exist from the start. None listed: they are
    set while the process runs.

    `buckets` are upper bounds in the metric's unit, without the infinite one.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    buckets: tuple[float, ...] = ()


def _counter(name: str, help: str, *labels: str, **values: tuple[str, ...]) -> Metric:
    return Metric(name, Kind.COUNTER, help, (*labels, *_real(values)), _named(values))


def _gauge(name: str, help: str, *labels: str, **values: tuple[str, ...]) -> Metric:
    return Metric(name, Kind.GAUGE, help, (*labels, *_real(values)), _named(values))


def _histogram(name: str, help: str, *labels: str, buckets: tuple[float, ...]) -> Metric:
    return Metric(name, Kind.HISTOGRAM, help, labels, {}, buckets)


def _named(values: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """`class_` is how the label `class` is written in Python."""
    return {label.rstrip("_"): listed for label, listed in values.items()}


def _real(values: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(_named(values))


def _words(enum: type[Enum]) -> tuple[str, ...]:
    return tuple(str(member.value) for member in enum)


HTTP_CLASSES = ("http_1xx", "http_2xx", "http_3xx", "http_4xx", "http_5xx")
ATTEMPT_CLASSES = HTTP_CLASSES + _words(Fault)
BOOKS_ACCOUNTS = ("read", "filtered", "delivered", "discarded", "dead_lettered", "pending")
LANE_STATES = ("live", "behind", "paused", "disabled")

# Events: what was read, and what became of it. Per webhook the books must balance.
EVENTS_READ = _counter("forwarder_events_read_total", "Events read by the shared read.", "topic")
EVENTS_UNREADABLE = _counter(
    "forwarder_events_unreadable_total",
    "Events that could not be read and go to the dead-letter topic.",
    "topic",
    reason=_words(Unreadable),
)
EVENTS_MATCHED = _counter("forwarder_events_matched_total", "Events that the webhook wants.", "webhook")
EVENTS_DELIVERED = _counter("forwarder_events_delivered_total", "Events the webhook accepted.", "webhook")
EVENTS_DISCARDED = _counter(
    "forwarder_events_discarded_total",
    "Events given up without delivery.",
    "webhook",
    reason=_words(DiscardReason),
)
EVENTS_DEAD_LETTERED = _counter(
    "forwarder_events_dead_lettered_total",
    "Events written to the dead-letter topic for this webhook.",
    "webhook",
    reason=_words(DeadLetterReason),
)
EVENTS_PENDING = _gauge(
    "forwarder_events_pending", "Matched events that have no outcome yet, in memory or in Kafka.", "webhook"
)
EVENTS_CAUGHT_UP = _counter(
    "forwarder_events_caught_up_total",
    "Events fed to the webhook by catch-up instead of by the shared read.",
    "webhook",
)
FILTER_ERRORS = _counter("forwarder_filter_errors_total", "Evaluations of the webhook's filter that failed.", "webhook")
BOOKS_EVENTS = _gauge(
    "forwarder_books_events",
    "Accounts of the partitions that this worker owns, kept over restarts: read = filtered + delivered + discarded + dead_lettered"
    " + pending.",
    "webhook",
    account=BOOKS_ACCOUNTS,
)
BOOKS_IMBALANCE = _gauge(
    "forwarder_books_imbalance",
    "Events that have no place in the accounts, summed over partitions; anything but 0 is a defect.",
    "webhook",
)

# Attempts: how the endpoints behave.
BATCHES_DELIVERED = _counter("forwarder_batches_delivered_total", "Batches the webhook accepted.", "webhook")
BATCH_EVENTS = _histogram(
    "forwarder_batch_events", "Events in a delivered batch.", "webhook", buckets=(1, 10, 100, 1000, 10_000)
)
ATTEMPTS = _counter("forwarder_attempts_total", "HTTP requests, by how they ended.", "webhook", class_=ATTEMPT_CLASSES)
ATTEMPT_DURATION = _histogram(
    "forwarder_attempt_duration_seconds",
    "Time from the start to the end of a request.",
    "webhook",
    buckets=(0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 10, 30),
)
EVENT_AGE = _histogram(
    "forwarder_event_age_seconds",
    "Age of events at their delivery, since the record's timestamp in Kafka.",
    "webhook",
    buckets=(0.05, 0.25, 1, 2.5, 5, 10, 30, 60, 300, 3600, 86_400),
)

# Lanes: the state of each webhook on this worker.
LANE_STATE = _gauge(
    "forwarder_lane_state", "1 for the state that the lane is in, else 0.", "webhook", state=LANE_STATES
)
CIRCUIT_OPEN = _gauge("forwarder_circuit_open", "1 while the endpoint fails and is only probed.", "webhook")
LANE_BEHIND = _gauge(
    "forwarder_lane_behind_partitions",
    "Partitions on which the lane is fed by catch-up.",
    "webhook",
)
WINDOW_BYTES = _gauge("forwarder_window_bytes", "Memory charged to the lane's pending events.", "webhook")
OLDEST_UNDELIVERED = _gauge(
    "forwarder_oldest_undelivered_timestamp_seconds",
    "When the oldest event without an outcome was written, in seconds since the Unix epoch; 0 = none.",
    "webhook",
)
TLS_UNVERIFIED = _gauge(
    "forwarder_tls_verification_disabled",
    "1 when the webhook accepts any certificate (allowInvalidCerts).",
    "webhook",
)
SIGNATURE_KEYS = _gauge(
    "forwarder_signature_keys",
    "Signature keys of the webhook, by whether they sign now (notBefore, notAfter); several active ones overlap.",
    "webhook",
    state=_words(KeyState),
)
SIGNATURE_KEY_END = _gauge(
    "forwarder_signature_key_not_after_timestamp_seconds",
    "When the signature key stops signing, in seconds since the Unix epoch. By the id or fingerprint of keys with notAfter.",
    "webhook",
    key=(),
)
CERTIFICATE_END = _gauge(
    "forwarder_certificate_not_after_timestamp_seconds",
    "When the certificate ends that the webhook shows (kind client), in seconds since the Unix epoch. Absent where it shows none.",
    "webhook",
    kind=(),
)
SECRET_ERRORS = _counter(
    "forwarder_secret_errors_total",
    "Times that a secret of the webhook could not be read, or that its login was refused.",
    "webhook",
)
CONCURRENCY_LIMIT = _gauge(
    "forwarder_concurrency_limit",
    "Requests that may be in flight: `concurrency`, or what `adaptiveConcurrency` has found.",
    "webhook",
)
RATE_TOKENS = _gauge(
    "forwarder_rate_limit_tokens",
    "Tokens left in this worker's part of `rateLimit`; 0 without a limit, too.",
    "webhook",
)
LIMIT_WAITING = _gauge(
    "forwarder_limit_waiting",
    "1 while the next request is due and held back by a limit: rate (`rateLimit`) or host (`limits.perHost`).",
    "webhook",
    limit=_words(Limit),
)
GROUP_MEMBERS = _gauge(
    "forwarder_group_members",
    "Workers of the group that limits are divided by: those that own partitions; until Kafka has told, the most there can be.",
)
MEMORY_USED = _gauge("forwarder_memory_used_bytes", "Memory charged to all windows and catch-up buffers.")
MEMORY_BUDGET = _gauge("forwarder_memory_budget_bytes", "The configured bound on that memory.")

# Kafka: where the shared read stands.
KAFKA_UP = _gauge("forwarder_kafka_up", "1 while Kafka answers.")
CONSUMER_LAG = _gauge(
    "forwarder_consumer_lag_records",
    "Records between this worker's position and the end of the partition.",
    "topic",
    "partition",
)
POSITION = _gauge("forwarder_position", "Next offset that will be routed.", "topic", "partition")
ASSIGNED = _gauge("forwarder_assigned_partitions", "Partitions that this worker owns.", "topic")
GAPS = _counter(
    "forwarder_gaps_found_total",
    "Offsets that the consumer skipped; the lanes read them again from Kafka.",
    "topic",
)
REBALANCES = _counter("forwarder_rebalances_total", "Assignments received from the group.")
CATCHUP_READ = _counter("forwarder_catchup_records_read_total", "Records read by catch-up.", "topic")
CHECKPOINTS = _counter(
    "forwarder_checkpoints_total",
    "Attempts to write a checkpoint, by how they ended.",
    "topic",
    result=_words(CheckpointResult),
)
CHECKPOINT_AGE = _gauge(
    "forwarder_checkpoint_age_seconds", "Time since the last checkpoint was written.", "topic", "partition"
)
DEAD_LETTERS_FAILED = _counter(
    "forwarder_dead_letters_failed_total",
    "Failed writes to the dead-letter topic of this topic; each is repeated until it succeeds.",
    "topic",
)
DEAD_LETTERS_BLOCKED = _gauge(
    "forwarder_dead_letters_blocked",
    "1 while Kafka does not take a dead letter or ledger entry of this webhook: its lane waits for that.",
    "webhook",
)

# The process.
LOOP_LAG = _gauge("forwarder_event_loop_lag_seconds", "How late the event loop last woke.")
LOOP_LAG_MAX = _gauge(
    "forwarder_event_loop_lag_max_seconds", "How late the event loop woke at worst since the last scrape."
)
LOOP_STALLS = _counter(
    "forwarder_event_loop_stalls_total", "Times that the event loop gave nobody a turn for 0.1 seconds or longer."
)
STUCK = _gauge(
    "forwarder_stuck",
    "Partitions, lanes or memberships that ought to move and do not, for longer than `watchdog.after`.",
    what=_words(Stuck),
)
STUCK_FOUND = _counter("forwarder_stuck_found_total", "Times that something was found stuck.", what=_words(Stuck))
RELOAD_OK = _gauge("forwarder_config_last_reload_successful", "1 when the last reload was applied.")
RELOAD_TIME = _gauge(
    "forwarder_config_last_reload_success_timestamp_seconds",
    "When a configuration was last applied, in seconds since the Unix epoch.",
)
RELOADS = _counter("forwarder_config_reloads_total", "Reloads of the configuration.", result=_words(ReloadResult))
BUILD_INFO = _gauge("forwarder_build_info", "Always 1; the labels say what runs.", "version", "python")

METRICS: tuple[Metric, ...] = tuple(item for item in list(globals().values()) if isinstance(item, Metric))
"""All of them, in the order above."""
