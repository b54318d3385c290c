"""The doors of the flow, replaced: Kafka is a list, the endpoint a function, time the loop's own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from forwarder.deliver.request import Exchange, Request
from forwarder.kafka.group import NO_NOTES, Acknowledged, Committed, Failed, Fence, Unanswered, Written
from forwarder.kafka.producer import Produced, ProduceFailed
from forwarder.kafka.reader import OutOfRange, Unavailable
from forwarder.kafka.records import Chunk, Record
from forwarder.model.attempt import Response
from forwarder.model.event import TP, Headers
from forwarder.progress.checkpoint import Checkpoint, decode, encode, order_of

P0, P1 = TP("logs", 0), TP("logs", 1)
WALL = 1_700_000_000.0


class VirtualClock:
    """The loop's own time (virtual under looptime), and a wall that starts at WALL with the first look."""

    def __init__(self) -> None:
        self._start: float | None = None

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def wall(self) -> float:
        now = self.monotonic()
        self._start = now if self._start is None else self._start
        return WALL + now - self._start

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass(frozen=True)
class FakeRecord:
    topic: str
    partition: int
    offset: int
    value: bytes | None
    timestamp: int = int(WALL * 1000)
    key: bytes | None = None
    headers: Headers = ()


def record(offset: int, tp: TP = P0, value: bytes | None = None, **fields: Any) -> FakeRecord:
    """A CloudEvent, unless `value` says otherwise."""
    envelope = {"specversion": "1.0", "id": f"e{offset}", "type": "login", "source": "s", **fields}
    return FakeRecord(tp.topic, tp.partition, offset, json.dumps(envelope).encode() if value is None else value)


def chunk(tp: TP, records: Iterable[FakeRecord], start: int | None = None, end: int | None = None) -> Chunk:
    made = Chunk(cast(Iterable[Record], records))
    made.tp, made.seek = tp, 1
    made.start = made[0].offset if start is None else start
    made.end = made[-1].offset + 1 if end is None else end
    return made


class FakeLog:
    """What Kafka holds of each partition; implements `flow.starts.Log`."""

    def __init__(self) -> None:
        self.records: dict[TP, list[FakeRecord]] = {}
        self.first: dict[TP, int] = {}
        self.asked: list[str] = []
        self.hold: asyncio.Event | None = None

    def fill(self, count: int, tp: TP = P0, **fields: Any) -> None:
        """Append CloudEvents."""
        found = self.records.setdefault(tp, [])
        found += [record(len(found) + n, tp, **fields) for n in range(count)]

    def put(self, tp: TP, *values: bytes | None) -> None:
        found = self.records.setdefault(tp, [])
        for value in values:
            found.append(FakeRecord(tp.topic, tp.partition, len(found), value))

    async def _ask(self, text: str) -> None:
        self.asked.append(text)
        if self.hold is not None:
            await self.hold.wait()

    async def log_start(self, tp: TP) -> int:
        await self._ask("log_start")
        return self.first.get(tp, 0)

    async def stable_end(self, tp: TP) -> int:
        await self._ask("stable_end")
        return len(self.records.get(tp, []))

    async def offset_for_time(self, tp: TP, ms: int) -> int:
        await self._ask(f"offset_for_time {ms}")
        return 5

    async def times_at(self, offsets: Mapping[TP, int]) -> dict[TP, int]:
        held = {tp: {r.offset: r.timestamp for r in self.records.get(tp, [])} for tp in offsets}
        return {tp: held[tp][offset] for tp, offset in offsets.items() if offset in held[tp]}


class FakeReader:
    """Reads one partition of the log, as kafka/reader does. `broken` answers come first."""

    def __init__(self, log: FakeLog, tp: TP) -> None:
        self._log, self._tp = log, tp
        self.is_open = False
        self.position = 0
        self.opened = self.closed = self.reads = 0
        self.broken: list[Unavailable] = []
        self.broken_reads: list[Unavailable] = []
        self.while_reading: Callable[[], None] = lambda: None

    async def open(self, position: int) -> Unavailable | None:
        self.opened += 1
        if self.broken:
            return self.broken.pop()
        self.is_open = True
        self.position = position
        return None

    def seek(self, position: int) -> None:
        self.position = position

    async def read(self, max_records: int, timeout: float) -> Chunk | OutOfRange | Unavailable:
        assert self.is_open
        self.reads += 1
        await asyncio.sleep(0)
        if self.broken_reads:
            return self.broken_reads.pop()
        first = self._log.first.get(self._tp, 0)
        if self.position < first:
            return OutOfRange(self.position, first)
        found = self._log.records.get(self._tp, [])[self.position : self.position + max_records]
        if not found:
            await asyncio.sleep(timeout)
            return chunk(self._tp, [], self.position, self.position)
        start, self.position = self.position, found[-1].offset + 1
        self.while_reading()
        return chunk(self._tp, found, start, self.position)

    async def close(self) -> None:
        self.closed += self.is_open
        self.is_open = False


