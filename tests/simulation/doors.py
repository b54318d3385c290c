"""The pipeline's doors, scripted: client, producer, offsets, reader. Each finds its process by the running loop."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from forwarder.deliver.request import Exchange, Request
from forwarder.kafka.producer import Produced, ProduceFailed
from forwarder.kafka.reader import OutOfRange, Unavailable
from forwarder.kafka.records import Chunk
from forwarder.model.event import TP
from tests.simulation.cluster import WIRE, Letter

if TYPE_CHECKING:
    from tests.simulation.process import Process

_AWAY = Unavailable("the broker does not answer")


def _here() -> Process:
    process: Process = asyncio.get_running_loop().process  # type: ignore[attr-defined]
    return process


class Client:
    """`deliver.client.Client`."""

    def __init__(self, *args: Any) -> None:
        self._process = _here()

    async def post(self, request: Request, *, fresh: bool = False) -> Exchange:
        return await self._process.world.network.post(self._process, request)

    async def close(self) -> None:
        """Nothing to close."""


class Producer:
    """`kafka.producer.RecordProducer`: without an answer for ten seconds it gives up, and the record may land all the same."""

    def __init__(self, *args: Any, **given: Any) -> None:
        self._process = _here()

    async def produce(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Any, timestamp_ms: int | None = None
    ) -> Produced | ProduceFailed:
        cluster = self._process.world.cluster
        for _ in range(50):
            if not cluster.away:
                break
            await asyncio.sleep(0.2)
        else:
            return ProduceFailed("no answer from Kafka")
        if cluster.refusing and cluster.refusing in topic:
            await asyncio.sleep(WIRE)
            return ProduceFailed("the topic takes nothing")
        answer = asyncio.get_running_loop().create_future()
        letter = Letter(0.0, self._process.number, topic, key, value, dict(headers), len(headers))
        cluster.agenda.after(WIRE, self._arrive, letter, answer)
        return await answer  # type: ignore[no-any-return]

    def _arrive(self, letter: Letter, answer: asyncio.Future[Produced]) -> None:
        cluster = self._process.world.cluster
        letter.at = cluster.agenda.now
        cluster.letters.append(letter)
        self._process.world.judge.written(letter)
        done = Produced(letter.topic, 0, len(cluster.letters))
        cluster.agenda.after(WIRE, self._process.hear, answer.set_result, done)

    async def close(self) -> None:
        """Nothing to close."""


class Offsets:
    """`kafka.offsets.Offsets`."""

    def __init__(self, *args: Any, **given: Any) -> None:
        self._cluster = _here().world.cluster

    async def _ask(self) -> Unavailable | None:
        await asyncio.sleep(2 * WIRE)
        return _AWAY if self._cluster.away else None

    async def open(self) -> Unavailable | None:
        return await self._ask()

    async def close(self) -> None:
        """Nothing to close."""

    async def log_start(self, tp: TP) -> int | Unavailable:
        return await self._ask() or self._cluster.logs[tp].first

    async def stable_end(self, tp: TP) -> int | Unavailable:
        return await self._ask() or self._cluster.logs[tp].stable

    async def at_time(self, tp: TP, timestamp_ms: int) -> int | Unavailable | None:
        if (away := await self._ask()) is not None:
            return away
        log = self._cluster.logs[tp]
        later = (row.offset for row in log.records() if row.timestamp >= timestamp_ms and row.offset >= log.first)
        return next(later, None)

    async def times_at(self, offsets: Mapping[TP, int]) -> dict[TP, int] | Unavailable:
        if (away := await self._ask()) is not None:
            return away
        rows = {tp: self._cluster.logs[tp].at(offset) for tp, offset in offsets.items()}
        return {tp: row.timestamp for tp, row in rows.items() if row is not None}


class Members:
    """`kafka.members.Members`. No webhook of a simulation has a limit, so the number changes nothing."""

    def __init__(self, *args: Any) -> None:
        """Nothing is asked."""

    async def count(self) -> int | None:
        await asyncio.sleep(0.02)
        return 1


class Ends:
    """`kafka.ends.Ends`."""

    def __init__(self, *args: Any) -> None:
        self._cluster = _here().world.cluster

    async def beyond(self, positions: Mapping[TP, int]) -> Mapping[TP, int] | None:
        await asyncio.sleep(0.02)
        if self._cluster.away:
            return None
        ends = {tp: self._cluster.logs[tp].stable for tp in positions}
        return {tp: end for tp, end in ends.items() if end > positions[tp]}


class Reader:
    """`kafka.reader.Reader`."""

    def __init__(self, kafka: Any, tp: TP, *, max_bytes: int = 1 << 20, **given: Any) -> None:
        self._process = _here()
        self._log = self._process.world.cluster.logs[tp]
        self._max_bytes = max_bytes
        self.is_open = False
        self.position = 0

    @property
    def stable_end(self) -> int | None:
        return self._log.stable if self.is_open else None

    async def open(self, position: int) -> Unavailable | None:
        await asyncio.sleep(0.02)
        if self._process.world.cluster.away:
            return _AWAY
        self.is_open, self.position = True, position
        return None

    def seek(self, position: int) -> None:
        self.position = position

    async def read(self, max_records: int, timeout: float) -> Chunk | OutOfRange | Unavailable:
        log, cluster = self._log, self._process.world.cluster
        await asyncio.sleep(2 * WIRE)
        if cluster.away:
            await asyncio.sleep(1.0)
            return _AWAY
        if not log.first <= self.position <= log.end:
            return OutOfRange(self.position, log.first)
        chunk = log.chunk(self.position, max_records, self._max_bytes)
        if chunk.end == self.position:
            await asyncio.sleep(timeout)
        self._process.world.counts["catch-up read"] += 1
        self.position = chunk.end
        return chunk

    async def close(self) -> None:
        self.is_open = False
