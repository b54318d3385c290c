"""The ledger of discards: which offsets were given up for which webhook, so that they can be sent later. Builds values only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from forwarder.model.batch import offset_runs
from forwarder.model.event import TP, Event


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


MOST_RUNS = 10_000
"""In one entry: longer ones are split, so that none is too large for its topic."""


def entries(webhook: str, reason: str, cluster: str, events: Sequence[Event], at: float) -> Iterator[LedgerEntry]:
    """At least one entry per partition."""
    for tp, runs in offset_runs(events).items():
        yield from entries_of(webhook, reason, cluster, tp, runs, at)


def entries_of(
    webhook: str,
    reason: str,
    cluster: str,
    tp: TP,
    runs: Sequence[tuple[int, int]],
    at: float,
    count: int | None = None,
) -> Iterator[LedgerEntry]:
    """Runs of one partition. `count` is the number of events in all of them, where it is less than that of their offsets."""
    for start in range(0, len(runs), MOST_RUNS):
        some = list(runs[start : start + MOST_RUNS])
        offsets = sum(last - first + 1 for first, last in some)
        events = offsets if count is None or len(runs) > MOST_RUNS else count
        yield LedgerEntry(webhook, reason, cluster, tp.topic, tp.partition, some, events, at)


def encode(entry: LedgerEntry) -> bytes:
    """JSON, one object."""
    return msgspec.json.encode(entry)
