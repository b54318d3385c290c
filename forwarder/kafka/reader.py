"""Reads one partition without a group: the catch-up read. Joins nothing, commits nothing, never jumps over a hole silently.

Asks and answers in fetch positions, as the shared read does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from forwarder.kafka.connection import client_options
from forwarder.kafka.private.closing import stop_consumer
from forwarder.kafka.private.positions import Positions, install, release_fetched
from forwarder.kafka.records import Chunk
from forwarder.model.event import TP
from forwarder.settings.kafka import Kafka

FETCH_BYTES = 1024 * 1024
LEAST_FETCH_BYTES = 64 * 1024
FETCH_SHARE = 16
"""All fetches together hold at most this part of the memory budget: what a lane has no room for was fetched in vain."""

COPIES = 2
"""What a reader takes at most: a fetched buffer, and the records made of it that nobody has taken yet."""


@dataclass(frozen=True, slots=True)
class OutOfRange:
    """The position is not in the log. `log_start` is the first offset that is; below it retention has deleted the events.

    When `log_start <= position` the position lies beyond the end: the topic was made anew.
    """

    position: int
    log_start: int


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Kafka does not answer, or refuses; `text` says why. Worth trying again later."""

    text: str


ReadResult = Chunk | OutOfRange | Unavailable


class Reader:
    """Reads on from where it was put. Not started until `open`; at most one `read` at a time.

    `max_bytes` bounds what is held in memory for one fetch (a single larger record still arrives). `charge` is told the bytes that
    the reader may hold when it opens, and the same with a minus when it closes.
    """

    def __init__(
        self,
        kafka: Kafka,
        tp: TP,
        *,
        max_bytes: int = FETCH_BYTES,
        request_timeout: float = 10.0,
        charge: Callable[[int], None] = lambda size: None,
    ) -> None:
        install()
        self._kafka = kafka
        self._tp = tp
        self._key = TopicPartition(*tp)
        self._max_bytes = max_bytes
        self._request_timeout = request_timeout
        self._charge = charge
        self._positions = Positions({tp.topic})
        self._consumer: Any = None
        self._position = 0

    @property
    def is_open(self) -> bool:
        """Whether `open` succeeded and nothing was closed since."""
        return self._consumer is not None

    @property
    def position(self) -> int:
        """The next fetch position."""
        return self._position

    @property
    def stable_end(self) -> int | None:
        """The offset after the last readable record, from the newest fetch response; None before the first one."""
        return None if self._consumer is None else readable_end(self._consumer, self._key)

    async def open(self, position: int) -> Unavailable | None:
        """Connect and go to `position`; None means done. After an error, opening again is a new try."""
        consumer = open_consumer(self._kafka, self._max_bytes, self._request_timeout)
        self._positions.attach(consumer)
        try:
            await consumer.start()
        except KafkaError as error:
            await stop_consumer(consumer)
            return Unavailable(f"{type(error).__name__}: {error}")
        consumer.assign([self._key])
        self._consumer = consumer
        self._charge(COPIES * self._max_bytes)
        self.seek(position)
        return None

    def seek(self, position: int) -> None:
        """Read on from `position`."""
        release_fetched(self._consumer, self._key)
        self._consumer.seek(self._key, position)
        self._position = position

    async def read(self, max_records: int, timeout: float) -> ReadResult:
        """The next records, waiting up to `timeout` seconds. An empty chunk with `start < end` passed markers only."""
        try:
            found = await self._consumer.getmany(self._key, timeout_ms=int(timeout * 1000), max_records=max_records)
        except OffsetOutOfRangeError:
            return await self._out_of_range()
        except KafkaError as error:
            return Unavailable(f"{type(error).__name__}: {error}")
        chunk: Chunk = found.get(self._key) or self._nothing()
        self._position = chunk.end
        return chunk

    async def close(self) -> None:
        """Disconnect; harmless when nothing is open."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            self._charge(-COPIES * self._max_bytes)
            await stop_consumer(consumer)

    def _nothing(self) -> Chunk:
        passed = self._positions.passed(self._tp)
        chunk = Chunk()
        chunk.tp, chunk.seek = self._tp, self._positions.seeks
        chunk.start = self._position
        chunk.end = passed[1] if passed and passed[0] <= self._position < passed[1] else self._position
        return chunk

    async def _out_of_range(self) -> OutOfRange | Unavailable:
        try:
            starts = await self._consumer.beginning_offsets([self._key])
        except KafkaError as error:
            return Unavailable(f"{type(error).__name__}: {error}")
        return OutOfRange(self._position, starts[self._key])


def fetch_bytes(budget: int, readers: int) -> int:
    """The size of a fetch where so many readers may be open and all memory together may be `budget` bytes."""
    return max(LEAST_FETCH_BYTES, min(FETCH_BYTES, budget // FETCH_SHARE // max(1, readers)))


def open_consumer(kafka: Kafka, max_bytes: int, request_timeout: float) -> Any:
    """A consumer without a group, not started: isolation as configured, and an error where an offset does not exist."""
    return AIOKafkaConsumer(
        **client_options(kafka),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_committed" if kafka.isolation == "readCommitted" else "read_uncommitted",
        max_partition_fetch_bytes=max_bytes,
        fetch_max_wait_ms=100,
        request_timeout_ms=int(request_timeout * 1000),
    )


def readable_end(consumer: Any, key: Any) -> int | None:
    """Last stable offset, or high watermark where isolation is off, as of the newest fetch response."""
    stable: int | None = consumer.last_stable_offset(key)
    end: int | None = consumer.highwater(key) if stable is None or stable < 0 else stable
    return end
