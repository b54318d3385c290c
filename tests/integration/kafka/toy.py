"""A toy pipeline on the Kafka door: delivers each event by writing its place to a file, and checkpoints as the real one must.

A program for the fault tests: `python toy.py BROKER GROUP TOPIC[,TOPIC..] OUT [OPTIONS as JSON]`. Lines it writes:
`d topic partition offset value` (delivered), `g topic partition expected start` (gap), `assigned`, `ready`, `revoked`, `stopped` ...
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from forwarder.kafka.group import Acknowledged, Fence, Group
from forwarder.kafka.preflight import wait_ready
from forwarder.kafka.records import Chunk
from forwarder.kafka.shutdown import Shutdown
from forwarder.kafka.worker import run_worker
from forwarder.model.event import TP
from forwarder.settings.process import Settings


def order_of(record: bytes) -> tuple[int, int]:
    head = json.loads(record)
    return head["epoch"], head["seq"]


@dataclass(frozen=True)
class Options:
    """`drain` seconds at a stop; `period` seconds between checkpoints; `start_at` False leaves the start to the group's offset;
    `gulp` seconds that each chunk blocks the loop; `crash_at` an offset that raises; `fail_drain` raises at a stop;
    `security` as in the settings."""

    drain: float = 0.0
    period: float = 1.0
    start_at: bool = True
    gulp: float = 0.0
    crash_at: int = -1
    fail_drain: bool = False
    security: dict[str, Any] = field(default_factory=dict)


@dataclass
class Progress:
    epoch: int
    seq: int
    position: int
    written: int


class Toy:
    """Delivers in `on_chunk`; commits the previous position, then writes the new checkpoint, every second and at drains."""

    def __init__(self, group: Group, out: Path, options: Options) -> None:
        self.group = group
        self.out = out.open("a", buffering=1)
        self.options = options
        self.progress: dict[TP, Progress] = {}
        self.lock = asyncio.Lock()
        self.timer: asyncio.Task[None] | None = None

    def say(self, *words: object) -> None:
        self.out.write(" ".join(map(str, words)) + "\n")

    def on_chunk(self, tp: TP, chunk: Chunk) -> None:
        progress = self.progress[tp]
        if chunk.start > progress.position:
            self.say("g", *tp, progress.position, chunk.start)
        if chunk.start <= self.options.crash_at < chunk.end:
            raise RuntimeError("told to crash")
        time.sleep(self.options.gulp)
        lines = [
            f"d {tp.topic} {tp.partition} {record.offset} {(record.value or b'').decode()}\n"
            for record in chunk
            if record.offset >= progress.position
        ]
        self.out.write("".join(lines))
        progress.position = max(progress.position, chunk.end)

    async def on_assigned(self, owned: frozenset[TP], generation: int) -> None:
        self.say("assigned", generation, json.dumps(sorted(owned)))
        starts = {}
        for tp in sorted(owned):
            record = self.group.read_checkpoint(tp)
            found = json.loads(record) if record else {"epoch": 0, "position": 0}
            starts[tp] = found["position"]
            self.progress[tp] = Progress(found["epoch"] + 1, 0, found["position"], found["position"])
        if owned:
            self.say("fence", (await self.group.commit(starts)).name)
            if self.options.start_at:
                self.group.start_at(starts)
        if self.timer is None:
            self.timer = asyncio.ensure_future(self.every_second())
        self.say("ready", generation)

    async def on_revoked(self, revoked: frozenset[TP]) -> None:
        await self.checkpoint(revoked, final=True)
        for tp in revoked:
            self.progress.pop(tp, None)
        self.say("revoked", json.dumps(sorted(revoked)))

    async def on_stopping(self) -> None:
        self.say("stopping")
        if self.options.fail_drain:
            raise RuntimeError("told to fail")
        await asyncio.sleep(self.options.drain)
        if self.timer:
            self.timer.cancel()
            await asyncio.wait({self.timer})
        await self.checkpoint(frozenset(self.progress), final=True)
        self.say("stopped")

    async def every_second(self) -> None:
        while True:
            await asyncio.sleep(self.options.period)
            with contextlib.suppress(KeyError):
                await self.checkpoint(self.group.assignment(), final=False)

    async def checkpoint(self, tps: frozenset[TP], *, final: bool) -> None:
        async with self.lock:
            changed = {tp: p for tp in tps if (p := self.progress.get(tp)) and p.position != p.written}
            if not changed:
                return
            fence = await self.group.commit({tp: p.written for tp, p in changed.items()})
            if fence is not Fence.OK:
                self.say("fence", fence.name)
                return
            for tp, progress in changed.items():
                await self.write(tp, progress)
            if final:
                self.say("final", (await self.group.commit({tp: p.written for tp, p in changed.items()})).name)

    async def write(self, tp: TP, progress: Progress) -> None:
        position = progress.position
        progress.seq += 1
        record = json.dumps({"epoch": progress.epoch, "seq": progress.seq, "position": position}).encode()
        written = await self.group.write_checkpoint(tp, record)
        if isinstance(written, Acknowledged):
            progress.written = position
        else:
            self.say("checkpoint", written)


async def main(broker: str, group: str, sources: str, out: str, options: str = "{}") -> int:
    chosen = Options(**json.loads(options))
    settings = Settings.model_validate(
        {
            "kafka": {"brokers": broker, "group": group, "fetch": "lowestLatency", "security": chosen.security},
            "sources": [{"topic": topic} for topic in sources.split(",")],
        }
    )
    shutdown = Shutdown(60.0)
    shutdown.install()
    ready = await wait_ready(settings, logging.warning, shutdown.requested)
    if ready is None:
        return 0

    def toy(group: Group) -> Toy:
        return Toy(group, Path(out), chosen)

    code = await run_worker(settings, ready.sources, toy, order_of=order_of, shutdown=shutdown)
    shutdown.finished()
    return code


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    sys.exit(asyncio.run(main(*sys.argv[1:])))
