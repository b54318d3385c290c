"""The producer process: plain events at a steady rate, bursts, transactions that commit or abort, records that nobody can read.

An event is in the journal as produced only when the broker has acknowledged (and committed) it; what was never answered is `unknown`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import sys
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from tests.chaos.control import Message, serve
from tests.chaos.events import GARBAGE, Made, make
from tests.chaos.journal import Journal

TICK_SECONDS = 0.05
MOST_UNANSWERED = 2000
GARBAGE_EVERY = 1500
CATCH_UP_SECONDS = 4.0


@dataclass
class Target:
    """One topic. `open` is cleared while an operator works on it; `idle` is set while nothing is under way."""

    name: str
    partitions: int
    style: str
    rate: float
    generation: int = 0
    made: int = 0
    owed: float = 0.0
    unanswered: set[asyncio.Future[Any]] = field(default_factory=set)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    idle: asyncio.Event = field(default_factory=asyncio.Event)


class Producer:
    """`produced` counts what the journal has as produced."""

    def __init__(self, spec: dict[str, Any], journal: Journal) -> None:
        self._bootstrap = spec["bootstrap"]
        self._rng = random.Random(spec["seed"])
        self._journal = journal
        self._targets = {entry["name"]: Target(**entry) for entry in spec["topics"]}
        self._ending = asyncio.Event()
        self._leaving = asyncio.Event()
        self._finished = False
        self._numbers: dict[tuple[str, int], int] = {}
        self._abort = 0
        self.produced = 0

    async def run(self, control: int) -> None:
        for target in self._targets.values():
            target.open.set()
        streams = [asyncio.create_task(self._stream(target)) for target in self._targets.values()]
        streams.append(asyncio.create_task(self._transactions()))
        async with await serve(control, self._command):
            await asyncio.gather(*streams)
            self._journal.flush()
            self._finished = True
            await self._leaving.wait()

    async def _command(self, message: Message) -> Message:
        match message["do"]:
            case "burst":
                for target in self._targets.values():
                    target.owed += message["events"] * target.rate / sum(t.rate for t in self._targets.values())
            case "abort":
                self._abort += message["transactions"]
            case "hold":
                target = self._targets[message["topic"]]
                target.open.clear()
                await target.idle.wait()
            case "go":
                target = self._targets[message["topic"]]
                target.partitions, target.generation = message["partitions"], message["generation"]
                target.open.set()
            case "stop":
                self._ending.set()
                for target in self._targets.values():
                    target.open.set()
            case "end":
                self._leaving.set()
        return {"produced": self.produced, "finished": self._finished}

    # -- plain events

    async def _stream(self, target: Target) -> None:
        while not self._ending.is_set():
            target.idle.set()
            await target.open.wait()
            target.idle.clear()
            try:
                async with self._client() as client:
                    await self._produce(target, client)
            except (KafkaError, AssertionError) as error:
                # A sequence that the broker does not accept any more, or a partition that this client has not heard of yet: a
                # new session knows better. The client raises before it has taken the event, so that one was never produced.
                print(f"{target.name}: {type(error).__name__}: {error}", flush=True)
                await asyncio.sleep(0.5)
        target.idle.set()

    async def _produce(self, target: Target, client: AIOKafkaProducer) -> None:
        last = time.monotonic()
        while target.open.is_set() and not self._ending.is_set():
            now = time.monotonic()
            if target.owed < target.rate * CATCH_UP_SECONDS:  # a burst comes on top, an outage does not make one
                target.owed += (now - last) * target.rate
            last = now
            room = MOST_UNANSWERED - len(target.unanswered)
            for _ in range(min(int(target.owed), room, 400)):
                target.owed -= 1
                await self._send(target, client)
            self._journal.flush()
            await asyncio.sleep(TICK_SECONDS)
        if target.unanswered:
            await asyncio.wait(target.unanswered)

    async def _send(self, target: Target, client: AIOKafkaProducer) -> None:
        partition = self._rng.randrange(target.partitions)
        if self._rng.randrange(GARBAGE_EVERY) == 0:
            made, value = None, self._rng.choice(GARBAGE)
        else:
            made = self._make(target)
            value = made.value
        try:
            future = await client.send(target.name, value, key=b"k", partition=partition)
        except KafkaError:
            self._unknown(target, made, partition)
            raise
        target.unanswered.add(future)
        future.add_done_callback(lambda done: self._answered(target, made, partition, done))

    def _answered(self, target: Target, made: Made | None, partition: int, done: asyncio.Future[Any]) -> None:
        target.unanswered.discard(done)
        if done.cancelled() or done.exception() is not None:
            self._unknown(target, made, partition)
        elif made is None:
            self._journal.write(
                {"broken": True, "topic": target.name, "partition": partition, "offset": done.result().offset,
                 "generation": target.generation}, flush=False,
            )  # fmt: skip
        else:
            self._produced(target, made, partition, done.result().offset)

    def _unknown(self, target: Target, made: Made | None, partition: int) -> None:
        if made is not None:
            self._journal.write(self._facts(target, made, partition) | {"unknown": True})

    def _produced(self, target: Target, made: Made, partition: int, offset: int) -> None:
        place = (target.name, partition)
        self._numbers[place] = number = self._numbers.get(place, -1) + 1
        self._journal.write(self._facts(target, made, partition) | {"offset": offset, "n": number}, flush=False)
        self.produced += 1

    def _make(self, target: Target) -> Made:
        target.made += 1
        return make(self._rng, f"{target.name}.{target.generation}.{target.made}", target.style)

    def _facts(self, target: Target, made: Made, partition: int) -> dict[str, Any]:
        return {
            "id": made.id, "topic": target.name, "partition": partition, "t": round(time.time(), 3), "type": made.type,
            "tenant": made.tenant, "severity": made.severity, "poison": made.poison, "generation": target.generation,
        }  # fmt: skip

    # -- transactions

    async def _transactions(self) -> None:
        """One after the other on the first three topics; three in ten abort, and as many as were asked for."""
        targets = list(self._targets.values())[:3]
        while not self._ending.is_set():
            try:
                async with self._client(
                    transactional_id=f"chaos-{uuid.uuid4().hex}", transaction_timeout_ms=10_000
                ) as client:
                    while not self._ending.is_set():
                        asked = self._abort > 0
                        self._abort -= asked
                        await self._transact(self._rng.choice(targets), client, asked or self._rng.random() < 0.3)
                        await asyncio.sleep(0.05 if self._abort else 0.4)
            except (KafkaError, TimeoutError, ValueError) as error:
                print(f"transactions: {type(error).__name__}: {error}", flush=True)
                await asyncio.sleep(1.0)

    async def _transact(self, target: Target, client: AIOKafkaProducer, abort: bool) -> None:
        partitions = self._rng.sample(range(target.partitions), min(2, target.partitions))
        sent: list[tuple[Made, int, int]] = []
        events = [(self._make(target), self._rng.choice(partitions)) for _ in range(self._rng.randrange(2, 12))]
        if abort:  # said first: whatever happens from here on, nobody commits them
            for made, partition in events:
                self._journal.write(self._facts(target, made, partition) | {"aborted": True})
        try:
            async with asyncio.timeout(20.0):
                await client.begin_transaction()
                for made, partition in events:
                    ack = await client.send_and_wait(target.name, made.value, key=b"k", partition=partition)
                    sent.append((made, partition, ack.offset))
                await (client.abort_transaction() if abort else client.commit_transaction())
        except BaseException:
            if not abort:
                for made, partition in events:
                    self._unknown(target, made, partition)
            raise
        if not abort:
            for made, partition, offset in sent:
                self._produced(target, made, partition, offset)
        self._journal.flush()

    @contextlib.asynccontextmanager
    async def _client(self, **options: Any) -> AsyncIterator[AIOKafkaProducer]:
        client = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap, acks="all", linger_ms=5, request_timeout_ms=90_000,
            metadata_max_age_ms=2_000, **({"enable_idempotence": True} | options),
        )  # fmt: skip
        try:
            await client.start()
            yield client
        finally:
            with contextlib.suppress(KafkaError, TimeoutError):
                await asyncio.wait_for(client.stop(), 20.0)


def main() -> None:
    spec = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    asyncio.run(Producer(spec, Journal(Path(spec["journal"]))).run(spec["control"]))


if __name__ == "__main__":
    main()
