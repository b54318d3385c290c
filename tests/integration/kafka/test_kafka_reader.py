"""Reading without a group, questions about offsets, and writing dead letters, against a real Kafka."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from forwarder.kafka.offsets import Offsets
from forwarder.kafka.producer import Produced, ProduceFailed, RecordProducer
from forwarder.kafka.reader import OutOfRange, Reader, Unavailable, fetch_bytes
from forwarder.kafka.records import Chunk
from forwarder.model.event import TP
from forwarder.settings.kafka import Kafka
from tests.support.kafka import RealKafka


def settings(kafka: RealKafka, **more: object) -> Kafka:
    return Kafka.model_validate({"brokers": kafka.bootstrap, **more})


@asynccontextmanager
async def reading(kafka: RealKafka, topic: str, position: int, **more: object) -> AsyncIterator[Reader]:
    reader = Reader(settings(kafka, **more), TP(topic, 0))
    try:
        assert await reader.open(position) is None
        yield reader
    finally:
        await reader.close()


async def read_to(reader: Reader, end: int) -> list[int]:
    """Offsets up to `end`; each read must go on where the last one ended."""
    offsets: list[int] = []
    while (position := reader.position) < end:
        chunk = await reader.read(100, 5.0)
        assert isinstance(chunk, Chunk)
        assert (chunk.start, chunk.end) == (position, reader.position)
        assert chunk.tp == TP(reader._tp.topic, 0)
        offsets += [record.offset for record in chunk]
    return offsets


async def test_records_are_read_in_order_from_anywhere(kafka: RealKafka) -> None:
    topic = await kafka.topics.create()
    await kafka.topics.produce(topic, [b"%d" % n for n in range(500)], headers=[("h", b"x")])
    async with reading(kafka, topic, 123) as reader:
        assert await read_to(reader, 500) == list(range(123, 500))
        assert reader.stable_end == 500
        reader.seek(10)
        chunk = await reader.read(7, 5.0)
        assert isinstance(chunk, Chunk)
        assert next((r.offset, r.value, r.headers) for r in chunk) == (10, b"10", (("h", b"x"),))
        assert len(chunk) == 7


async def test_at_the_end_an_empty_chunk_comes(kafka: RealKafka) -> None:
    topic = await kafka.topics.create()
    await kafka.topics.produce(topic, [b"a"])
    async with reading(kafka, topic, 1) as reader:
        chunk = await reader.read(10, 0.3)
        assert isinstance(chunk, Chunk)
        assert (list(chunk), chunk.start, chunk.end) == ([], 1, 1)


async def test_aborted_events_are_passed_over_and_markers_are_covered(kafka: RealKafka) -> None:
    topic = await kafka.topics.create()
    committed = await kafka.topics.transact(topic, [([b"a", b"b"], n % 2 == 0) for n in range(10)])
    end = (await kafka.topics.end_offsets(topic))[0]
    async with reading(kafka, topic, 0) as reader:
        assert await read_to(reader, end) == committed
        assert reader.stable_end == end
    async with reading(kafka, topic, 0, isolation="readUncommitted") as reader:
        assert len(await read_to(reader, end)) == 20


async def test_what_retention_deleted_is_out_of_range(kafka: RealKafka) -> None:
    topic = await kafka.topics.create()
    await kafka.topics.produce(topic, [b"x"] * 100)
    await kafka.topics.delete_records(topic, {0: 60})
    async with reading(kafka, topic, 10) as reader:
        assert await reader.read(10, 5.0) == OutOfRange(10, 60)
        reader.seek(60)
        assert await read_to(reader, 100) == list(range(60, 100))


async def test_a_position_beyond_the_end_is_out_of_range(kafka: RealKafka) -> None:
    topic = await kafka.topics.create()
    await kafka.topics.produce(topic, [b"x"] * 5)
    async with reading(kafka, topic, 1000) as reader:
        assert await reader.read(10, 5.0) == OutOfRange(1000, 0)


async def test_without_a_broker_everything_is_unavailable() -> None:
    nowhere = Kafka.model_validate({"brokers": "127.0.0.1:1"})
    assert isinstance(await Reader(nowhere, TP("t", 0)).open(0), Unavailable)
    assert isinstance(await Offsets(nowhere).open(), Unavailable)
    producer = RecordProducer(nowhere)
    assert isinstance(await producer.produce("t", None, b"v", ()), ProduceFailed)
    await producer.close()


async def test_questions_about_offsets(kafka: RealKafka) -> None:
    topic = await kafka.topics.create(partitions=2, configs={"retention.ms": "-1"})
    await kafka.topics.produce(topic, [b"x"] * 50, partition=0, timestamp_ms=1_000_000)
    await kafka.topics.produce(topic, [b"x"] * 50, partition=0, timestamp_ms=2_000_000)
    await kafka.topics.delete_records(topic, {0: 20})
    offsets = Offsets(settings(kafka))
    assert await offsets.open() is None
    try:
        assert await offsets.log_start(TP(topic, 0)) == 20
        assert await offsets.stable_end(TP(topic, 0)) == 100
        assert await offsets.stable_end(TP(topic, 1)) == 0
        assert await offsets.at_time(TP(topic, 0), 1_500_000) == 50
        assert await offsets.at_time(TP(topic, 0), 3_000_000) is None
    finally:
        await offsets.close()


async def test_the_stable_end_stops_at_an_open_transaction(kafka: RealKafka) -> None:
    topic = await kafka.topics.create()
    await kafka.topics.produce(topic, [b"x"] * 10)
    offsets = Offsets(settings(kafka))
    assert await offsets.open() is None
    async with kafka.topics.producer(transactional_id=kafka.topics.unique("tx")) as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b"open")
        assert await offsets.stable_end(TP(topic, 0)) == 10
        await producer.abort_transaction()
    await offsets.close()


async def test_a_question_about_a_missing_topic_is_answered_within_the_bound(kafka: RealKafka) -> None:
    offsets = Offsets(settings(kafka), request_timeout=1.0)
    assert await offsets.open() is None
    assert isinstance(await offsets.stable_end(TP(kafka.topics.unique("missing"), 0)), Unavailable)
    assert isinstance(await offsets.log_start(TP(kafka.topics.unique("missing"), 0)), Unavailable)
    await offsets.close()


async def test_dead_letters_keep_key_headers_and_time(kafka: RealKafka) -> None:
    topic = await kafka.topics.create(configs={"retention.ms": "-1"})
    producer = RecordProducer(settings(kafka))
    try:
        assert await producer.produce(topic, b"k", b"v", (("a", b"1"), ("a", b"2")), 1234) == Produced(topic, 0, 0)
        assert await producer.produce(topic, None, None, ()) == Produced(topic, 0, 1)
        too_large = await producer.produce(topic, None, os.urandom(9 * 1024 * 1024), ())
        assert isinstance(too_large, ProduceFailed)
        assert "MessageSizeTooLarge" in too_large.text
    finally:
        await producer.close()
    first, _ = await kafka.topics.read_all(topic)
    assert (first.key, first.value, first.headers, first.timestamp) == (b"k", b"v", (("a", b"1"), ("a", b"2")), 1234)


async def test_a_record_for_a_missing_topic_fails_within_the_bound(kafka: RealKafka) -> None:
    producer = RecordProducer(settings(kafka), answer_seconds=1.0)
    answer = await producer.produce(kafka.topics.unique("missing"), None, b"v", ())
    await producer.close()
    assert isinstance(answer, ProduceFailed)


async def test_what_a_reader_may_hold_is_charged_while_it_is_open(kafka: RealKafka) -> None:
    topic = await kafka.topics.create()
    charged: list[int] = []
    reader = Reader(settings(kafka), TP(topic, 0), max_bytes=100_000, charge=charged.append)
    assert await reader.open(0) is None
    assert charged == [200_000]
    await reader.close()
    await reader.close()
    assert charged == [200_000, -200_000]


def test_fetches_of_all_readers_together_stay_a_small_part_of_the_budget() -> None:
    assert fetch_bytes(256 * 1024 * 1024, 2) == 1024 * 1024
    assert fetch_bytes(64 * 1024 * 1024, 24) * 24 <= 4 * 1024 * 1024
    assert fetch_bytes(1024, 24) == 64 * 1024
