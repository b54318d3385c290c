"""The ledger of discards: which offsets were given up for which webhook, so that they can be sent later. Builds values only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from forwarder.model.batch import offset_runs
from forwarder.model.event import Event


class LedgerEntry(msgspec.Struct, frozen=True):
    """Events of one webhook and partition that were discarded together. `runs` are inclusive; `at` is wall seconds."""

    webhook: str
    reason: str
    cluster: str
    topic: str
    partition: int
    runs: list[tuple[int, int]]
    count: int
    at: float


def entries(webhook: str, reason: str, cluster: str, events: Sequence[Event], at: float) -> Iterator[LedgerEntry]:
    """One entry per partition."""
    for tp, runs in offset_runs(events).items():
        count = sum(last - first + 1 for first, last in runs)
        yield LedgerEntry(webhook, reason, cluster, tp.topic, tp.partition, runs, count, at)


def encode(entry: LedgerEntry) -> bytes:
    """JSON, one object."""
    return msgspec.json.encode(entry)