class FakeGroup:
    """Fences and writes are answered as scripted, well when the script is over. `stored` is what Kafka would recover."""

    def __init__(self) -> None:
        self.stored: dict[TP, bytes] = {}
        self.fences: list[Fence] = []
        self.answers: list[Written] = []
        self.commits: list[dict[TP, int]] = []
        self.anchors: dict[TP, Committed] = {}
        self.silent = 0
        self.writes: list[tuple[TP, Checkpoint]] = []
        self.starts: dict[TP, int] = {}
        self.paused: set[TP] = set()
        self.owned: frozenset[TP] = frozenset()
        self.ends: dict[TP, int] = {}
        self.log_ends: dict[TP, int] = {}
        self.handed: dict[TP, int] = {}
        self.empty: dict[TP, tuple[int, int]] = {}
        self.hold: asyncio.Event | None = None

    async def commit(self, offsets: dict[TP, int], notes: Mapping[TP, str] = NO_NOTES) -> Fence:
        await asyncio.sleep(0)
        fence = self.fences.pop(0) if self.fences else Fence.OK
        if fence is Fence.OK:
            self.commits.append(dict(offsets))
            self.anchors |= {tp: Committed(offset, notes.get(tp, "")) for tp, offset in offsets.items()}
        return fence

    async def committed(self, tps: Iterable[TP]) -> dict[TP, Committed] | None:
        await asyncio.sleep(0)
        if self.silent:
            self.silent -= 1
            return None
        return {tp: self.anchors[tp] for tp in tps if tp in self.anchors}

    def checkpoint_topic(self, source: str) -> str:
        return f"forwarder-checkpoint-{source}-changelog"

    async def write_checkpoint(self, tp: TP, raw: bytes) -> Written:
        if self.hold is not None:
            await self.hold.wait()
        await asyncio.sleep(0)
        self.writes.append((tp, decode(raw)))
        answer = self.answers.pop(0) if self.answers else Acknowledged()
        if not isinstance(answer, Failed) and order_of(raw) >= order_of(self.stored.get(tp, b"")):
            self.stored[tp] = raw
        return answer

    def read_checkpoint(self, tp: TP) -> bytes | None:
        return self.stored.get(tp)

    def checkpoint(self, tp: TP = P0) -> Checkpoint:
        return decode(self.stored[tp])

    def store(self, checkpoint: Checkpoint, tp: TP = P0) -> None:
        self.stored[tp] = encode(checkpoint, 1_000_000)

    def start_at(self, offsets: dict[TP, int]) -> None:
        self.starts.update(offsets)

    def assignment(self) -> frozenset[TP]:
        return self.owned

    def pause(self, tps: Iterable[TP]) -> None:
        self.paused |= set(tps)

    def resume(self, tps: Iterable[TP]) -> None:
        self.paused -= set(tps)

    def stable_end(self, tp: TP) -> int | None:
        return self.ends.get(tp)

    def log_end(self, tp: TP) -> int | None:
        return max(self.ends.get(tp, 0), self.log_ends.get(tp, 0)) if tp in self.ends else None

    def fetch_position(self, tp: TP) -> int | None:
        return self.handed.get(tp)

    def passed(self, tp: TP) -> tuple[int, int] | None:
        return self.empty.get(tp)


UNANSWERED = Unanswered()


@dataclass
class FakeProducer:
    """Keeps what is produced. `refuse(topic, key)` says which are not acknowledged."""

    written: list[tuple[str, bytes | None, bytes | None, Headers]] = field(default_factory=list)
    refuse: Callable[[str, bytes | None], bool] = lambda topic, value: False

    async def produce(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Headers, timestamp_ms: int | None
    ) -> Produced | ProduceFailed:
        await asyncio.sleep(0)
        if self.refuse(topic, value):
            return ProduceFailed("no")
        self.written.append((topic, key, value, headers))
        return Produced(topic, 0, len(self.written))


class FakeClient:
    """The endpoint. `answer` gets every request; by default all is well."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.answer: Callable[[Request], Awaitable[Exchange]] = self._well

    async def _well(self, request: Request) -> Exchange:
        return Exchange(Response(200))

    async def post(self, request: Request, *, fresh: bool = False) -> Exchange:
        self.requests.append(request)
        await asyncio.sleep(0)
        return await self.answer(request)

    def bodies(self, host: str = "") -> list[list[str]]:
        """The ids in each body that went to `host`."""
        wanted = [request for request in self.requests if host in request.url]
        return [[item["id"] for item in json.loads(request.content)] for request in wanted]

    def ids(self, host: str = "") -> list[str]:
        return [one for body in self.bodies(host) for one in body]


class Lines:
    """A logger that keeps its lines."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def log(self, level: int, event: str, **facts: Any) -> None:
        self.lines.append((event, facts))

    def told(self, text: str) -> list[dict[str, Any]]:
        return [facts for event, facts in self.lines if event == text]
