"""Planned moves repeat nothing, a killed worker is replaced soon, a woken one delivers nothing that others have taken over."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from forwarder.cli.behaviour import Slow
from forwarder.cli.receiver import Receiver
from tests.integration.service.scenario import Stream, accepted, config_for, data_of, forwarder, until_received
from tests.support.forwarder import ForwarderProcess, write_config
from tests.support.kafka import RealKafka

pytestmark = pytest.mark.timeout(300)  # waits for sessions and metadata to expire, on any machine


def hook(receiver: Receiver, **more: Any) -> dict[str, Any]:
    return {"name": "siem", "url": receiver.url, "throttle": "50ms", "discardAfter": "never", **more}


async def owning(worker: ForwarderProcess, wanted: int) -> None:
    await asyncio.to_thread(worker.wait_metric, "forwarder_assigned_partitions", lambda n: n == wanted)


async def test_a_worker_that_was_stopped_delivers_nothing_it_held_once_others_have_taken_over(
    kafka: RealKafka, tmp_path: Path
) -> None:
    topic = await kafka.topics.create(partitions=2)
    async with Receiver() as mine, Receiver() as theirs:
        sources = [{"topic": topic, "startAt": "earliest"}]
        # a batch each second: in between the lane holds events, and a stop meets no request under way
        configs = [
            config_for(tmp_path / str(i), kafka, topic, sources, [hook(receiver, throttle="1s")])
            for i, receiver in enumerate((mine, theirs))
        ]
        async with forwarder(configs[0], "sleeper") as sleeper, forwarder(configs[1], "other") as other:
            await owning(other, 1)
            async with Stream(kafka, topic, 2, 100) as stream:
                await asyncio.sleep(2.0)
                before = len(mine.arrivals)
                while len(mine.arrivals) == before:
                    await asyncio.sleep(0.01)
                await asyncio.sleep(0.4)
                await asyncio.to_thread(sleeper.pause)
                await owning(other, 2)
                await asyncio.sleep(2.0)
                taken, woke = {data["n"] for data in accepted(theirs)}, len(mine.arrivals)
                await asyncio.to_thread(sleeper.resume)
                await asyncio.sleep(4.0)
                numbers = await stream.stop()
            late = [data["n"] for arrival in list(mine.arrivals)[woke:] for data in data_of(arrival)]
            assert not taken & set(late)
            assert sleeper.logged("process slept")
            await all_received(numbers, mine, theirs)


async def test_a_rolling_update_with_surge_and_scaling_repeat_nothing_and_keep_the_order(
    kafka: RealKafka, tmp_path: Path
) -> None:
    topic = await kafka.topics.create(partitions=6)
    async with Receiver(behaviour=Slow(0.3)) as receiver:
        sources = [{"topic": topic, "startAt": "earliest"}]
        config = config_for(tmp_path, kafka, topic, sources, [hook(receiver, maxEvents=50)])
        async with Stream(kafka, topic, 6, 300) as stream, forwarder(config, "w0"):
            async with forwarder(config, "w1") as old:
                await owning(old, 3)
                # surge: the new one joins while the old one drains
                new = ForwarderProcess(config, name="w2")
                await asyncio.to_thread(new.start)
                await asyncio.to_thread(
                    new.process.wait_until, "joining", lambda: "MendedThread" in new.process.output(), 40.0
                )
                assert await asyncio.to_thread(old.terminate) == 0
            await asyncio.to_thread(new.wait_ready)
            async with forwarder(config, "w3") as third:
                await owning(third, 2)
                assert await asyncio.to_thread(new.terminate) == 0
                await owning(third, 3)
                assert await asyncio.to_thread(third.terminate) == 0
            numbers = await stream.stop()
            findings = await until_received(receiver, numbers)
        assert findings.clean, findings


async def test_of_two_live_workers_with_one_instance_id_one_ends_with_the_reason_and_the_other_goes_on(
    kafka: RealKafka, tmp_path: Path
) -> None:
    topic = await kafka.topics.create(partitions=2)
    async with Receiver() as receiver:
        sources = [{"topic": topic, "startAt": "earliest"}]
        named = {"brokers": kafka.bootstrap, "group": topic, "sessionTimeout": "6s", "instanceId": "worker-0"}
        config = write_config(
            tmp_path, brokers=kafka.bootstrap, sources=sources, webhooks=[hook(receiver)], kafka=named
        )
        async with forwarder(config, "first") as first, forwarder(config, "twin", ready=False) as twin:
            async with Stream(kafka, topic, 2, 100) as stream:
                async with asyncio.timeout(60.0):
                    while first.process.alive and twin.process.alive:
                        await asyncio.sleep(0.1)
                await asyncio.sleep(2.0)
                numbers = await stream.stop()
            ended, left = (first, twin) if twin.process.alive else (twin, first)
            assert ended.process.exit_code == 1
            assert ended.logged("kafka.instanceId")
            assert left.process.alive
            findings = await until_received(receiver, numbers)
            assert not findings.lost, findings


async def test_few_partitions_move_when_workers_come_and_go(kafka: RealKafka, tmp_path: Path) -> None:
    topics = [await kafka.topics.create(partitions=12), await kafka.topics.create(partitions=3)]
    async with Receiver() as receiver:
        sources = [{"topic": topic, "startAt": "earliest"} for topic in topics]
        config = config_for(tmp_path, kafka, topics[0], sources, [hook(receiver)])
        async with forwarder(config, "a") as a, forwarder(config, "b") as b:
            await settled(15, a, b)
            async with forwarder(config, "c") as c:
                await settled(15, a, b, c)
                before = {worker: owned(worker) for worker in (a, b)}
                await asyncio.to_thread(c.terminate)
            await settled(15, a, b)
            for worker in (a, b):
                assert before[worker] <= owned(worker), "who stays keeps what it has"
                assert not worker.logged("checkpoint lost")


def owned(worker: ForwarderProcess) -> set[str]:
    """What the group gave it last."""
    found = worker.logged("PartitionsAssigned")
    return set(found[-1]["owned"]) if found else set()


async def settled(total: int, *workers: ForwarderProcess) -> None:
    """Until these workers own all partitions, none of them two workers."""
    async with asyncio.timeout(40.0):
        while True:
            sets = [owned(worker) for worker in workers]
            if sum(map(len, sets)) == total == len(set().union(*sets)) and all(sets):
                return
            await asyncio.sleep(0.2)


async def all_received(numbers: list[int], *receivers: Receiver, timeout: float = 40.0) -> None:
    """Nothing is missing when what the receivers got is put together."""
    deadline = time.monotonic() + timeout
    missing = set(numbers)
    while missing and time.monotonic() < deadline:
        await asyncio.sleep(0.2)
        missing = set(numbers) - {data["n"] for receiver in receivers for data in accepted(receiver)}
    assert not missing, sorted(missing)[:10]
