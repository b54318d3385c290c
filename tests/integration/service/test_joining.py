"""The broker goes away in the moment between the checks of a start and joining the group: the start waits for it all the same."""

from __future__ import annotations

import asyncio
from pathlib import Path

from forwarder.cli.receiver import Receiver
from tests.integration.service.gate import Gate
from tests.integration.service.sabotage import sabotaged
from tests.integration.service.scenario import event, until_received
from tests.support.forwarder import ForwarderProcess, write_config
from tests.support.kafka import RealKafka


async def logged(worker: ForwarderProcess, text: str) -> None:
    async with asyncio.timeout(30.0):
        while not worker.logged(text):
            assert worker.process.alive, worker.process.tail()
            await asyncio.sleep(0.05)


async def test_a_broker_that_goes_away_after_the_checks_is_waited_for_by_the_same_process(
    kafka: RealKafka, tmp_path: Path
) -> None:
    topic, passage = await kafka.topics.create(partitions=1), tmp_path / "pass"
    async with Receiver() as receiver, Gate(kafka.port) as gate:
        hook = {"name": "siem", "url": receiver.url}
        sources = [{"topic": topic, "startAt": "earliest"}]
        config = write_config(tmp_path, brokers=gate.address, group=topic, sources=sources, webhooks=[hook])
        async with sabotaged(config, "joining", ready=False, PASS=str(passage)) as worker:
            process = worker.process.pid
            await logged(worker, "kafka was checked")
            await gate.shut()
            passage.touch()
            await logged(worker, "starting again")
            await logged(worker, "KafkaUnreachable")
            await gate.open()
            await asyncio.to_thread(worker.wait_ready)
            assert worker.process.pid == process
            await kafka.topics.produce(topic, [event(number, 0) for number in range(10)], partition=0)
            assert (await until_received(receiver, range(10))).clean
            assert await asyncio.to_thread(worker.terminate) == 0
