"""The service is stopped, killed and started again under load: nothing is lost, and duplicates stay within their bound."""

from __future__ import annotations

import asyncio
from pathlib import Path

from forwarder.cli.behaviour import Dead, Ok, Status
from forwarder.cli.receiver import Receiver
from tests.integration.service.scenario import Stream, config_for, forwarder, judge, until_received
from tests.support.forwarder import ForwarderProcess
from tests.support.kafka import RealKafka

RATE = 500


async def test_a_stop_and_a_start_repeat_nothing_and_lose_nothing(kafka: RealKafka, tmp_path: Path) -> None:
    topic = await kafka.topics.create(partitions=4)
    async with Receiver() as receiver:
        hook = {"name": "siem", "url": receiver.url, "throttle": "50ms", "maxEvents": 100}
        config = config_for(tmp_path, kafka, topic, [{"topic": topic, "startAt": "earliest"}], [hook])
        async with Stream(kafka, topic, 4, RATE) as stream:
            for round_ in range(3):
                async with forwarder(config, f"round{round_}") as worker:
                    await asyncio.sleep(2.0)
                    assert await asyncio.to_thread(worker.terminate) == 0
            numbers = await stream.stop()
        async with forwarder(config, "last"):
            findings = await until_received(receiver, numbers)
        assert findings.clean, findings


async def test_kills_under_load_lose_nothing_and_repeat_at_most_a_checkpoint_interval(
    kafka: RealKafka, tmp_path: Path
) -> None:
    topic = await kafka.topics.create(partitions=4)
    kills = 3
    async with Receiver() as receiver:
        hook = {"name": "siem", "url": receiver.url, "throttle": "50ms", "maxEvents": 100, "discardAfter": "never"}
        config = config_for(tmp_path, kafka, topic, [{"topic": topic, "startAt": "earliest"}], [hook])
        worker = ForwarderProcess(config)
        async with Stream(kafka, topic, 4, RATE) as stream:
            for _ in range(kills):
                await asyncio.to_thread(worker.start)
                await asyncio.to_thread(worker.wait_ready)
                await asyncio.sleep(2.5)
                await asyncio.to_thread(worker.kill)
            numbers = await stream.stop()
        async with forwarder(config, "last"):
            findings = await until_received(receiver, numbers)
        assert not findings.lost and not findings.disordered and not findings.strangers, findings
        # Between two checkpoints (1 s, and what a write takes) a kill may undo what was delivered at full speed: the backlog of
        # the outage before it and the live rate.
        assert findings.repeated <= kills * RATE * 12, findings


async def test_a_batch_that_was_under_way_keeps_its_id_and_bytes_across_a_restart(
    kafka: RealKafka, tmp_path: Path
) -> None:
    topic = await kafka.topics.create(partitions=2)
    async with Receiver(behaviour=Status(503)) as receiver:
        hook = {
            "name": "siem",
            "url": receiver.url,
            "discardAfter": "never",
            "retry": {"base": "200ms", "cap": "500ms"},
        }
        config = config_for(tmp_path, kafka, topic, [{"topic": topic, "startAt": "earliest"}], [hook])
        async with forwarder(config, "first"):
            async with Stream(kafka, topic, 2, 100) as stream:
                await asyncio.sleep(0.1)
                numbers = await stream.stop()
            while len(receiver.arrivals) < 2:
                await asyncio.sleep(0.05)
        before = {(a.headers["forwarder-batch-id"], a.body) for a in receiver.arrivals}
        count = len(receiver.arrivals)
        async with forwarder(config, "second"):
            while len(receiver.arrivals) < count + 1:
                await asyncio.sleep(0.05)
            again = receiver.arrivals[count]
            assert (again.headers["forwarder-batch-id"], again.body) in before
            assert int(again.headers["forwarder-attempt"]) > 1
            await receiver.behave(Ok())
            findings = await until_received(receiver, numbers)
        assert findings.clean, findings


async def test_an_endpoint_down_for_longer_than_memory_holds_gets_everything_in_order(
    kafka: RealKafka, tmp_path: Path
) -> None:
    topic = await kafka.topics.create(partitions=3)
    async with Receiver() as healthy, Receiver(behaviour=Dead()) as down:
        common = {
            "throttle": "50ms",
            "maxEvents": 100,
            "discardAfter": "never",
            "retry": {"base": "100ms", "cap": "1s"},
        }
        hooks = [{"name": "healthy", "url": healthy.url, **common}, {"name": "down", "url": down.url, **common}]
        config = config_for(tmp_path, kafka, topic, [{"topic": topic, "startAt": "earliest"}], hooks)
        async with forwarder(config) as worker:
            async with Stream(kafka, topic, 3, 1500) as stream:
                await asyncio.sleep(5.0)
                numbers = await stream.stop()
            assert (await until_received(healthy, numbers)).clean
            assert len(numbers) > 1000 + 2000, "more than a lane holds"
            assert worker.metric("forwarder_lane_behind_partitions", webhook="down") == 3
            await down.behave(Ok())
            findings = await until_received(down, numbers)
            assert findings.clean, findings
            await asyncio.to_thread(
                worker.wait_metric, "forwarder_lane_behind_partitions", lambda n: n == 0, 20.0, webhook="down"
            )
            assert worker.metric("forwarder_books_imbalance") == 0
        assert judge(healthy, numbers).clean
