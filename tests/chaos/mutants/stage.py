"""One small run on real Kafka: topic, receivers, workers, and at the end its journal in a folder for the judge."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.events import make
from tests.chaos.journal import write_json
from tests.chaos.mutants.dump import dump, write_lines
from tests.chaos.mutants.receiver import Receiver
from tests.support.forwarder import ForwarderProcess, write_config
from tests.support.kafka import RealKafka

INTERVAL_SECONDS = 0.5
SESSION_SECONDS = 6.0
STILL_SECONDS = 2.5
"""When nothing has arrived for so long, nothing will."""

Hook = dict[str, Any]


@dataclass
class Stage:
    """`defect` is a name for the launcher, or `none`; `provocations` are patches of the control run, too. `facts` are the webhooks
    of the plan by name."""

    kafka: RealKafka
    folder: Path
    defect: str
    receiver: Receiver
    topic: str = ""
    partitions: int = 2
    provocations: tuple[str, ...] = ()
    workers: int = 1
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    produced: list[dict[str, Any]] = field(default_factory=list)
    faults: list[dict[str, Any]] = field(default_factory=list)
    rng: random.Random = field(default_factory=lambda: random.Random(1))
    _hooks: dict[str, Hook] = field(default_factory=dict)

    # --- before ---

    def hook(self, name: str, settings: Mapping[str, Any] | None = None, **facts: Any) -> None:
        """A webhook with settings over the usual ones, and what the plan says of it."""
        usual = {
            "name": name, "url": self.receiver.url(name), "throttle": "50ms", "maxEvents": 50, "discardAfter": "never",
            "timeout": "1500ms", "connectTimeout": "500ms", "startAt": "earliest", "retry": {"base": "100ms", "cap": "300ms"},
        }  # fmt: skip
        self._hooks[name] = {**usual, **(settings or {})}
        self.facts[name] = {"wants": {}, "ordered": True, "discards": False, **facts}

    def change(self, name: str, **settings: Any) -> None:
        """Other settings for a webhook, from the next worker on."""
        self._hooks[name] |= settings

    def config_folder(self, worker: str) -> Path:
        return self.folder / "config" / worker

    def worker(self, name: str, *patches: str, **more: Mapping[str, Any]) -> ForwarderProcess:
        """A worker that is not started yet. `patches` are provocations for it alone."""
        sections: dict[str, Any] = {
            "kafka": {"sessionTimeout": f"{SESSION_SECONDS:g}s", "cluster": "mutants", "heartbeatInterval": "500ms"},
            "checkpoint": {"interval": f"{INTERVAL_SECONDS}s"}, "shutdown": {"drain": "30s"}, **more,
        }  # fmt: skip
        config = write_config(
            self.config_folder(name), brokers=self.kafka.bootstrap, group=self.topic,
            sources=[{"topic": self.topic, "startAt": "earliest", "preset": "cloudevents"}], webhooks=[*self._hooks.values()],
            **sections,
        )  # fmt: skip
        worker = ForwarderProcess(config, name=name)
        names = ",".join((self.defect, *self.provocations, *patches))
        launch = ["-m", "tests.chaos.mutants.launch", names, "--", "run", "-c", str(config)]
        worker.process.command = [sys.executable, *launch]
        return worker

    # --- events ---

    async def produce(self, count: int, *, rate: float = 0.0, **about: Any) -> list[str]:
        """That many events to all partitions in turn; the ids. `rate` is per second, 0 for at once."""
        async with self.kafka.topics.producer(enable_idempotence=True) as producer:
            return await self._send(producer, count, rate, about)

    async def transact(self, count: int, *, commit: bool) -> None:
        """As `produce`, in a transaction."""
        async with self.kafka.topics.producer(transactional_id=self.kafka.topics.unique("tx")) as producer:
            await producer.begin_transaction()
            await self._send(producer, count, 0.0, {} if commit else {"aborted": True})
            await (producer.commit_transaction() if commit else producer.abort_transaction())

    def next_ids(self, count: int) -> list[str]:
        """The ids that the next events will have."""
        return [f"{self.topic}-{len(self.produced) + n}" for n in range(count)]

    async def _send(self, producer: Any, count: int, rate: float, about: Mapping[str, Any]) -> list[str]:
        started = time.monotonic()
        waiting: list[tuple[dict[str, Any], Any]] = []
        for n in range(count):
            event = make(self.rng, self.next_ids(1)[0], "cloudevents")
            line: dict[str, Any] = {
                "id": event.id,
                "topic": self.topic,
                "partition": n % self.partitions,
                "t": time.time(),
            }
            line |= {"type": event.type, "tenant": event.tenant, "severity": event.severity, "n": n, **about}
            self.produced.append(line)
            waiting.append((line, await producer.send(self.topic, event.value, partition=line["partition"])))
            if rate:
                await asyncio.sleep(max(0.0, started + n / rate - time.monotonic()))
        for line, sent in waiting:
            line["offset"] = (await sent).offset
        return [line["id"] for line, _ in waiting]

    # --- waiting ---

    async def until(self, condition: Any, seconds: float = 15.0) -> bool:
        """Whether `condition()` came true in time; a defect may be the reason why it does not."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if condition():
                return True
            await asyncio.sleep(0.05)
        return False

    async def until_all(self, *webhooks: str, seconds: float = 20.0) -> None:
        """Until these webhooks have taken every event that was committed, or nothing arrives any more."""
        wanted = {line["id"] for line in self.produced if "id" in line and not line.get("aborted")}
        began = time.monotonic()

        def over() -> bool:
            still = time.monotonic() - max(self.receiver.last, began) > STILL_SECONDS
            return still or all(wanted <= self.receiver.accepted.get(name, set()) for name in webhooks)

        await self.until(over, seconds)

    def fault(self, kind: str, klass: str, t0: float, t1: float | None = None) -> None:
        self.faults.append({"kind": kind, "target": "", "class": klass, "t0": t0, "t1": t1 or time.time(), "n": 1})

    # --- after ---

    async def write_journal(self) -> None:
        """Everything that the judge reads. The workers have stopped."""
        write_json(
            self.folder / "plan.json",
            {
                "group": self.topic, "cluster": "mutants", "checkpoint_interval": INTERVAL_SECONDS,
                "session_timeout": SESSION_SECONDS, "workers": self.workers, "webhooks": self.facts,
                "topics": {self.topic: {"partitions": self.partitions, "generation": 0}},
            },
        )  # fmt: skip
        write_lines(self.folder / "produced.jsonl", self.produced)
        write_lines(self.folder / "faults.jsonl", self.faults)
        write_lines(self.folder / "received" / "receiver.jsonl", self.receiver.lines)
        await dump(self.kafka.topics, self.topic, self.topic, self.folder)


@asynccontextmanager
async def running(worker: ForwarderProcess, ready: bool = True) -> AsyncIterator[ForwarderProcess]:
    """A worker that is stopped gracefully at the end, if it still runs; a defect may keep it from stopping in time."""
    await asyncio.to_thread(worker.start)
    try:
        if ready:
            await asyncio.to_thread(worker.wait_ready, 30.0)
        yield worker
    finally:
        if worker.process.alive:
            await asyncio.to_thread(worker.terminate)
