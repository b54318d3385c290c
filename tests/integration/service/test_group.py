"""Several topics with different partition counts, several workers: planned moves repeat nothing, a kill loses nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path

from forwarder.cli.receiver import Receiver
from tests.integration.service.scenario import Stream, config_for, event, forwarder, until_received
from tests.support.kafka import RealKafka

COUNTS = (3, 4, 12)


async def test_workers_join_and_leave_without_loss_or_repeat(kafka: RealKafka, tmp_path: Path) -> None:
    topics = [await kafka.topics.create(partitions=count) for count in COUNTS]
    async with Receiver() as receiver:
        hook = {"name": "siem", "url": receiver.url, "throttle": "50ms", "maxEvents": 200, "discardAfter": "never"}
        sources = [{"topic": topic, "startAt": "earliest"} for topic in topics]
        configs = [config_for(tmp_path / str(i), kafka, topics[0], sources, [hook]) for i in range(2)]
        numbers: list[int] = []
        async with forwarder(configs[0], "first") as first:
            streams = [Stream(kafka, topics[i], COUNTS[i], 200, first=i * 1_000_000) for i in range(3)]
            for stream in streams:
                await stream.__aenter__()
            await asyncio.sleep(2.0)
            async with forwarder(configs[1], "second") as second:
                await asyncio.sleep(3.0)
                owned = [w.metric("forwarder_assigned_partitions") for w in (first, second)]
                assert sum(owned) == sum(COUNTS) and min(owned) > 0
                assert await asyncio.to_thread(second.terminate) == 0
            await asyncio.to_thread(first.wait_ready)
            await asyncio.sleep(1.0)
            for stream in streams:
                numbers += await stream.stop()
            findings = await until_received(receiver, numbers)
            assert findings.clean, findings
            assert first.metric("forwarder_assigned_partitions") == sum(COUNTS)


async def test_the_other_worker_takes_over_from_one_that_is_killed(kafka: RealKafka, tmp_path: Path) -> None:
    topic = await kafka.topics.create(partitions=4)
    async with Receiver() as receiver:
        hook = {"name": "siem", "url": receiver.url, "throttle": "50ms", "maxEvents": 200, "discardAfter": "never"}
        sources = [{"topic": topic, "startAt": "earliest"}]
        configs = [config_for(tmp_path / str(i), kafka, topic, sources, [hook]) for i in range(2)]
        async with forwarder(configs[0], "first") as first, forwarder(configs[1], "second") as second:
            async with Stream(kafka, topic, 4, 400) as stream:
                await asyncio.sleep(2.0)
                await asyncio.to_thread(second.kill)
                await asyncio.sleep(10.0)
                numbers = await stream.stop()
            findings = await until_received(receiver, numbers)
            assert not findings.lost and not findings.disordered, findings
            assert findings.repeated <= 400 * 4, "at most what was delivered since the last checkpoint"
            assert first.metric("forwarder_assigned_partitions") == 4


async def test_partitions_added_while_it_runs_are_read_from_their_first_record(
    kafka: RealKafka, tmp_path: Path
) -> None:
    topic = await kafka.topics.create(partitions=1)
    async with Receiver() as receiver:
        hook = {"name": "siem", "url": receiver.url, "throttle": "50ms", "discardAfter": "never"}
        config = config_for(tmp_path, kafka, topic, [{"topic": topic, "startAt": "now"}], [hook])
        async with forwarder(config) as worker:
            numbers = await fill(kafka, topic, 1, 0)
            await kafka.topics.grow(topic, 3)
            numbers += await fill(kafka, topic, 3, 300)
            findings = await until_received(receiver, numbers)
            assert findings.clean, findings
            assert worker.metric("forwarder_assigned_partitions", topic=topic) == 3


async def fill(kafka: RealKafka, topic: str, partitions: int, first: int) -> list[int]:
    """A hundred events in each partition; their numbers."""
    numbers = list(range(first, first + 100 * partitions))
    for partition in range(partitions):
        values = [event(n, partition, t=topic) for n in numbers[partition::partitions]]
        await kafka.topics.produce_bulk(topic, partition, values)
    return numbers
