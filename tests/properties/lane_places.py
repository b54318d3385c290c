"""The two places around a lane: Kafka's log, and an endpoint with moods and tastes. Values and answers; remembers no outcome."""

from __future__ import annotations

from enum import Enum

from forwarder.model.attempt import Fault
from forwarder.model.event import TP, Event
from forwarder.model.verdict import Bisect, Delivered, Disable, Halve, Pace, Retry, Verdict
from tests.unit.lane.lane_rig import WALL, event


class Taste(Enum):
    """What the endpoint thinks of an event."""

    FINE = "fine"
    REFUSED = "refused"
    TOO_LARGE = "too large"
    UNWANTED = "the filter says no"
    MARKER = "no record at all"


class Mood(Enum):
    """How the endpoint answers a request."""

    WELL = "well"
    BUSY = "503"
    TIMEOUT = "timeout"
    DOWN = "connection refused"
    GONE = "410"


class Kafka:
    """`first` is where each log begins."""

    def __init__(self, tps: list[TP]) -> None:
        self.first = dict.fromkeys(tps, 0)
        self._log: dict[TP, list[tuple[Event, Taste]]] = {tp: [] for tp in tps}

    def produce(self, tp: TP, taste: Taste, now: float, severity: int) -> None:
        stamp = int((WALL + now) * 1000)
        made = event(self.end(tp), tp, timestamp_ms=stamp, when=stamp * 1_000_000, severity=severity)
        self._log[tp].append((made, taste))

    def end(self, tp: TP) -> int:
        return len(self._log[tp])

    def wanted(self, tp: TP, start: int, end: int) -> list[Event]:
        """The events that match, with offsets in `[start, end)`."""
        return [made for made, taste in self._log[tp][start:end] if taste not in (Taste.UNWANTED, Taste.MARKER)]

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
