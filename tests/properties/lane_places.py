"""The places around a lane: Kafka's log, its checkpoints, and an endpoint with moods and tastes. Remembers no outcome."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import cast

from forwarder.flow.marks import books, marks
from forwarder.flow.roster import Roster
from forwarder.lane.lane import Lane
from forwarder.model.attempt import Fault
from forwarder.model.event import TP, Event
from forwarder.model.verdict import Bisect, Delivered, Disable, Halve, Pace, Partial, Retry, Verdict
from forwarder.progress.checkpoint import AccountRecord, Checkpoint, decode, encode, order_of
from tests.unit.lane.lane_rig import WALL, event


class Taste(Enum):
    """What the endpoint thinks of an event."""

    FINE = "fine"
    REFUSED = "refused"
    TOO_LARGE = "too large"
    UNWANTED = "the filter says no"
    DISPUTED = "one filter says no, the other yes"
    MARKER = "no record at all"


class Mood(Enum):
    """How the endpoint answers a request."""

    WELL = "well"
    BUSY = "503"
    TIMEOUT = "timeout"
    DOWN = "connection refused"
    GONE = "410"
    MIXED = "item by item"


class Kafka:
    """`first` is where each log begins. `broad`: which of two filters the webhook has."""

    def __init__(self, tps: list[TP]) -> None:
        self.first = dict.fromkeys(tps, 0)
        self.broad = False
        self._log: dict[TP, list[tuple[Event, Taste]]] = {tp: [] for tp in tps}

    def produce(self, tp: TP, taste: Taste, now: float, severity: int) -> None:
        stamp = int((WALL + now) * 1000)
        made = event(self.end(tp), tp, timestamp_ms=stamp, when=stamp * 1_000_000, severity=severity)
        self._log[tp].append((made, taste))

    def end(self, tp: TP) -> int:
        return len(self._log[tp])

    def wanted(self, tp: TP, start: int, end: int) -> list[Event]:
        """The events that match, with offsets in `[start, end)`."""
        no = {Taste.UNWANTED, Taste.MARKER} | (set() if self.broad else {Taste.DISPUTED})
        return [made for made, taste in self._log[tp][start:end] if taste not in no]

    def certain(self, tp: TP, start: int, end: int) -> list[Event]:
        """Those of them that match by either filter."""
        return [item for item in self.wanted(tp, start, end) if self.taste(item) is not Taste.DISPUTED]

    def records(self, tp: TP, start: int, end: int) -> list[int]:
        """The offsets in `[start, end)` that hold a record at all."""
        return [made.offset for made, taste in self._log[tp][max(0, start) : end] if taste is not Taste.MARKER]

    def delete(self, tp: TP, upto: int) -> None:
        """Retention."""
        self.first[tp] = max(self.first[tp], min(upto, self.end(tp)))

    def taste(self, item: Event) -> Taste:
        return self._log[item.tp][item.offset][1]


def judge(tastes: set[Taste], mood: Mood) -> tuple[Verdict, Fault | None]:
    """The endpoint's answer to a batch with events of these tastes, and why there was none."""
    match mood:
        case Mood.BUSY:
            return Retry(Pace.NORMAL, "503"), None
        case Mood.TIMEOUT:
            return Retry(Pace.NORMAL, "timeout"), Fault.TIMEOUT
        case Mood.DOWN:
            return Retry(Pace.NORMAL, "refused"), Fault.REFUSED
        case Mood.GONE:
            return Disable("410"), None
    if Taste.TOO_LARGE in tastes:
        return Halve("413"), None
    return (Bisect("400"), None) if Taste.REFUSED in tastes else (Delivered(), None)


def judge_each(tastes: list[Taste]) -> Partial:
    """The answer of an endpoint that speaks of each event: every other one that it likes is to be sent again."""
    bad = (Taste.REFUSED, Taste.TOO_LARGE)
    refused = tuple(index for index, taste in enumerate(tastes) if taste in bad)
    return Partial("item by item", tuple(index for index in range(1, len(tastes), 2) if index not in refused), refused)


class Shelf:
    """The newest checkpoint of each partition, as records."""

    def __init__(self, tps: list[TP]) -> None:
        first = encode(Checkpoint(epoch=1, seq=0, position=0, known=["siem"]), 1_000_000)
        self._records = dict.fromkeys(tps, first)

    def save(self, lane: Lane, positions: Mapping[TP, int]) -> None:
        """Write what the lane's marks say; each record is newer than the one before."""
        told = self.books(lane, positions)
        for tp, found in marks(cast(Roster, _Lanes(lane)), positions, list(self._records)).items():
            seq = decode(self._records[tp]).seq + 1
            record = encode(Checkpoint(1, seq, positions[tp], found, books=told[tp]), 1_000_000)
            assert order_of(record) > order_of(self._records[tp])
            self._records[tp] = record

    def books(self, lane: Lane, positions: Mapping[TP, int]) -> dict[TP, dict[str, AccountRecord]]:
        """The lane's accounts as a checkpoint tells them."""
        return books(cast(Roster, _Lanes(lane)), positions, list(self._records))

    def load(self) -> dict[TP, Checkpoint]:
        return {tp: decode(record) for tp, record in self._records.items()}


class _Lanes:
    """As much of a roster as marks need."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self.fingerprints = {lane.name: "f"}

    def __iter__(self) -> Iterator[Lane]:
        yield self._lane
