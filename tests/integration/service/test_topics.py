"""Topics that grow, appear, are deleted or made anew: nothing is lost, nothing is silent, and all others go on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from forwarder.cli.behaviour import Ok, Status
from forwarder.cli.receiver import Receiver
from forwarder.kafka.topics import checkpoint_topic
from tests.integration.service.scenario import config_for, event, forwarder, until_received
from tests.support.forwarder import ForwarderProcess
from tests.support.kafka import RealKafka

pytestmark = pytest.mark.timeout(300)  # waits for sessions and metadata to expire, on any machine


def hook(receiver: Receiver, **more: Any) -> dict[str, Any]:
    return {"name": "siem", "url": receiver.url, "throttle": "50ms", "discardAfter": "never", **more}


async def produce(kafka: RealKafka, topic: str, numbers: range, partition: int = 0) -> None:
    await kafka.topics.produce(topic, [event(n, partition, t=topic) for n in numbers], partition=partition)


async def logged(worker: ForwarderProcess, text: str, timeout: float = 40.0) -> None:
    async with asyncio.timeout(timeout):
        while not worker.logged(text):
            await asyncio.sleep(0.1)


async def until_committed(kafka: RealKafka, topic: str, position: int) -> None:
    """The group (of the topic's name) has noted that it read so far: before that, nothing tells a topic made anew from the old."""
    async with asyncio.timeout(30.0):
        while (await kafka.topics.group_offsets(topic)).get((topic, 0)) != position:
            await asyncio.sleep(0.2)


async def said_in_readyz(worker: ForwarderProcess, text: str, timeout: float = 20.0) -> str:
    body = ""
    async with asyncio.timeout(timeout):
        while text not in body:
            await asyncio.sleep(0.1)
            body = worker.get("/readyz")[1]
    return body


async def test_a_topic_that_was_waited_for_is_read_from_its_first_record(kafka: RealKafka, tmp_path: Path) -> None:
    topic = kafka.topics.unique()
    async with Receiver() as receiver:
        config = config_for(tmp_path, kafka, topic, [{"topic": topic, "startAt": "now"}], [hook(receiver)])
        async with forwarder(config, ready=False) as worker:
            await logged(worker, f"topic {topic} does not exist")
            await kafka.topics.create(topic)
            await produce(kafka, topic, range(100))
            assert (await until_received(receiver, range(100))).clean


async def test_a_topic_added_by_a_rolling_restart_and_partitions_added_in_between_are_read_completely(
    kafka: RealKafka, tmp_path: Path
) -> None:
    old, new = await kafka.topics.create(partitions=2), await kafka.topics.create(partitions=3)
    async with Receiver() as receiver:
        first = {"topic": old, "startAt": "now"}
        before = config_for(tmp_path / "before", kafka, old, [first], [hook(receiver)])
        after = config_for(tmp_path / "after", kafka, old, [first, {"topic": new, "startAt": "now"}], [hook(receiver)])
        async with forwarder(before, "old") as leaving:
            await produce(kafka, old, range(50))
            async with forwarder(after, "new") as worker:
                await asyncio.to_thread(worker.wait_metric, "forwarder_assigned_partitions", lambda n: n > 3)
                assert await asyncio.to_thread(leaving.terminate) == 0
                await asyncio.to_thread(worker.wait_metric, "forwarder_assigned_partitions", lambda n: n == 5)
                await produce(kafka, new, range(1000, 1050), 2)
                assert (await until_received(receiver, [*range(50), *range(1000, 1050)])).clean
        # nobody runs: what is written to a partition that is added now was written since we began
        await kafka.topics.grow(old, 4)
        await produce(kafka, old, range(50, 100), 3)
        async with forwarder(after, "again"):
            assert (await until_received(receiver, [*range(100), *range(1000, 1050)])).clean


@pytest.mark.parametrize("count", [300, 1500], ids=["shorter than before", "longer than before"])
async def test_a_topic_made_anew_while_nobody_reads_is_halted_until_the_operator_acts(
    kafka: RealKafka, tmp_path: Path, count: int
) -> None:
    topic, other = await kafka.topics.create(), await kafka.topics.create()
    async with Receiver() as receiver:
        # startAt says now: the operator's way out must not lose what the new topic holds already
        config = config_for(tmp_path, kafka, topic, [topic, other], [hook(receiver)])
        async with forwarder(config, "before"):
            await produce(kafka, topic, range(1000))
            assert (await until_received(receiver, range(1000))).clean
        await kafka.topics.delete(topic)
        await kafka.topics.create(topic)
        await produce(kafka, topic, range(10_000, 10_000 + count))
        async with forwarder(config, "halted", ready=False) as worker:
            body = await said_in_readyz(worker, f"{topic}/0")
            assert checkpoint_topic(topic, topic) in body and "stop all workers" in body
            await produce(kafka, other, range(50_000, 50_100))
            assert (await until_received(receiver, [*range(1000), *range(50_000, 50_100)])).clean
        await kafka.topics.delete(checkpoint_topic(topic, topic))
        async with forwarder(config, "after"):
            wanted = [*range(1000), *range(50_000, 50_100), *range(10_000, 10_000 + count)]
            assert (await until_received(receiver, wanted)).clean


async def test_a_topic_made_anew_while_it_is_read_is_halted_and_the_others_go_on(
    kafka: RealKafka, tmp_path: Path
) -> None:
    topic, other = await kafka.topics.create(), await kafka.topics.create()
    async with Receiver() as receiver:
        config = config_for(tmp_path, kafka, topic, [topic, other], [hook(receiver)])
        async with forwarder(config) as worker:
            await produce(kafka, topic, range(100))
            assert (await until_received(receiver, range(100))).clean
            await until_committed(kafka, topic, 100)
            await kafka.topics.delete(topic)
            await produce(kafka, other, range(50_000, 50_100))
            assert (await until_received(receiver, [*range(100), *range(50_000, 50_100)])).clean
            await kafka.topics.create(topic)
            await produce(kafka, topic, range(10_000, 10_400))
            await said_in_readyz(worker, f"{topic}/0", 60.0)
            await produce(kafka, other, range(50_100, 50_200))
            assert (await until_received(receiver, [*range(100), *range(50_000, 50_200)])).clean
        await kafka.topics.delete(checkpoint_topic(topic, topic))
        async with forwarder(config, "after"):
            wanted = [*range(100), *range(50_000, 50_200), *range(10_000, 10_400)]
            assert (await until_received(receiver, wanted)).clean


async def test_a_checkpoint_topic_deleted_while_it_is_used_is_made_again_and_nothing_is_repeated(
    kafka: RealKafka, tmp_path: Path
) -> None:
    topic = await kafka.topics.create(partitions=2)
    checkpoints = checkpoint_topic(topic, topic)
    async with Receiver() as receiver:
        config = config_for(tmp_path, kafka, topic, [topic], [hook(receiver)])
        async with forwarder(config, "before") as worker:
            await produce(kafka, topic, range(100))
            assert (await until_received(receiver, range(100))).clean
            await kafka.topics.delete(checkpoints)
            await produce(kafka, topic, range(100, 200))
            async with asyncio.timeout(40.0):
                while checkpoints not in await kafka.topics.names():
                    await asyncio.sleep(0.2)
            assert worker.logged(f"checkpoint topic {checkpoints} was missing")
            await produce(kafka, topic, range(200, 300))
            assert (await until_received(receiver, range(300))).clean
        await produce(kafka, topic, range(300, 400))
        async with forwarder(config, "after") as worker:
            assert (await until_received(receiver, range(400))).clean
            assert not worker.logged("checkpoint lost")


async def test_all_workers_killed_after_the_checkpoint_topic_was_deleted_lose_nothing_and_say_so(
    kafka: RealKafka, tmp_path: Path
) -> None:
    topic = await kafka.topics.create(partitions=2)
    async with Receiver() as fine, Receiver(behaviour=Status(503)) as down:
        hooks = [hook(fine), hook(down, name="down", retry={"base": "100ms", "cap": "500ms"})]
        config = config_for(tmp_path, kafka, topic, [topic], hooks)
        async with forwarder(config, "before") as worker:
            await produce(kafka, topic, range(100))
            assert (await until_received(fine, range(100))).clean
            await asyncio.sleep(2.5)  # two checkpoints
            await kafka.topics.delete(checkpoint_topic(topic, topic))
            await asyncio.to_thread(worker.kill)
        await produce(kafka, topic, range(100, 200))
        await down.behave(Ok())
        async with forwarder(config, "after") as worker:
            for receiver in (fine, down):
                findings = await until_received(receiver, range(200))
                assert not findings.lost and not findings.disordered, findings
            assert worker.logged("checkpoint lost")
