"""Whether the demo went as promised. Pure: evidence in, a list of complaints out; an empty list is a pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from forwarder.cli.demo.record import Record
from forwarder.cli.demo.scrape import Row
from forwarder.cli.demo.vendors import Place

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known of one webhook at the end.

    `expected` are the events it must get, by number; `row` is what Forwarder counted, `record` what the receiver saw. `read` is
    the number of events that Forwarder read.
    """

    webhook: str
    healthy: bool
    expected: Mapping[int, Place]
    record: Record
    row: Row
    read: int

    @property
    def unwanted(self) -> int:
        """Events read that the webhook does not want."""
        return self.read - len(self.expected)

    @property
    def in_kafka(self) -> int:
        """Events that a webhook which is behind has yet to be offered again: they are not matched so far."""
        return len(self.expected) - self.row.matched if self.row.behind else 0


def judge(evidence: Sequence[Evidence], produced: int, read: int) -> list[str]:
    """Every complaint, one line each. `produced` is what the broker acknowledged."""
    complaints = [] if read == produced else [f"Forwarder read {read} events, {produced} were produced"]
    for one in evidence:
        found = [*_signatures(one), *_books(one), *(_healthy(one) if one.healthy else _unhealthy(one))]
        complaints += [f"{one.webhook}: {text}" for text in found]
    return complaints


def _signatures(one: Evidence) -> Iterator[str]:
    if one.record.forged:
        yield f"{one.record.forged} of {one.record.requests} requests had a signature that does not verify"
    if one.record.unsigned:
        yield f"{one.record.unsigned} of {one.record.requests} requests had no signature to check"


def _books(one: Evidence) -> Iterator[str]:
    row, arrived = one.row, len(one.record.numbers) + one.record.strangers
    settled = row.delivered + row.discarded + row.dead_lettered + row.pending
    if row.matched != settled or row.imbalance:
        yield (
            f"the books do not balance: {row.matched} matched, but {row.delivered} delivered + {row.discarded} discarded"
            f" + {row.dead_lettered} dead-lettered + {row.pending} pending = {settled} (imbalance {row.imbalance})"
        )
    if row.matched + one.in_kafka != len(one.expected) or one.in_kafka < 0:
        yield f"matched {row.matched} events, {len(one.expected)} are of its kind"
    if row.delivered != arrived:
        yield f"counted {row.delivered} events as delivered, the receiver took {arrived}"


def _healthy(one: Evidence) -> Iterator[str]:
    counts = Counter(one.record.numbers)
    missing = sorted(one.expected.keys() - counts.keys())
    repeated = sorted(number for number, count in counts.items() if count > 1)
    foreign = sorted(counts.keys() - one.expected.keys())
    if missing:
        yield f"{len(missing)} events never arrived ({_some(missing, one.expected)})"
    if repeated:
        yield f"{len(repeated)} events arrived more than once ({_some(repeated, one.expected)})"
    if foreign or one.record.strangers:
        yield f"{len(foreign) + one.record.strangers} events arrived that it does not want"
    disordered = _disorder(one)
    if disordered:
        yield f"{disordered} events arrived before an earlier one of their partition"


def _unhealthy(one: Evidence) -> Iterator[str]:
    """Nobody was there: whatever arrived all the same is wrong."""
    if one.record.requests:
        yield f"{one.record.requests} requests reached a receiver that does not listen"


def _disorder(one: Evidence) -> int:
    """How often an offset is smaller than the one before it in the same partition."""
    last: dict[tuple[str, int], int] = {}
    steps_back = 0
    for number in one.record.numbers:
        place = one.expected.get(number)
        if place is None:
            continue
        partition = (place.topic, place.partition)
        steps_back += place.offset < last.get(partition, -1)
        last[partition] = place.offset
    return steps_back


def _some(numbers: Sequence[int], places: Mapping[int, Place]) -> str:
    shown = [_where(number, places.get(number)) for number in numbers[:_SHOWN]]
    return ", ".join(shown) + (" ..." if len(numbers) > _SHOWN else "")


def _where(number: int, place: Place | None) -> str:
    return f"{place.topic}/{place.partition}/{place.offset}" if place else f"number {number}"
