"""Reads the headers that a receiver can check a request by: `Forwarder-Offsets` and `Forwarder-Discarded`. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from tests.chaos.verdict_journal import Place


@dataclass(frozen=True, slots=True)
class Offsets:
    """Inclusive runs by topic and partition. `exact` is False for hulls (`~`), which may leave offsets out."""

    exact: bool
    runs: dict[tuple[str, int], list[tuple[int, int]]]

    def holds(self, place: Place) -> bool:
        return any(first <= place[2] <= last for first, last in self.runs.get(place[:2], ()))

    def count(self) -> int:
        return sum(last - first + 1 for runs in self.runs.values() for first, last in runs)


def parse_offsets(text: str) -> Offsets:
    """`topic/0:5-9,12;topic/3:7`, or the same behind `~` as hulls. Raises ValueError."""
    exact = not text.startswith("~")
    runs: dict[tuple[str, int], list[tuple[int, int]]] = {}
    for group in filter(None, text.lstrip("~").split(";")):
        name, _, numbers = group.rpartition(":")
        topic, _, partition = name.rpartition("/")
        runs[topic, int(partition)] = [_run(part) for part in numbers.split(",")]
    return Offsets(exact, runs)


def _run(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    return int(first), int(last or first)


def told_discards(text: str) -> Counter[str]:
    """`expired=3;shed=1` as counts by reason. Raises ValueError."""
    counts: Counter[str] = Counter()
    for part in filter(None, text.split(";")):
        reason, _, count = part.partition("=")
        counts[reason.strip()] += int(count)
    return counts
