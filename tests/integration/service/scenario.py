"""What the service tests share: numbered events, a producer at a steady rate, and a judge of what receivers accepted."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer

from forwarder.cli.arrivals import Arrival, parse_events
from forwarder.cli.receiver import Receiver
from tests.support.forwarder import ForwarderProcess, write_config
from tests.support.kafka import RealKafka


def event(number: int, partition: int, **more: Any) -> bytes:
    """A Standard Webhooks event that carries its own identity in `data`."""
    data = {"n": number, "p": partition, **more}
    return json.dumps(
        {"type": "auth.success", "timestamp": "2026-11-22T10:00:00Z", "id": f"e{number}", "data": data}
    ).encode()


@dataclass(frozen=True)
class Findings:
    """What one receiver accepted, held against what was produced."""

    lost: list[int]
    repeated: int
    disordered: int
    strangers: list[int]

    @property
    def clean(self) -> bool:
        return not (self.lost or self.repeated or self.disordered or self.strangers)


def accepted(receiver: Receiver) -> list[dict[str, Any]]:
    """Every event of every request that was answered with 2xx, in order of arrival."""
    return [data for arrival in receiver.arrivals if 200 <= arrival.status < 300 for data in data_of(arrival)]


def data_of(arrival: Arrival) -> list[dict[str, Any]]:
    return [found["data"] for found in parse_events(arrival.body, arrival.headers.get("content-type", ""))]


def judge(receiver: Receiver, produced: Iterable[int]) -> Findings:
    """Order is judged per topic and partition by the first time that a number came."""
    wanted, seen = set(produced), Counter[int]()
    last: dict[Any, int] = {}
    disordered = 0
    for data in accepted(receiver):
        number, place = data["n"], (data.get("t", ""), data["p"])
        seen[number] += 1
        if seen[number] == 1:
            disordered += number < last.get(place, -1)
            last[place] = max(number, last.get(place, -1))
    return Findings(
        sorted(wanted - set(seen)), sum(n - 1 for n in seen.values()), disordered, sorted(set(seen) - wanted)
    )


async def until_received(receiver: Receiver, produced: Sequence[int], timeout: float = 60.0) -> Findings:
    """The findings once nothing is lost any more; after `timeout` seconds as they are then."""
    deadline = time.monotonic() + timeout
    wanted = set(produced)
    while time.monotonic() < deadline:
        if wanted <= {data["n"] for data in accepted(receiver)}:
            break
        await asyncio.sleep(0.2)
    return judge(receiver, produced)


class Stream:
    """Produces numbered events to partitions in turn, at a rate, in the background. `numbers` are those acknowledged."""

    def __init__(self, kafka: RealKafka, topic: str, partitions: int, rate: int, first: int = 0) -> None:
        self.numbers: list[int] = []
        self._kafka, self._topic, self._partitions, self._rate = kafka, topic, partitions, rate
        self._next = first
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Stream:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> list[int]:
        self._stop.set()
        if self._task is not None:
            await self._task
            self._task = None
        return self.numbers

    async def _run(self) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self._kafka.bootstrap, linger_ms=5, enable_idempotence=True)
        await producer.start()
        started, begun = time.monotonic(), self._next
        waiting = []
        try:
            while not self._stop.is_set():
                for _ in range(max(1, self._rate // 50)):
                    partition = self._next % self._partitions
                    value = event(self._next, partition, t=self._topic)
                    waiting.append(await producer.send(self._topic, value, partition=partition))
                    self.numbers.append(self._next)
                    self._next += 1
                await asyncio.sleep(max(0.0, started + (self._next - begun) / self._rate - time.monotonic()))
            await asyncio.gather(*waiting)
        finally:
            await producer.stop()


@asynccontextmanager
async def forwarder(config: Path, name: str = "forwarder", ready: bool = True) -> AsyncIterator[ForwarderProcess]:
    """A running worker, ended at the end whatever happened."""
    worker = ForwarderProcess(config, name=name)
    await asyncio.to_thread(worker.start)
    try:
        if ready:
            await asyncio.to_thread(worker.wait_ready)
        yield worker
    finally:
        if worker.process.alive:
            await asyncio.to_thread(worker.terminate)


def config_for(
    folder: Path,
    kafka: RealKafka,
    group: str,
    sources: Sequence[Any],
    webhooks: Sequence[dict[str, Any]],
    **sections: Any,
) -> Path:
    """A configuration with short sessions, so that takeovers do not take long."""
    sections["kafka"] = {"sessionTimeout": "6s", **sections.get("kafka", {})}
    return write_config(folder, brokers=kafka.bootstrap, group=group, sources=sources, webhooks=webhooks, **sections)
