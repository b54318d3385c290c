"""Faults that a worker must live through or end cleanly at: a broker that dies, a zombie, growth, stops at awkward moments."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from forwarder.kafka.topics import checkpoint_topic
from tests.integration.kafka.fleet import ToyWorker, deliveries, in_order, values
from tests.support.kafka import RealKafka

PARTITIONS = 4


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[RealKafka]:
    """A broker that the test may hurt."""
    broker = RealKafka(tmp_path / "kafka", heap="512m")
    broker.start()
    yield broker
    broker.kill()


async def fill(kafka: RealKafka, topic: str, first: int, count: int = 400) -> None:
    for partition in range(PARTITIONS):
        await kafka.topics.produce(topic, [b"e%d-%d" % (first, n) for n in range(count // 4)], partition=partition)


def wait_delivered(worker: ToyWorker, *others: ToyWorker, count: int, timeout: float = 60.0) -> None:
    worker.wait_until(f"{count} events", lambda: len(deliveries(worker, *others)) >= count, timeout)


@pytest.mark.timeout(240)
async def test_a_broker_that_is_killed_and_comes_back_costs_nothing(own_kafka: RealKafka, tmp_path: Path) -> None:
    topic, group = await own_kafka.topics.create(partitions=PARTITIONS), "g"
    worker = ToyWorker("w", own_kafka, group, topic, tmp_path)
    worker.start()
    worker.wait_for("ready")
    await fill(own_kafka, topic, 1)
    wait_delivered(worker, count=400)
    await asyncio.to_thread(own_kafka.kill)
    await asyncio.sleep(3.0)
    assert worker.alive
    await asyncio.to_thread(own_kafka.start)
    await fill(own_kafka, topic, 2)
    wait_delivered(worker, count=800)
    assert worker.terminate(60.0) == 0
    assert len(deliveries(worker)) == 800
    assert worker.lines("g") == []
    assert in_order(worker)


@pytest.mark.timeout(240)
async def test_a_stop_while_the_broker_is_away_ends_in_time(own_kafka: RealKafka, tmp_path: Path) -> None:
    topic = await own_kafka.topics.create(partitions=PARTITIONS)
    worker = ToyWorker("w", own_kafka, "g", topic, tmp_path, period=3600.0)
    worker.start()
    worker.wait_for("ready")
    await fill(own_kafka, topic, 1)
    wait_delivered(worker, count=400)
    await asyncio.to_thread(own_kafka.kill)
    assert worker.terminate(40.0) == 0, "the drain and nothing else takes its time: two answers of 5 s at most each"


@pytest.mark.timeout(240)
async def test_a_zombie_is_refused_and_its_late_checkpoint_counts_for_nothing(kafka: RealKafka, tmp_path: Path) -> None:
    """A worker stopped for longer than its session wakes up believing that it still owns everything.

    It may deliver what it fetches before it is told (fetching needs no membership), but it must not move progress.
    """
    topic, group = await kafka.topics.create(partitions=PARTITIONS), kafka.topics.unique("g")
    zombie = ToyWorker("zombie", kafka, group, topic, tmp_path, period=0.3)
    heir = ToyWorker("heir", kafka, group, topic, tmp_path, period=0.3)
    zombie.start()
    zombie.wait_owning(PARTITIONS)
    await fill(kafka, topic, 1)
    wait_delivered(zombie, count=400)
    await asyncio.sleep(1.0)
    zombie.pause()
    heir.start()
    heir.wait_owning(PARTITIONS)
    await fill(kafka, topic, 2)
    wait_delivered(heir, zombie, count=800)
    zombie.resume()
    zombie.wait_owning(2)
    heir.wait_owning(2)
    await fill(kafka, topic, 3)
    wait_delivered(heir, zombie, count=1200)
    assert zombie.terminate() == 0
    assert heir.terminate() == 0
    delivered = deliveries(zombie, heir)
    while_away = {(partition, offset) for partition in range(PARTITIONS) for offset in range(100, 200)}
    assert len(delivered) == 1200
    assert {place for place, times in delivered.items() if times > 1} <= while_away
    assert max(deliveries(heir).values()) == 1, "the zombie moved no progress back"
    assert zombie.lines("g") == heir.lines("g") == []


@pytest.mark.timeout(240)
async def test_a_source_that_grows_ends_the_worker_and_the_next_start_knows_it(
    kafka: RealKafka, tmp_path: Path
) -> None:
    topic, group = await kafka.topics.create(partitions=2), kafka.topics.unique("g")
    worker = ToyWorker("w", kafka, group, topic, tmp_path)
    worker.start()
    worker.wait_owning(2)
    await kafka.topics.grow(topic, PARTITIONS)
    assert worker.wait(120.0) == 1, "found at a refresh of the metadata"
    assert "has grown beyond 2 partitions" in worker.output()
    worker.start()
    worker.wait_owning(PARTITIONS)
    await fill(kafka, topic, 1)
    wait_delivered(worker, count=400)
    assert worker.terminate() == 0
    assert max(values(worker).values()) == PARTITIONS, "the same values in each partition"
    async with kafka.topics.admin() as admin:
        described = await admin.describe_topics([checkpoint_topic(group, topic)])
    assert len(described[0]["partitions"]) == PARTITIONS


@pytest.mark.parametrize("moment", ["Waiting for agents", "(Re-)joining group", "Resuming flow"])
async def test_a_stop_during_the_start_ends_with_0(kafka: RealKafka, tmp_path: Path, moment: str) -> None:
    topic, group = await kafka.topics.create(partitions=PARTITIONS), kafka.topics.unique("g")
    worker = ToyWorker("w", kafka, group, topic, tmp_path)
    worker.start()
    worker.wait_until(moment, lambda: moment in worker.output(), 30.0, pause=0.005)
    worker.signal(signal.SIGTERM)
    assert worker.wait(30.0) == 0
    assert await kafka.topics.group_members(group) == 0


async def test_a_stop_while_kafka_is_not_there_yet_ends_with_0(tmp_path: Path, kafka: RealKafka) -> None:
    worker = ToyWorker("w", kafka, "g", kafka.topics.unique("missing"), tmp_path)
    worker.start()
    worker.wait_until("saying so", lambda: "does not exist" in worker.output(), 30.0)
    assert worker.terminate() == 0
