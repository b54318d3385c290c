"""Records as they come from Kafka: a record's shape and the chunk that carries the fetch positions it covers.

Holds no connection and never looks into a record's value.
"""

from __future__ import annotations

from typing import Protocol

from forwarder.model.event import TP, Headers


class Record(Protocol):
    """What is read of a consumed record (the client library's own tuple satisfies it)."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Headers: ...


class Chunk(list[Record]):
    """Consecutive records of one partition, in offset order.

    `start` and `end` are fetch positions: every offset in `[start, end)` is either in the chunk or is no record at all
    (a transaction marker, an aborted batch, a hole left by compaction). So `start > expected` is a gap, and only that.
    `seek` numbers the position change that the chunk was fetched after.
    """

    __slots__ = ("end", "seek", "start", "tp")

    tp: TP
    start: int
    end: int
    seek: int
