"""What a checkpoint says of a batch that was frozen when the process ended, and how to put it together again. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from forwarder.lane.flight import Part, part_of
from forwarder.lane.window import sending_order
from forwarder.model.event import TP, Event

Runs = Mapping[TP, list[tuple[int, int]]]


@dataclass(frozen=True, slots=True)
class Refreeze:
    """`runs` are the batch's offsets, both ends inclusive; `count` its events; `attempts` those already made; `earlier` those in
    batches that it was split from; `first_attempt` and `last_attempt` wall seconds, 0 when none is known."""

    runs: Runs
    count: int
    attempts: int
    earlier: int = 0
    first_attempt: float = 0.0
    last_attempt: float = 0.0

    def contains(self, event: Event) -> bool:
        return any(first <= event.offset <= last for first, last in self.runs.get(event.tp, ()))

    def complete(self, behind: Mapping[TP, int], owned: set[TP]) -> bool:
        """Whether everything that can come has come: each of its partitions is ours, and catch-up is past its last offset."""
        return not any(tp in owned and self.needs(tp, behind) for tp in self.runs)

    def last(self, tp: TP) -> int | None:
        """The batch's last offset in `tp`; None when it has none there."""
        runs = self.runs.get(tp)
        return runs[-1][1] if runs else None

    def needs(self, tp: TP, behind: Mapping[TP, int]) -> bool:
        """Whether catch-up has not yet brought all of the batch's events of `tp`."""
        last = self.last(tp)
        return last is not None and behind.get(tp, last + 1) <= last

    def part(self, events: list[Event]) -> Part:
        """The same batch where every event is back; else (partitions moved, filter changed) a new one of what is there.

        The same batch must stay whole: nobody knows any more whether an attempt of it has reached the receiver.
        """
        part = part_of(sending_order(sorted(events, key=lambda e: (e.tp, e.offset))))
        if len(events) == self.count:
            part.attempts, part.ambiguous = self.attempts, True
            part.earlier = self.earlier
        else:
            part.earlier = self.earlier + self.attempts
        part.first_attempt, part.last_attempt = self.first_attempt, self.last_attempt
        return part
