"""A broker that is killed, paused or refuses to write: nothing is lost or repeated, few lines are logged, all mends itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from forwarder.cli.receiver import Receiver
from forwarder.kafka.topics import CHECKPOINT_CONFIG, checkpoint_topic
from tests.integration.service.scenario import Stream, config_for, forwarder, judge, until_received
from tests.support.kafka import RealKafka

OUTAGE_SECONDS = 12.0
LINES = 150
"""What an outage may log in all; the clients below us write thousands."""

pytestmark = pytest.mark.timeout(300)  # waits for sessions and metadata to expire, on any machine


def hook(receiver: Receiver, **more: Any) -> dict[str, Any]:
    return {"name": "siem", "url": receiver.url, "throttle": "50ms", "discardAfter": "never", **more}


@pytest_asyncio.fixture
async def fragile(tmp_path: Path) -> AsyncIterator[RealKafka]:
    """A broker of the test's own, to be hurt."""
    kafka = RealKafka(tmp_path / "kafka")
    await asyncio.to_thread(kafka.start)
    yield kafka
    await asyncio.to_thread(kafka.kill)


@pytest.mark.parametrize("fault", ["killed", "paused"])
async def test_an_outage_of_the_broker_loses_and_repeats_nothing_and_is_told_in_few_lines(
    fragile: RealKafka, tmp_path: Path, fault: str
) -> None:
    topic = await fragile.topics.create(partitions=2)
    async with Receiver() as receiver:
        config = config_for(tmp_path, fragile, topic, [{"topic": topic, "startAt": "earliest"}], [hook(receiver)])
        async with forwarder(config) as worker:
            async with Stream(fragile, topic, 2, 100) as stream:
                await asyncio.sleep(2.0)
                before = await stream.stop()
            assert (await until_received(receiver, before)).clean
            await asyncio.to_thread(fragile.kill if fault == "killed" else fragile.pause)
            await asyncio.sleep(OUTAGE_SECONDS)
            await asyncio.to_thread(fragile.start if fault == "killed" else fragile.resume)
            async with Stream(fragile, topic, 2, 100, first=100_000) as stream:
                await asyncio.sleep(1.0)
                after = await stream.stop()
            findings = await until_received(receiver, [*before, *after])
            assert findings.clean, findings
            assert len(worker.logs()) < LINES, [line["message"] for line in worker.logs()]
            written = worker.metric("forwarder_checkpoints_total", result="written")
            await asyncio.to_thread(
                worker.wait_metric, "forwarder_checkpoints_total", lambda n: n >= written, 30.0, result="written"
            )
            assert await asyncio.to_thread(worker.terminate) == 0
        async with forwarder(config, "again"):
            await asyncio.sleep(1.0)
            assert judge(receiver, [*before, *after]).clean


async def test_a_broker_that_refuses_checkpoints_holds_up_no_event_and_recovers_by_itself(
    kafka: RealKafka, tmp_path: Path
) -> None:
    topic = await kafka.topics.create(partitions=1)
    checkpoints = checkpoint_topic(topic, topic)
    async with Receiver() as receiver:
        config = config_for(tmp_path, kafka, topic, [{"topic": topic, "startAt": "earliest"}], [hook(receiver)])
        async with forwarder(config) as worker, Stream(kafka, topic, 1, 100) as stream:
            await set_config(kafka, checkpoints, {"max.message.bytes": "1"})  # every record is refused from now on
            await asyncio.to_thread(
                worker.wait_metric, "forwarder_checkpoints_total", lambda n: n > 2, 30.0, result="failed"
            )
            count = len(receiver.arrivals)
            while len(receiver.arrivals) < count + 10:
                await asyncio.sleep(0.05)
            await set_config(kafka, checkpoints, {})
            written = worker.metric("forwarder_checkpoints_total", result="written")
            await asyncio.to_thread(
                worker.wait_metric, "forwarder_checkpoints_total", lambda n: n > written, 40.0, result="written"
            )
            numbers = await stream.stop()
            assert (await until_received(receiver, numbers)).clean
            assert len(worker.logged("CheckpointFailed")) < 10
        async with forwarder(config, "again"):
            await asyncio.sleep(1.0)
            assert judge(receiver, numbers).clean


async def set_config(kafka: RealKafka, topic: str, changed: dict[str, str]) -> None:
    async with kafka.topics.admin() as admin:
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {**CHECKPOINT_CONFIG, **changed})])
