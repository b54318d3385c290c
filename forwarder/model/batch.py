"""A batch: events sent in one request, and where they lie in Kafka. Frozen; knows nothing of HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from forwarder.model.event import TP, Event


@dataclass(frozen=True, slots=True)
class Batch:
    """`events` is in sending order: offset order within each partition. `number` counts batches of the lane, for logs only."""

    webhook: str
    events: tuple[Event, ...]
    number: int = 0

    @property
    def size(self) -> int:
        """Bytes of all values together."""
        return sum(len(e.value or b"") for e in self.events)


def offset_runs(events: Sequence[Event]) -> Mapping[TP, list[tuple[int, int]]]:
    """Per partition the runs `(first, last)`, both inclusive, of consecutive offsets, ascending."""
    runs: dict[TP, list[tuple[int, int]]] = {}
    for event in events:
        run = runs.setdefault(event.tp, [])
        if run and run[-1][1] + 1 == event.offset:
            run[-1] = (run[-1][0], event.offset)
        else:
            run.append((event.offset, event.offset))
    return runs
