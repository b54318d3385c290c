"""The newest records of a topic, for somebody who only looks: no group, no commit, a bounded number of records and of seconds."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiokafka.errors import KafkaError

from forwarder.errors import StartupError
from forwarder.kafka import topics
from forwarder.kafka.diagnosis import connection_problem
from forwarder.kafka.offsets import Offsets
from forwarder.kafka.preflight import CONNECT_SECONDS, check_connections
from forwarder.kafka.reader import Reader, Unavailable
from forwarder.kafka.records import Chunk
from forwarder.model.event import TP
from forwarder.settings.kafka import Kafka

AT_ONCE = 500
_WAIT_SECONDS = 0.5
_IDLE_READS = 20
"""Reads in a row that bring nothing, after which a partition is left: ten seconds."""


async def tail(kafka: Kafka, topic: str, last: int) -> AsyncIterator[tuple[TP, Chunk]]:
    """At most about `last` of the topic's newest records, an equal share of each partition, chunk by chunk. What a partition
    has less than its share is not made up for by another. Raises StartupError where Kafka does not answer, or has no such topic."""
    await check_connections(kafka)
    partitions = await _partitions(kafka, topic)
    share = max(1, -(-last // len(partitions)))
    for tp in partitions:
        start, end = await _range(kafka, tp, share)
        if start < end:
            async for chunk in _read(kafka, tp, start, end):
                yield tp, chunk


async def _partitions(kafka: Kafka, topic: str) -> list[TP]:
    try:
        async with topics.admin_client(kafka, request_timeout=CONNECT_SECONDS) as admin:
            if topic not in set(await admin.list_topics()):
                raise StartupError(f"topic {topic} does not exist, or this login may not see it", retryable=False)
            found = (await admin.describe_topics([topic]))[0]
    except (KafkaError, OSError, TimeoutError) as error:
        raise connection_problem(", ".join(kafka.brokers), kafka.security, error) from error
    return sorted(TP(topic, one["partition"]) for one in found["partitions"])


async def _range(kafka: Kafka, tp: TP, share: int) -> tuple[int, int]:
    """The first offset to read, and where the log ends now."""
    offsets = Offsets(kafka)
    _available(tp, await offsets.open())
    try:
        end, start = await offsets.stable_end(tp), await offsets.log_start(tp)
    finally:
        await offsets.close()
    upto = _available(tp, end) or 0
    return max(_available(tp, start) or 0, upto - share), upto


async def _read(kafka: Kafka, tp: TP, start: int, end: int) -> AsyncIterator[Chunk]:
    reader = Reader(kafka, tp)
    _available(tp, await reader.open(start))
    idle = 0
    try:
        while reader.position < end and idle < _IDLE_READS:
            before = reader.position
            found = await reader.read(AT_ONCE, _WAIT_SECONDS)
            if not isinstance(found, Chunk):
                text = found.text if isinstance(found, Unavailable) else "the records were deleted meanwhile"
                raise StartupError(f"{tp.topic}/{tp.partition} cannot be read: {text}", retryable=True)
            idle = idle + 1 if reader.position == before else 0
            yield found
    finally:
        await reader.close()


def _available(tp: TP, found: int | Unavailable | None) -> int | None:
    """The answer. Raises StartupError where there is none."""
    if isinstance(found, Unavailable):
        raise StartupError(f"{tp.topic}/{tp.partition} cannot be read: {found.text}", retryable=True)
    return found
