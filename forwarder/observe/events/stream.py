"""Occurrences at the Kafka side: records, gaps, checkpoints, the group, the brokers. Declarations only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from forwarder.model.event import TP, Unreadable
from forwarder.observe import declared as d
from forwarder.observe.declared import CheckpointResult
from forwarder.observe.events.base import ERROR, INFO, WARNING, Occurrence
from forwarder.observe.metrics import Metrics


@dataclass(frozen=True)
class RecordUnreadable(Occurrence):
    """A record cannot be read as an event and goes to the dead-letter topic. `count` of them, this is the first."""

    text: ClassVar = "record unreadable"
    level: ClassVar = WARNING
    every: ClassVar = 10.0
    per: ClassVar = ("topic", "reason")
    counts: ClassVar = (d.EVENTS_UNREADABLE,)

    topic: str
    partition: int
    offset: int
    reason: Unreadable
    detail: str = ""
    count: int = 1

    def tally(self, metrics: Metrics, now: float) -> None:
        metrics.topic(self.topic).unreadable[self.reason].inc(self.count)

    def amount(self) -> int:
        return self.count


@dataclass(frozen=True)
class DeadLetterWriteFailed(Occurrence):
    """Kafka did not take a dead letter or a ledger entry for the events of `topic`. It is written again until Kafka does; only
    the lane of `webhook` (`~unreadable`: of records that nobody can read) waits for it. `error` says what an operator can do."""

    text: ClassVar = "dead letter not written"
    level: ClassVar = ERROR
    every: ClassVar = 10.0
    per: ClassVar = ("topic", "webhook")
    counts: ClassVar = (d.DEAD_LETTERS_FAILED,)

    topic: str
    webhook: str
    target: str
    error: str

    def tally(self, metrics: Metrics, now: float) -> None:
        metrics.topic(self.topic).dead_letters_failed.inc()


@dataclass(frozen=True)
class DeadLettersTakenAgain(Occurrence):
    """Kafka takes the dead letters or ledger entries of `webhook` again, after `blocked_s` seconds: its lane goes on."""

    text: ClassVar = "dead letters are written again"
    level: ClassVar = INFO

    webhook: str
    target: str
    blocked_s: float


@dataclass(frozen=True)
class GapFound(Occurrence):
    """The consumer skipped the offsets from `expected` up to (not including) `start`; the lanes read them again."""

    text: ClassVar = "gap found"
    level: ClassVar = WARNING
    every: ClassVar = 10.0
    per: ClassVar = ("topic", "partition")
    counts: ClassVar = (d.GAPS,)

    topic: str
    partition: int
    expected: int
    start: int

    def tally(self, metrics: Metrics, now: float) -> None:
        metrics.topic(self.topic).gaps.inc(self.amount())

    def amount(self) -> int:
        return max(0, self.start - self.expected)


@dataclass(frozen=True)
class TopicRecreated(Occurrence):
    """The log does not hold what was read below `expected`: it ends before, or has another record at `end`. The topic was deleted
    and made anew; the partition is halted until an operator has acted as `/readyz` says."""

    text: ClassVar = "topic was recreated"
    level: ClassVar = ERROR
    every: ClassVar = 60.0
    per: ClassVar = ("topic", "partition")

    topic: str
    partition: int
    expected: int
    end: int


@dataclass(frozen=True)
class CheckpointLost(Occurrence):
    """The group has committed offset `committed`, but its checkpoint is gone: was the checkpoint topic deleted? Every webhook goes
    on at `start`, the lowest place any of them had come to: nothing is lost, what lies between is delivered again."""

    text: ClassVar = "checkpoint lost"
    level: ClassVar = ERROR

    topic: str
    partition: int
    committed: int
    start: int


@dataclass(frozen=True)
class CheckpointShortened(Occurrence):
    """A checkpoint would be larger than `checkpoint.maxBytes`. It was written without what the lanes of `webhooks` had delivered
    ahead of their cursors, or had under way: after a crash they deliver more twice than usual. Nothing is lost."""

    text: ClassVar = "checkpoint shortened"
    level: ClassVar = WARNING
    every: ClassVar = 60.0
    per: ClassVar = ("topic", "partition")
    counts: ClassVar = (d.CHECKPOINTS,)

    topic: str
    partition: int
    webhooks: tuple[str, ...]

    def tally(self, metrics: Metrics, now: float) -> None:
        metrics.topic(self.topic).checkpoints[CheckpointResult.SHORTENED].inc()


@dataclass(frozen=True)
class CheckpointRefused(Occurrence):
    """The group refused the commit that fences a checkpoint: the partition belongs to another worker, nothing is written."""

    text: ClassVar = "checkpoint refused"
    level: ClassVar = WARNING
    every: ClassVar = 10.0
    per: ClassVar = ("topic",)
    counts: ClassVar = (d.CHECKPOINTS,)

    topic: str
    partitions: tuple[int, ...] = ()

    def tally(self, metrics: Metrics, now: float) -> None:
        metrics.topic(self.topic).checkpoints[CheckpointResult.REFUSED].inc()


@dataclass(frozen=True)
class CheckpointUnknown(Occurrence):
    """Kafka did not answer in time: the checkpoint may or may not have been written; the next one settles it."""

    text: ClassVar = "checkpoint unanswered"
    level: ClassVar = WARNING
    every: ClassVar = 10.0
    per: ClassVar = ("topic",)
    counts: ClassVar = (d.CHECKPOINTS,)

    topic: str
    partitions: tuple[int, ...] = ()
    waited_s: float | None = None

    def tally(self, metrics: Metrics, now: float) -> None:
        metrics.topic(self.topic).checkpoints[CheckpointResult.UNKNOWN].inc()


@dataclass(frozen=True)
class CheckpointFailed(Occurrence):
    """Kafka refused the checkpoint record. After a crash, more is delivered twice than usual."""

    text: ClassVar = "checkpoint failed"
    level: ClassVar = ERROR
    every: ClassVar = 10.0
    per: ClassVar = ("topic",)
    counts: ClassVar = (d.CHECKPOINTS,)

    topic: str
    error: str
    partitions: tuple[int, ...] = ()

    def tally(self, metrics: Metrics, now: float) -> None:
        metrics.topic(self.topic).checkpoints[CheckpointResult.FAILED].inc()


@dataclass(frozen=True)
class PartitionsAssigned(Occurrence):
    """The group gave this worker its partitions: `owned` is all it has from now on."""

    text: ClassVar = "partitions assigned"
    level: ClassVar = INFO
    counts: ClassVar = (d.REBALANCES, d.ASSIGNED)

    owned: tuple[TP, ...]
    generation: int

    def tally(self, metrics: Metrics, now: float) -> None:
        metrics.own(self.owned)
        metrics.counter(d.REBALANCES).inc()


@dataclass(frozen=True)
class PartitionsRevoked(Occurrence):
    """The group takes partitions away, as at every rebalance; `kept` is what this worker still owns."""

    text: ClassVar = "partitions revoked"
    level: ClassVar = INFO
    counts: ClassVar = (d.ASSIGNED,)

    revoked: tuple[TP, ...]
    kept: tuple[TP, ...] = ()

    def tally(self, metrics: Metrics, now: float) -> None:
        metrics.own(self.kept)


@dataclass(frozen=True)
class DrainFinished(Occurrence):
    """Attempts in flight were given time to end. `abandoned` of them did not and will be repeated by the next owner."""

    text: ClassVar = "drain finished"
    level: ClassVar = INFO

    duration_s: float
    abandoned: int


@dataclass(frozen=True)
class KafkaUnreachable(Occurrence):
    """Kafka does not answer or refuses us. `error` says why and names the broker. It is tried again without end."""

    text: ClassVar = "waiting for Kafka"
    level: ClassVar = ERROR
    every: ClassVar = 30.0
    counts: ClassVar = (d.KAFKA_UP,)

    brokers: tuple[str, ...]
    error: str

    def tally(self, metrics: Metrics, now: float) -> None:
        metrics.gauge(d.KAFKA_UP).set(0)


@dataclass(frozen=True)
class KafkaBack(Occurrence):
    """Kafka answers, for the first time or again after `down_s` seconds."""

    text: ClassVar = "Kafka answers"
    level: ClassVar = INFO
    counts: ClassVar = (d.KAFKA_UP,)

    brokers: tuple[str, ...]
    down_s: float | None = None

    def tally(self, metrics: Metrics, now: float) -> None:
        metrics.gauge(d.KAFKA_UP).set(1)
