"""What the pipeline may do with its consumer group: commit, write and read checkpoints, pause, ask for positions.

Never waits for the broker longer than `ANSWER_SECONDS`; what is not answered by then is unknown, neither done nor failed.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from forwarder.kafka.private.app import CheckpointTable, MendedApp
from forwarder.kafka.records import Chunk
from forwarder.kafka.upkeep import Upkeep
from forwarder.model.event import TP

ANSWER_SECONDS = 5.0


OVERDUE_SECONDS = 1.0
"""How long is waited for a commit that has already been waited for: everybody behind it waits too."""

NO_NOTES: Mapping[TP, str] = {}


class Fence(Enum):
    """The group's word on a commit. REFUSED: write nothing and start no attempt, a revoke follows. UNKNOWN: write nothing,
    go on with what is in memory, ask again."""

    OK = "ok"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Committed:
    """The group's offset of a partition, and the text that was committed beside it ("" when somebody else did)."""

    offset: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The checkpoint is in Kafka."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The checkpoint is not in Kafka; `text` says why."""

    text: str


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Nobody knows whether the checkpoint is in Kafka: write a newer one."""


Written = Acknowledged | Failed | Unanswered


class Group:
    """One membership of one worker. All methods belong to the worker's event loop; none of them raises for a broker's sake."""

    def __init__(
        self,
        app: MendedApp,
        tables: Mapping[str, CheckpointTable],
        *,
        upkeep: Upkeep | None = None,
    ) -> None:
        self._app = app
        self._tables = tables
        self._locks: defaultdict[frozenset[str], asyncio.Lock] = defaultdict(asyncio.Lock)
        self._committing: dict[frozenset[str], asyncio.Future[bool]] = {}
        self._upkeep = upkeep
        self._unanswered: set[asyncio.Task[None]] = set()
        self._owned: frozenset[TP] = frozenset()
        self._first_seek: int | None = None

    @property
    def generation(self) -> int:
        """The number that the group gave to the last assignment."""
        number: int = self._app.consumer_generation_id
        return number

    @property
    def reachable(self) -> bool:
        """False while the broker that leads the group does not answer."""
        known: bool = self._app.consumer.knows_coordinator()
        return known

    def assignment(self) -> frozenset[TP]:
        """The source partitions that were handed to the pipeline and are not revoked."""
        return self._owned

    async def commit(self, offsets: Mapping[TP, int], notes: Mapping[TP, str] = NO_NOTES) -> Fence:
        """Commit next offsets for source partitions; also the fence before a checkpoint. `offsets` must not be empty.

        `notes` are kept beside the offsets (at most 4096 bytes each, Kafka's default). Commits of one set of topics wait for
        each other, those of different ones do not: one for a topic that was deleted is never answered.
        """
        if not offsets:
            raise ValueError("a commit needs at least one partition")
        topics = frozenset(tp.topic for tp in offsets)
        async with self._locks[topics]:
            return await self._commit(topics, offsets, notes)

    async def _commit(self, topics: frozenset[str], offsets: Mapping[TP, int], notes: Mapping[TP, str]) -> Fence:
        if not await _answered(self._committing.get(topics), OVERDUE_SECONDS):
            return Fence.UNKNOWN
        if not self._owns(offsets):
            return Fence.REFUSED
        generation = self.generation
        committing = asyncio.ensure_future(self._app.consumer.commit_offsets(dict(offsets), dict(notes)))
        self._committing[topics] = committing
        if not await _answered(committing):
            return Fence.UNKNOWN
        if committing.cancelled() or committing.exception() is not None:
            return Fence.UNKNOWN
        confirmed = committing.result() and self._owns(offsets) and generation == self.generation
        return Fence.OK if confirmed else Fence.REFUSED

    async def committed(self, tps: Iterable[TP]) -> Mapping[TP, Committed] | None:
        """What the group has committed; partitions without a commit are left out. None: no answer in time."""
        asking = asyncio.ensure_future(self._app.consumer.committed(list(tps)))
        if not await _answered(asking):
            asking.cancel()
            return None
        if asking.cancelled() or asking.exception() is not None:
            return None
        return {TP(*tp): Committed(offset, note) for tp, (offset, note) in asking.result().items()}

    async def write_checkpoint(self, tp: TP, record: bytes) -> Written:
        """Write `tp`'s checkpoint and wait for the broker. An unanswered one may still land: the order decides then."""
        written = await self._write(tp, record)
        if self._upkeep is not None and not isinstance(written, Acknowledged):
            self._upkeep.suspect()
        return written

    async def _write(self, tp: TP, record: bytes) -> Written:
        writing = asyncio.ensure_future(self._tables[tp.topic].write(tp.partition, record))
        if not await _answered(writing):
            self._unanswered.add(writing)
            writing.add_done_callback(self._forget)
            return Unanswered()
        failure = None if writing.cancelled() else writing.exception()
        if writing.cancelled() or failure is not None:
            return Failed(f"{type(failure).__name__}: {failure}")
        return Acknowledged()

    def read_checkpoint(self, tp: TP) -> bytes | None:
        """The newest record by `(epoch, seq)`: as recovered, or as acknowledged since. Valid for partitions that we own."""
        return self._tables[tp.topic].record(tp.partition)

    def checkpoint_topic(self, source: str) -> str:
        """The name of the topic that holds a source topic's checkpoints."""
        name: str = self._tables[source].changelog_topic.get_topic_name()
        return name

    def start_at(self, offsets: Mapping[TP, int]) -> None:
        """Where to read on; call it in `on_assigned`. Partitions not named start at the committed offset."""
        self._app.starts.update(offsets)

    def pause(self, tps: Iterable[TP]) -> None:
        """Fetch no more. Chunks already fetched still arrive. A rebalance forgets all pauses."""
        self._app.consumer.hold(tps)

    def resume(self, tps: Iterable[TP]) -> None:
        """Fetch again; may take a second."""
        self._app.consumer.release(tps)

    def stable_end(self, tp: TP) -> int | None:
        """The offset after the last readable record, from the newest fetch response; None before the first one."""
        end: int | None = self._app.consumer.readable_end(tp)
        return end

    def log_end(self, tp: TP) -> int | None:
        """The offset after the last record of any kind, from the newest fetch response; None before the first one."""
        end: int | None = self._app.consumer.log_end(tp)
        return end

    def fetch_position(self, tp: TP) -> int | None:
        """The next offset that the consumer will hand over: what lies below and never arrived was skipped."""
        position: int | None = self._app.consumer.fetch_position(tp)
        return position

    def passed(self, tp: TP) -> tuple[int, int] | None:
        """Positions `[start, end)` after the last chunk that hold no record (markers, aborted batches, compaction)."""
        return self._app.positions.passed(tp)

    def install(self, owned: frozenset[TP]) -> None:
        """For the worker alone: these partitions are now the pipeline's."""
        self._owned, self._first_seek = owned, None
        self._app.starts.clear()

    def open(self) -> None:
        """For the worker alone: the pipeline knows where to start; chunks fetched after the next seek are its."""
        self._first_seek = self._app.positions.seeks + 1

    def admits(self, chunk: Chunk) -> bool:
        """False for a chunk that was fetched for an earlier assignment, or before the position was set."""
        return self._first_seek is not None and chunk.seek >= self._first_seek and chunk.tp in self._owned

    def uninstall(self, revoked: frozenset[TP]) -> None:
        """For the worker alone: these partitions are no longer the pipeline's."""
        self._owned -= revoked

    def _forget(self, writing: asyncio.Task[None]) -> None:
        """A late answer changes nothing here; looking at it keeps the loop from reporting it as lost."""
        self._unanswered.discard(writing)
        if not writing.cancelled():
            writing.exception()

    def _owns(self, offsets: Iterable[TP]) -> bool:
        assigned = self._app.consumer.assignment()
        return all(tp in assigned for tp in offsets)


async def _answered(future: asyncio.Future[Any] | None, seconds: float = ANSWER_SECONDS) -> bool:
    """Wait for a future without ever cancelling it."""
    if future is None or future.done():
        return True
    done, _ = await asyncio.wait({future}, timeout=seconds)
    return bool(done)
