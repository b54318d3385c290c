"""Fetch positions: a thin wrap of aiokafka's `FetchResult.getall` that says which offsets a result covers, and bounds it in bytes.

Only consumers that carry a `Positions` are affected. Never changes which records a consumer gets.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Collection
from typing import Any

from aiokafka.consumer import fetcher

from forwarder.kafka.records import Chunk, Record
from forwarder.model.event import TP

_getall = fetcher.FetchResult.getall

CHUNK_BYTES = 1024 * 1024
"""A chunk ends with the record that reaches this many bytes: compressed, a fetch of 1 MiB may hold a gigabyte of records."""

_LARGE_BYTES = 8 * 1024
_AT_ONCE = 8


class Positions:
    """The fetch positions that one consumer has passed, per partition of the marked topics.

    `chunk_bytes` bounds the records of a partition that are handed over at once, `room` those of all partitions until the
    consumer sets it again. It travels to each fetch result as the consumer's value deserializer;
    being false it is never called as one. Written in the consumer's thread and read from any: every value is replaced as a whole.
    """

    def __init__(self, topics: Collection[str], chunk_bytes: int = CHUNK_BYTES) -> None:
        self.topics = frozenset(topics)
        self.chunk_bytes = chunk_bytes
        self.room = math.inf
        self.seeks = 0
        self._runs: dict[tuple[str, int], tuple[int, int]] = {}

    def __bool__(self) -> bool:
        return False

    def attach(self, consumer: Any) -> None:
        """Mark a consumer that has not been started yet."""
        consumer._value_deserializer = self

    def sought(self) -> None:
        """The position was changed: what was passed before does not belong to what comes."""
        self.seeks += 1
        self._runs = {}

    def passed(self, tp: TP) -> tuple[int, int] | None:
        """Positions `[start, end)` after the last chunk that held no record; empty right after a chunk."""
        return self._runs.get(tp)

    def fresh(self, chunk: Chunk) -> bool:
        """False when the position was changed after this chunk was fetched: it will be fetched again."""
        return chunk.seek == self.seeks

    def cover(self, tp: Any, start: int, end: int, records: list[Record]) -> list[Record]:
        """Note that `[start, end)` was passed; returns the records as a chunk, or the empty list."""
        run = self._runs.get(tp)
        first = run[0] if run and run[1] == start else start
        if not records:
            if end > start:
                self._runs[tp] = (first, end)
            return records
        self._runs[tp] = (end, end)
        chunk = Chunk(records)
        chunk.tp, chunk.start, chunk.end, chunk.seek = TP(tp[0], tp[1]), first, end, self.seeks
        return chunk


@functools.wraps(_getall)
def _covering_getall(self: Any, max_records: int | None = None) -> list[Record]:
    unpacked, tp = self._partition_records, self._topic_partition
    positions = getattr(unpacked, "_value_deserializer", None)
    if not isinstance(positions, Positions) or tp.topic not in positions.topics:
        result: list[Record] = _getall(self, max_records)
        return result
    start = unpacked.next_fetch_offset
    records, size = _up_to(self, min(positions.chunk_bytes, positions.room), max_records)
    positions.room -= size
    return positions.cover(tp, start, unpacked.next_fetch_offset, records)


def _up_to(result: Any, most_bytes: float, most_records: int | None) -> tuple[list[Record], int]:
    """Records and the bytes of their values: no more of them once `most_bytes` are reached. Large ones come one by one, small ones
    a few at a time; what is left stays where it is, compressed."""
    records: list[Record] = []
    size, step = 0, 1
    while result.has_more() and size < most_bytes and (most_records is None or len(records) < most_records):
        some = _getall(result, step if most_records is None else min(step, most_records - len(records)))
        if not some:
            break
        records += some
        added = sum([record.serialized_value_size for record in some])
        size += added
        step = 1 if added > _LARGE_BYTES * len(some) else _AT_ONCE
    return records, size


def release_fetched(consumer: Any, tp: Any) -> None:
    """Free what was fetched ahead and a seek is about to drop. A result and its generator hold each other: left alone, a whole
    fetch response waits for the collector, which in a process that makes few objects comes after hundreds of megabytes."""
    held = consumer._fetcher._records.get(tp)
    unpacked = getattr(held, "_partition_records", None)
    if unpacked is not None:
        unpacked._records_iterator = None


def install() -> None:
    """Put the wrap in place; doing it again changes nothing."""
    fetcher.FetchResult.getall = _covering_getall
