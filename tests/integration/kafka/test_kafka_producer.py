"""Topics that refuse dead letters: too large, missing, deleted and made again, silent. Each hinders nobody else, and heals."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest

from forwarder.kafka.producer import Produced, ProduceFailed, RecordProducer
from forwarder.kafka.topics import admin_client, alter_config
from forwarder.settings.kafka import Kafka
from tests.support.kafka import RealKafka

ANSWER_SECONDS = 1.5


@pytest.fixture
async def producer(kafka: RealKafka) -> AsyncIterator[RecordProducer]:
    made = RecordProducer(Kafka(brokers=(kafka.bootstrap,)), answer_seconds=ANSWER_SECONDS)
    yield made
    async with asyncio.timeout(10.0):
        await made.close()


async def set_up(kafka: RealKafka, topic: str, config: Mapping[str, str]) -> None:
    async with admin_client(Kafka(brokers=(kafka.bootstrap,))) as admin:
        await alter_config(admin, topic, config)


async def write(producer: RecordProducer, topic: str, value: bytes) -> Produced | ProduceFailed:
    return await producer.produce(topic, b"k", value, (("h", b"1"),))


async def until_written(producer: RecordProducer, topic: str, value: bytes) -> Produced:
    async with asyncio.timeout(30.0):
        while not isinstance(answer := await write(producer, topic, value), Produced):
            await asyncio.sleep(0.2)
        return answer


async def test_a_record_that_is_too_large_is_named_with_the_way_out_and_the_next_ones_are_written(
    kafka: RealKafka, producer: RecordProducer
) -> None:
    """A broker takes nothing more from an idempotent producer after a record that it has refused."""
    topic = await kafka.topics.create(configs={"max.message.bytes": "20000"})
    for number in range(3):
        refused = await write(producer, topic, os.urandom(30_000))
        assert isinstance(refused, ProduceFailed)
        assert f"MESSAGE_TOO_LARGE; raise max.message.bytes of topic {topic}" in refused.text or (
            "MessageSizeTooLarge" in refused.text and f"raise max.message.bytes of topic {topic}" in refused.text
        )
        assert isinstance(await write(producer, topic, b"%d" % number), Produced)
    assert [record.value for record in await kafka.topics.read_all(topic)] == [b"0", b"1", b"2"]
    await set_up(kafka, topic, {"max.message.bytes": "60000"})
    assert isinstance(await write(producer, topic, os.urandom(30_000)), Produced)


async def test_whether_a_record_is_too_large_is_for_the_topic_to_say(
    kafka: RealKafka, producer: RecordProducer
) -> None:
    topic = await kafka.topics.create(configs={"max.message.bytes": str(16 * 1024 * 1024)})
    assert isinstance(await until_written(producer, topic, os.urandom(10 * 1024 * 1024)), Produced)


async def test_a_topic_that_is_deleted_and_made_again_takes_records_again(
    kafka: RealKafka, producer: RecordProducer
) -> None:
    topic, other = await kafka.topics.create(), await kafka.topics.create()
    for value in (b"1", b"2"):
        assert isinstance(await write(producer, topic, value), Produced)
    await kafka.topics.delete(topic)
    for _ in range(2):
        gone, well = await asyncio.gather(write(producer, topic, b"3"), write(producer, other, b"x"))
        assert isinstance(gone, ProduceFailed) and topic in gone.text
        assert isinstance(well, Produced)
    await kafka.topics.create(topic)
    await until_written(producer, topic, b"3")
    assert {record.value for record in await kafka.topics.read_all(topic)} == {b"3"}


async def test_a_missing_topic_is_named_with_the_way_out(kafka: RealKafka, producer: RecordProducer) -> None:
    topic = kafka.topics.unique("missing")
    answer = await write(producer, topic, b"v")
    assert isinstance(answer, ProduceFailed)
    assert f"topic {topic}" in answer.text


@asynccontextmanager
async def paused(kafka: RealKafka) -> AsyncIterator[None]:
    """The broker holds its connections and answers nothing."""
    kafka.pause()
    try:
        yield
    finally:
        kafka.resume()
        await asyncio.to_thread(kafka.wait_ready)


async def test_what_nobody_waits_for_any_more_is_not_kept_and_not_written_later(
    kafka: RealKafka, producer: RecordProducer
) -> None:
    """The library would retry each try for ever: all of them would be written once the broker is well."""
    topic = await kafka.topics.create()
    assert isinstance(await write(producer, topic, b"before"), Produced)
    async with paused(kafka):
        for _ in range(5):
            assert isinstance(await write(producer, topic, b"v"), ProduceFailed)
    await until_written(producer, topic, b"v")
    await asyncio.sleep(0.5)
    assert len(await kafka.topics.read_all(topic)) <= 3, "what was on the wire may be written, nothing else"


async def test_closing_does_not_wait_for_a_broker_that_is_silent(kafka: RealKafka, producer: RecordProducer) -> None:
    topic = await kafka.topics.create()
    assert isinstance(await write(producer, topic, b"before"), Produced)
    async with paused(kafka):
        writing = asyncio.create_task(write(producer, topic, b"v"))
        await asyncio.sleep(0.2)
        async with asyncio.timeout(25.0):
            await producer.close()
        assert isinstance(await writing, ProduceFailed)


async def test_a_compacted_topic_is_named_as_what_it_is(kafka: RealKafka, producer: RecordProducer) -> None:
    topic = await kafka.topics.create(configs={"cleanup.policy": "compact"})
    answer = await producer.produce(topic, None, b"v", ())
    assert isinstance(answer, ProduceFailed)
    assert "must not be compacted" in answer.text
    assert isinstance(await write(producer, topic, b"v"), Produced)
