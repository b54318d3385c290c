"""What Kafka keeps: partitions with holes and a moving start, and the checkpoint topic with its landings. Plain data, no time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from forwarder.kafka.records import Chunk
from forwarder.model.event import TP

TOPIC = "logs"
WALL = 1_700_000_000.0
"""Wall seconds at virtual 0."""


class Row(NamedTuple):
    """A consumed record, in the client library's shape."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


@dataclass
class Log:
    """One partition. `rows[offset]` is None where there is no record: a marker, an aborted or compacted one. `first` is the start;
    `stable` the offset after the last record that may be read (a transaction may be open above it)."""

    tp: TP
    rows: list[Row | None] = field(default_factory=list)
    first: int = 0
    stable: int = 0

    @property
    def end(self) -> int:
        return len(self.rows)

    def append(self, now: float, value: bytes, headers: tuple[tuple[str, bytes], ...] = ()) -> None:
        offset = len(self.rows)
        self.rows.append(
            Row(self.tp.topic, self.tp.partition, offset, int((WALL + now) * 1000), b"k%d" % offset, value, headers)
        )

    def hole(self, count: int = 1) -> None:
        self.rows += [None] * count

    def commit(self) -> None:
        """All that was written may be read."""
        self.stable = len(self.rows)

    def chunk(self, start: int, most: int, most_bytes: int = 1 << 30) -> Chunk:
        """From `start` at most `most` records, with the positions that it covers; empty when only holes follow."""
        found: list[Row] = []
        size, position = 0, start
        while position < self.stable and len(found) < most:
            row = self.rows[position]
            if row is not None:
                size += len(row.value or b"")
                if found and size > most_bytes:
                    break
                found.append(row)
            position += 1
        chunk = Chunk(found)
        chunk.tp, chunk.start, chunk.end, chunk.seek = self.tp, start, position, 0
        return chunk

    def at(self, offset: int) -> Row | None:
        """The record at that offset, if there is one that may be read."""
        return self.rows[offset] if self.first <= offset < self.stable else None

    def records(self) -> Iterator[Row]:
        """Everything that may be read, whether still there or deleted since."""
        return (row for row in self.rows[: self.stable] if row is not None)


@dataclass(eq=False)
class Reign:
    """The time during which one process had a partition, as far as the process itself knows. `loaded` is what it began from."""

    tp: TP
    process: int
    generation: int
    since: float
    loaded: Landing | None
    ended: float | None = None
    graceful: bool = False


@dataclass(eq=False)
class Landing:
    """A checkpoint record in its topic. `snapshot` is when its content was taken."""

    record: bytes
    reign: Reign
    snapshot: float
    at: float

    def covers(self, reign: Reign, moment: float) -> bool:
        """Whether what was settled in `reign` at `moment` is known to this record, or to one that it stems from."""
        landing: Landing | None = self
        while landing is not None:
            if landing.reign is reign:
                return moment <= landing.snapshot
            landing = landing.reign.loaded
        return False


class CheckpointTopic:
    """Per partition every record that landed, in that order. Compaction keeps the last, whatever its number."""

    def __init__(self, order_of: Callable[[bytes], tuple[int, int]]) -> None:
        self.landings: dict[TP, list[Landing]] = {}
        self._order_of = order_of

    def land(self, landing: Landing) -> None:
        self.landings.setdefault(landing.reign.tp, []).append(landing)

    def compact(self) -> None:
        for tp, found in self.landings.items():
            self.landings[tp] = found[-1:]

    def newest(self, tp: TP) -> Landing | None:
        """What recovery finds: the highest number; of equals the one that landed last."""
        best: Landing | None = None
        for landing in self.landings.get(tp, ()):
            if best is None or self._order_of(landing.record) >= self._order_of(best.record):
                best = landing
        return best
