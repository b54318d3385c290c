"""Before Faust starts: what is missing is made or named, and waiting ends when it can or must."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka import TopicPartition

from forwarder.errors import StartupError
from forwarder.kafka import preflight as module
from forwarder.kafka import topics
from forwarder.kafka.preflight import Preflight, preflight, wait_ready
from forwarder.kafka.topics import ResolvedSource
from forwarder.settings.process import Settings
from tests.support.kafka import RealKafka


def settings(kafka: RealKafka, *sources: str, group: str = "", brokers: str = "", **more: object) -> Settings:
    return Settings.model_validate(
        {
            "kafka": {"brokers": brokers or kafka.bootstrap, "group": group or kafka.topics.unique("g"), **more},
            "sources": [{"topic": source} for source in sources],
        }
    )


async def partitions(kafka: RealKafka, topic: str) -> int:
    async with kafka.topics.admin() as admin:
        return len((await admin.describe_topics([topic]))[0]["partitions"])


async def test_topics_of_ours_are_made_beside_their_source(kafka: RealKafka) -> None:
    one, two = await kafka.topics.create(partitions=3), await kafka.topics.create(partitions=1)
    wanted = settings(kafka, one, two)
    assert await preflight(wanted) == Preflight((ResolvedSource(one, 3), ResolvedSource(two, 1)), ())
    for source, count in ((one, 3), (two, 1)):
        name = topics.checkpoint_topic(wanted.kafka.group, source)
        assert await partitions(kafka, name) == count
        assert topics.CHECKPOINT_CONFIG.items() <= (await kafka.topics.config(name)).items()
        assert await partitions(kafka, f"{source}.dead-letters") == count
        assert topics.DEAD_LETTER_CONFIG.items() <= (await kafka.topics.config(f"{source}.dead-letters")).items()
    assert await preflight(wanted) == Preflight((ResolvedSource(one, 3), ResolvedSource(two, 1)), ())


async def test_a_checkpoint_topic_grows_with_its_source(kafka: RealKafka) -> None:
    source = await kafka.topics.create(partitions=2)
    wanted = settings(kafka, source)
    await preflight(wanted)
    await kafka.topics.grow(source, 5)
    assert (await preflight(wanted)).sources == (ResolvedSource(source, 5, appeared=frozenset({2, 3, 4})),)
    assert await partitions(kafka, topics.checkpoint_topic(wanted.kafka.group, source)) == 5


async def test_partitions_that_were_added_after_the_group_had_begun_are_told_apart(kafka: RealKafka) -> None:
    source, other = await kafka.topics.create(partitions=2), await kafka.topics.create(partitions=1)
    wanted = settings(kafka, source, other)
    assert [found.appeared for found in (await preflight(wanted)).sources] == [frozenset(), frozenset()]
    async with kafka.topics.consumer(committed=True, group_id=wanted.kafka.group) as consumer:
        consumer.assign([TopicPartition(source, 0), TopicPartition(source, 1)])
        await consumer.commit({TopicPartition(source, 0): 0, TopicPartition(source, 1): 7})
    await kafka.topics.grow(source, 4)
    assert [found.appeared for found in (await preflight(wanted)).sources] == [frozenset({2, 3}), frozenset()]


async def test_settings_of_a_checkpoint_topic_are_mended_and_its_other_ones_kept(kafka: RealKafka) -> None:
    source = await kafka.topics.create()
    wanted = settings(kafka, source)
    name = topics.checkpoint_topic(wanted.kafka.group, source)
    await kafka.topics.create(name, 1, {"cleanup.policy": "delete", "min.insync.replicas": "1", "flush.ms": "12345"})
    await preflight(wanted)
    config = await kafka.topics.config(name)
    assert topics.CHECKPOINT_CONFIG.items() <= config.items()
    assert config["flush.ms"] == "12345"


async def test_a_checkpoint_topic_with_more_partitions_than_its_source_is_refused(kafka: RealKafka) -> None:
    source = await kafka.topics.create(partitions=1)
    wanted = settings(kafka, source)
    await kafka.topics.create(topics.checkpoint_topic(wanted.kafka.group, source), 2)
    with pytest.raises(StartupError, match="stop all workers of the group, delete") as refused:
        await preflight(wanted)
    assert not refused.value.retryable


async def test_a_missing_source_is_named_and_not_made(kafka: RealKafka) -> None:
    name = kafka.topics.unique("missing")
    with pytest.raises(StartupError, match=f"topic {name} does not exist") as missing:
        await preflight(settings(kafka, name))
    assert missing.value.retryable
    assert name not in await kafka.topics.names()


async def test_one_broker_that_works_is_enough(kafka: RealKafka) -> None:
    source = await kafka.topics.create()
    found = await preflight(settings(kafka, source, brokers=f"127.0.0.1:1,{kafka.bootstrap}"))
    assert found.sources == (ResolvedSource(source, 1),)


async def test_too_many_replicas_name_the_setting(kafka: RealKafka) -> None:
    source = await kafka.topics.create()
    with pytest.raises(StartupError, match=r"kafka\.replicationFactor"):
        await preflight(settings(kafka, source, replication_factor=3))


async def test_a_name_that_gets_too_long_is_refused(kafka: RealKafka) -> None:
    source = await kafka.topics.create("s" * 100)
    with pytest.raises(StartupError, match=r"shorten kafka\.group"):
        await preflight(settings(kafka, source, group="g" * 150))


async def test_waiting_ends_when_the_source_appears(kafka: RealKafka, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE_SECONDS", 0.05)
    name, said = kafka.topics.unique("late"), asyncio.Queue[str]()
    waiting = asyncio.ensure_future(wait_ready(settings(kafka, name), said.put_nowait, asyncio.Event()))
    assert f"topic {name} does not exist" in await said.get()
    await kafka.topics.create(name)
    found = await waiting
    assert found is not None
    assert found.sources == (ResolvedSource(name, 1, appeared=frozenset({0})),), "all of it is new"


async def test_waiting_ends_when_a_stop_is_asked_for(kafka: RealKafka) -> None:
    stop, said = asyncio.Event(), asyncio.Queue[str]()
    waiting = asyncio.ensure_future(wait_ready(settings(kafka, "x", brokers="127.0.0.1:1"), said.put_nowait, stop))
    assert "nothing listens on 127.0.0.1:1" in await said.get()
    stop.set()
    assert await waiting is None


async def test_waiting_does_not_begin_where_it_cannot_help(kafka: RealKafka) -> None:
    with pytest.raises(StartupError, match="is not host:port"):
        await wait_ready(settings(kafka, "x", brokers="k:0"), print, asyncio.Event())
