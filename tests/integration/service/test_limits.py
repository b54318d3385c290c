"""Limits of real workers on a real Kafka: divided in a group, whole again afterwards, and no trouble for anybody else."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from forwarder.cli.behaviour import Hang
from forwarder.cli.receiver import Receiver
from tests.integration.service.scenario import Stream, accepted, config_for, forwarder, until_received
from tests.support.forwarder import ForwarderProcess
from tests.support.kafka import RealKafka

RATE = 10
SECONDS = 5.0


async def rate_of(receiver: Receiver) -> float:
    """Requests per second, over some seconds."""
    before = receiver.tally.requests
    started = time.monotonic()
    await asyncio.sleep(SECONDS)
    return (receiver.tally.requests - before) / (time.monotonic() - started)


async def members(worker: ForwarderProcess, count: int) -> None:
    """Until the worker knows how many share the limits."""
    await asyncio.to_thread(worker.wait_metric, "forwarder_group_members", lambda value: value == count)


async def test_two_workers_keep_within_one_limit_and_the_last_one_gets_it_whole(
    kafka: RealKafka, tmp_path: Path
) -> None:
    topic = await kafka.topics.create(partitions=4)
    async with Receiver() as receiver:
        limit = {"perSecond": RATE, "burst": 0}
        hook = {"name": "siem", "url": receiver.url, "throttle": 0, "maxEvents": 1, "rateLimit": limit}
        configs = [config_for(tmp_path / str(i), kafka, topic, [topic], [hook]) for i in range(2)]
        async with forwarder(configs[0], "first") as first:
            async with forwarder(configs[1], "second") as second, Stream(kafka, topic, 4, 200):
                for worker in (first, second):
                    await members(worker, 2)
                await asyncio.sleep(1.0)
                shared = await rate_of(receiver)
                each = [worker.metric("forwarder_batches_delivered_total") for worker in (first, second)]
                assert await asyncio.to_thread(second.terminate) == 0
            await asyncio.to_thread(first.wait_ready)
            await members(first, 1)
            alone = await rate_of(receiver)
            assert first.metric("forwarder_limit_waiting", limit="rate") == 1
    assert min(each) > 0
    assert shared <= RATE * (SECONDS + 2) / SECONDS
    assert RATE * 0.6 < alone <= RATE * (SECONDS + 2) / SECONDS


async def test_fail_gives_up_what_is_too_much_and_says_so(kafka: RealKafka, tmp_path: Path) -> None:
    topic = await kafka.topics.create(partitions=1)
    async with Receiver() as receiver:
        limit = {"perSecond": 2, "burst": 5, "onLimit": "fail"}
        hook = {"name": "siem", "url": receiver.url, "throttle": 0, "maxEvents": 1, "rateLimit": limit}
        async with forwarder(config_for(tmp_path, kafka, topic, [topic], [hook])) as worker:
            async with Stream(kafka, topic, 1, 50) as stream:
                await asyncio.sleep(3.0)
                produced = len(await stream.stop())
            discarded, reason = "forwarder_events_discarded_total", "rate_limited"
            await asyncio.to_thread(
                worker.wait_metric, discarded, lambda n: n + len(accepted(receiver)) == produced, 30.0, reason=reason
            )
            await asyncio.to_thread(worker.wait_metric, "forwarder_events_pending", lambda n: n == 0, 30.0)
            lost = worker.metric(discarded, reason=reason)
            assert worker.metric("forwarder_books_imbalance") == 0
            assert "rate_limited" in worker.process.output()
    assert 7 <= len(accepted(receiver)) < 20
    assert lost == produced - len(accepted(receiver))
    told = [arrival.headers.get("forwarder-discarded", "") for arrival in receiver.arrivals]
    assert any(text.startswith("rate_limited=") for text in told)


async def test_a_hung_host_is_asked_no_more_than_its_limit_and_holds_up_no_other(
    kafka: RealKafka, tmp_path: Path
) -> None:
    topic = await kafka.topics.create(partitions=1)
    async with Receiver(behaviour=Hang()) as hung, Receiver() as healthy:
        stuck = [
            {"name": f"stuck-{number}", "url": f"{hung.url}{number}", "throttle": 0, "timeout": "60s"}
            for number in range(6)
        ]
        hook = {"name": "well", "url": healthy.url, "throttle": "50ms"}
        config = config_for(
            tmp_path, kafka, topic, [topic], [*stuck, hook], limits={"perHost": 2}, shutdown={"drain": "1s"}
        )
        async with forwarder(config) as worker:
            async with Stream(kafka, topic, 1, 100) as stream:
                await asyncio.sleep(3.0)
                numbers = await stream.stop()
            findings = await until_received(healthy, numbers, 20)
            waiting = worker.metric("forwarder_limit_waiting", limit="host")
            assert worker.metric("forwarder_stuck") == 0
    assert not findings.lost
    assert hung.tally.requests == 2
    assert waiting == 4
