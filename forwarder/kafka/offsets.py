"""Questions about offsets: where a log starts, where it ends, which offset belongs to a time. Reads no events.

The end is taken from fetch responses: an end asked for by name is wrong on some brokers that speak Kafka's protocol.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from forwarder.kafka.private.closing import stop_consumer
from forwarder.kafka.reader import Unavailable, open_consumer, readable_end
from forwarder.model.event import TP
from forwarder.settings.kafka import Kafka

_PROBE_BYTES = 1024
_PROBE_SECONDS = 0.2
_TIMES_SECONDS = 5.0


class Offsets:
    """A consumer without a group, for questions only. Questions are asked one after the other."""

    def __init__(self, kafka: Kafka, *, request_timeout: float = 10.0) -> None:
        self._kafka = kafka
        self._timeout = request_timeout
        self._consumer: Any = None
        self._lock = asyncio.Lock()

    async def open(self) -> Unavailable | None:
        """Connect; None means done."""
        consumer = open_consumer(self._kafka, _PROBE_BYTES, self._timeout)
        try:
            await consumer.start()
        except KafkaError as error:
            await stop_consumer(consumer)
            return Unavailable(f"{type(error).__name__}: {error}")
        self._consumer = consumer
        return None

    async def close(self) -> None:
        """Disconnect; harmless when nothing is open."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await stop_consumer(consumer)

    async def log_start(self, tp: TP) -> int | Unavailable:
        """The first offset that the log still holds."""
        key = TopicPartition(*tp)
        start: int | Unavailable = await self._ask(lambda: self._consumer.beginning_offsets([key]), key)
        return start

    async def stable_end(self, tp: TP) -> int | Unavailable:
        """The offset after the last readable record."""
        async with self._lock:
            try:
                async with asyncio.timeout(self._timeout):
                    return await self._probe_end(TopicPartition(*tp))
            except (KafkaError, TimeoutError) as error:
                return Unavailable(f"end of {tp.topic}/{tp.partition}: {type(error).__name__}: {error}")

    async def at_time(self, tp: TP, timestamp_ms: int) -> int | Unavailable | None:
        """The first offset whose record is not older than `timestamp_ms`; None when there is none."""
        key = TopicPartition(*tp)
        found = await self._ask(lambda: self._consumer.offsets_for_times({key: timestamp_ms}), key)
        return found if found is None or isinstance(found, Unavailable) else int(found.offset)

    async def times_at(self, offsets: Mapping[TP, int]) -> dict[TP, int] | Unavailable:
        """The timestamp (ms) of the record at each offset; partitions that have none there, or do not answer soon, are left out."""
        found: dict[TP, int] = {}
        async with self._lock:
            try:
                async with asyncio.timeout(_TIMES_SECONDS):
                    await self._probe_times({TopicPartition(*tp): offset for tp, offset in offsets.items()}, found)
            except TimeoutError:
                pass
            except KafkaError as error:
                return Unavailable(f"times of {len(offsets)} records: {type(error).__name__}: {error}")
        return found

    async def _probe_times(self, wanted: dict[Any, int], found: dict[TP, int]) -> None:
        self._consumer.assign(list(wanted))
        for key, offset in wanted.items():
            self._consumer.seek(key, offset)
        while wanted:
            try:
                answer = await self._consumer.getmany(*wanted, timeout_ms=int(_PROBE_SECONDS * 1000))
            except OffsetOutOfRangeError as error:
                for key in error.args[0]:
                    wanted.pop(key, None)
                continue
            for key, records in answer.items():
                if wanted.pop(key, None) == records[0].offset:
                    found[TP(key.topic, key.partition)] = records[0].timestamp
            for key, offset in list(wanted.items()):
                if (end := readable_end(self._consumer, key)) is not None and end <= offset:
                    del wanted[key]

    async def _ask(self, question: Any, key: Any) -> Any:
        async with self._lock:
            try:
                async with asyncio.timeout(self._timeout):
                    return (await question())[key]
            except (KafkaError, TimeoutError) as error:
                return Unavailable(f"offsets of {key.topic}/{key.partition}: {type(error).__name__}: {error}")

    async def _probe_end(self, key: Any) -> int:
        start = (await self._consumer.beginning_offsets([key]))[key]
        named = (await self._consumer.end_offsets([key]))[key]
        self._consumer.assign([key])
        self._consumer.seek(key, max(start, named - 1))
        while (end := readable_end(self._consumer, key)) is None:
            try:
                await self._consumer.getmany(key, timeout_ms=int(_PROBE_SECONDS * 1000), max_records=1)
            except OffsetOutOfRangeError:
                self._consumer.seek(key, (await self._consumer.beginning_offsets([key]))[key])
        return end
