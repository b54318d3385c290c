"""What a receiver knows of a request: the headers that Forwarder writes, read back, and the count of repeated events. No sockets."""

from __future__ import annotations

import gzip
import re
import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import cramjam
import msgspec

Run = tuple[int, int]
Place = tuple[str, int]
_PARTITION = re.compile(r"([A-Za-z0-9._-]+)/(\d+):(\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*)")

_COUNT = re.compile(r"(?:^|(?<=;))([a-z_]+)=([0-9]+)(?=;|$)")


@dataclass(frozen=True, slots=True)
class Offsets:
    """The records in a request: by (topic, partition), runs of offsets, both ends inclusive.

    `exact` is False for a hull: the request holds some of these offsets (the header would have been too long).
    """

    runs: Mapping[Place, tuple[Run, ...]] = field(default_factory=dict)
    exact: bool = True


def parse_offsets(text: str) -> Offsets:
    """Reads a `Forwarder-Offsets` header: `topic/0:5-9,12;topic/3:7`, or a hull after `~`. Raises ValueError."""
    exact = not text.startswith("~")
    runs: dict[Place, tuple[Run, ...]] = {}
    for part in filter(None, text.removeprefix("~").split(";")):
        match = _PARTITION.fullmatch(part)
        if match is None:
            raise ValueError(f"{part!r} is not written as topic/partition:first-last,...")
        runs[match[1], int(match[2])] = tuple(_run(run) for run in match[3].split(","))
    return Offsets(runs, exact)


def _run(text: str) -> Run:
    first, _, last = text.partition("-")
    run = (int(first), int(last or first))
    if run[1] < run[0]:
        raise ValueError(f"{text!r} runs backwards")
    return run


def parse_counts(text: str) -> dict[str, int]:
    """Reads a `Forwarder-Discarded` header: `expired=3;shed=1`. What is not written like this is passed over."""
    return {match[1]: int(match[2]) for match in _COUNT.finditer(text)}


_UNPACKING: Mapping[str, Callable[[bytes], Any]] = {"gzip": gzip.decompress, "zstd": cramjam.zstd.decompress}


def unpacked(sent: bytes, encoding: str) -> bytes:
    """The body without its content encoding; what cannot be unpacked is left as it is."""
    unpack = _UNPACKING.get(encoding.strip().lower(), bytes)
    try:
        return bytes(unpack(sent))
    except (OSError, EOFError, zlib.error, cramjam.DecompressionError):
        return sent


def parse_events(body: bytes, content_type: str) -> list[Any]:
    """The events of a body in any of the payload formats; [] when it is none of them."""
    try:
        if "ndjson" in content_type:
            return [msgspec.json.decode(line) for line in body.splitlines() if line.strip()]
        found = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return []
    if isinstance(found, dict) and isinstance(found.get("events"), list):
        found = found["events"]
    return found if isinstance(found, list) else [found]


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request and what became of it. `at` is wall time in seconds; `headers` has lower-case names.

    `verified` is None when there is no key to check with; `reason` says why it is False. `status` is the answer's, 0 when there
    was none. `new` and `repeated` count the events of an accepted request.
    """

    at: float
    headers: Mapping[str, str]
    body: bytes
    offsets: Offsets
    verified: bool | None
    reason: str
    status: int
    accepted: bool
    new: int = 0
    repeated: int = 0

    @property
    def batch_id(self) -> str:
        return self.headers.get("forwarder-batch-id", "")

    @property
    def attempt(self) -> int:
        """1 for the first; 0 when the sender does not say."""
        return _number(self.headers.get("forwarder-attempt", ""))

    @property
    def count(self) -> int:
        """Events, by the sender's word."""
        return _number(self.headers.get("forwarder-events", ""))

    @property
    def discarded(self) -> dict[str, int]:
        """Events that the sender gave up since its last delivery, by reason."""
        return parse_counts(self.headers.get("forwarder-discarded", ""))

    @property
    def events(self) -> list[Any]:
        """The body, decoded (anew at each call)."""
        return parse_events(self.body, self.headers.get("content-type", ""))

    @property
    def ids(self) -> list[Any]:
        """The `id` of each event, in the body's order; None where it has none."""
        return [event.get("id") if isinstance(event, dict) else None for event in self.events]


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0


class Seen:
    """Which records came already, by cluster, topic and partition: a few numbers per run, however many events.

    Hulls cannot be compared by offsets; their batches are known again by their id.
    """

    def __init__(self) -> None:
        self._runs: dict[tuple[str, Place], list[Run]] = {}
        self._hulls: set[str] = set()

    def add(self, cluster: str, batch_id: str, offsets: Offsets, count: int) -> tuple[int, int]:
        """`(new, repeated)` events of this request. `count` is used where the offsets do not tell."""
        if not offsets.exact or not offsets.runs:
            known = bool(batch_id) and batch_id in self._hulls
            self._hulls.add(batch_id)
            return (0, count) if known else (count, 0)
        new = total = 0
        for place, runs in offsets.runs.items():
            known_runs = self._runs.setdefault((cluster, place), [])
            for run in runs:
                new += _merge(known_runs, run)
                total += run[1] - run[0] + 1
        return new, total - new


def _merge(runs: list[Run], run: Run) -> int:
    """Adds `run` to the ascending, disjoint, never adjoining `runs`; how many of its numbers were not in there."""
    low = bisect_left(runs, run[0] - 1, key=lambda known: known[1])
    high = bisect_right(runs, run[1] + 1, key=lambda known: known[0])
    touched = runs[low:high]
    overlaps = (min(run[1], last) - max(run[0], first) + 1 for first, last in touched)
    known = sum(overlap for overlap in overlaps if overlap > 0)
    ends = [run, *touched]
    runs[low:high] = [(min(first for first, _ in ends), max(last for _, last in ends))]
    return run[1] - run[0] + 1 - known
