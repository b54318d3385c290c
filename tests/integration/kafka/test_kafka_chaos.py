"""Random faults under load, from a fixed seed: nothing is ever lost, and graceful faults repeat nothing either."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.kafka.fleet import ToyWorker, deliveries
from tests.support.kafka import RealKafka

PARTITIONS = 6
CATCH_UP_SECONDS = 60.0


class Fleet:
    """Two workers or more; each fault leaves as many behind as it found."""

    def __init__(self, kafka: RealKafka, topic: str, folder: Path, seed: int) -> None:
        self.kafka, self.topic, self.folder = kafka, topic, folder
        self.group = kafka.topics.unique("g")
        self.random = random.Random(seed)
        self.alive: list[ToyWorker] = []
        self.all: list[ToyWorker] = []

    def start(self) -> None:
        worker = ToyWorker(f"w{len(self.all)}", self.kafka, self.group, self.topic, self.folder)
        worker.start()
        self.alive.append(worker)
        self.all.append(worker)

    def _ready(self) -> list[ToyWorker]:
        return [worker for worker in self.alive if worker.lines("ready")]

    async def inflict(self, fault: str) -> None:
        self.alive[-1].wait_until("a worker is ready", lambda: bool(self._ready()), 60.0)
        worker = self.random.choice(self._ready())
        if fault == "surge":
            self.start()
            await asyncio.sleep(self.random.random() * 2)
        if fault == "pause":
            worker.pause()
            await asyncio.sleep(self.random.uniform(9.0, 11.0))
            worker.resume()
            return
        self.alive.remove(worker)
        if fault == "kill":
            worker.kill()
        else:
            assert await asyncio.to_thread(worker.terminate, 60.0) == 0
        if fault != "surge":
            self.start()


@contextlib.asynccontextmanager
async def load(kafka: RealKafka, topic: str) -> AsyncIterator[list[int]]:
    """About 1,000 events a second while the block runs; the list holds how many."""
    stop, made = asyncio.Event(), [0]

    async def produce() -> None:
        async with kafka.topics.producer() as producer:
            while not stop.is_set():
                sent = [await producer.send(topic, b"x", partition=n % PARTITIONS) for n in range(60)]
                await asyncio.gather(*sent)
                made[0] += len(sent)
                await asyncio.sleep(0.05)

    producing = asyncio.ensure_future(produce())
    try:
        yield made
    finally:
        stop.set()
        await producing


async def run(kafka: RealKafka, folder: Path, seed: int, faults: list[str]) -> tuple[Fleet, int]:
    topic = await kafka.topics.create(partitions=PARTITIONS)
    fleet = Fleet(kafka, topic, folder, seed)
    fleet.start()
    fleet.start()
    async with load(kafka, topic) as made:
        await asyncio.sleep(5.0)
        for fault in faults:
            await fleet.inflict(fault)
            await asyncio.sleep(fleet.random.uniform(1.0, 4.0))
    fleet.alive[0].wait_until(
        "everything delivered", lambda: len(deliveries(*fleet.all)) >= made[0], CATCH_UP_SECONDS, pause=0.5
    )
    for worker in fleet.alive:
        assert await asyncio.to_thread(worker.terminate, 60.0) == 0
    return fleet, made[0]


@pytest.mark.timeout(240)
async def test_rolling_updates_under_load_lose_and_repeat_nothing(kafka: RealKafka, tmp_path: Path) -> None:
    fleet, made = await run(kafka, tmp_path, 1, ["surge", "restart", "surge", "surge", "restart", "restart", "surge"])
    delivered = deliveries(*fleet.all)
    assert len(delivered) == made
    assert max(delivered.values()) == 1
    assert [line for worker in fleet.all for line in worker.lines("g")] == []


@pytest.mark.timeout(240)
async def test_kills_and_zombies_under_load_lose_nothing(kafka: RealKafka, tmp_path: Path) -> None:
    fleet, made = await run(kafka, tmp_path, 2, ["kill", "pause", "restart", "kill"])
    assert len(deliveries(*fleet.all)) == made
    assert [line for worker in fleet.all for line in worker.lines("g")] == []
