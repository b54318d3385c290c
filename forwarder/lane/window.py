"""The window of one lane: events waiting for company. Pure: time is an argument (monotonic seconds). Never sends, never drops.

Rules (settings: throttle maxWait idleGap maxEvents maxBytes flushLevel):
- a full window, or one that holds an event at or above flushLevel, is due at once (strict: when the throttle allows);
- so is a `crowded` one: its lane has no memory for more company;
- without idleGap it is due max(throttle, maxWait) after the last batch started, so that after a pause the first event goes at once;
- with idleGap it is due when nothing came for that long, or its first event has waited maxWait, but never inside the throttle;
- a window that is not empty always has a due time: the tail is never stranded.
"""

from __future__ import annotations

import heapq
import math
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate, islice
from operator import attrgetter

from forwarder.lane.policy import LanePolicy
from forwarder.lane.sizes import body_size
from forwarder.model.event import TP, Event


class Window:
    """Events in arrival order. `bytes` is what they add to a body; `taken` and `marks` remember when the oldest one arrived."""

    __slots__ = ("_added", "_marks", "_taken", "bytes", "crowded", "cuts", "events", "last_added", "urgent")

    def __init__(self) -> None:
        self.events: deque[Event] = deque()
        self.bytes = 0
        self.urgent = 0
        self.cuts = 0
        self.crowded = False
        self.last_added = -math.inf
        self._added = 0
        self._taken = 0
        self._marks: deque[tuple[int, float]] = deque()

    def __len__(self) -> int:
        return len(self.events)

    def extend(self, events: Sequence[Event], now: float, policy: LanePolicy) -> bool:
        """Append events that arrived together; returns whether the window may be due earlier by that.

        The hot path of the whole program: no Python call per event where none is needed.
        """
        waiting, urgent = len(self.events), self.urgent
        odd = any([event.text or event.problem is not None for event in events])
        if policy.idle_gap is not None:
            self._note_gaps(events, policy.idle_gap)
        self.events.extend(events)
        if odd or policy.wrapped:
            self.bytes += sum([body_size(event, policy.wrapping) for event in events])
        else:
            self.bytes += sum([4 if e.value is None else len(e.value) for e in events]) + len(
                events
            )  # body_size, inlined
        if now != self.last_added:
            self._marks.append((self._added, now))
            self.last_added = now
        self._added += len(events)
        if odd or policy.flush_level is not None:
            self.urgent += sum(_urgent(event, policy) for event in events)
        return not waiting or self.urgent > urgent or self.cuts > 0 or self.is_full(policy)

    @property
    def opened(self) -> float:
        """When the oldest event arrived; minus infinity when empty."""
        return self._marks[0][1] if self._marks else -math.inf

    def is_full(self, policy: LanePolicy) -> bool:
        return len(self.events) >= policy.max_events or self.bytes >= policy.max_bytes or self.crowded

    def due_at(self, policy: LanePolicy, last_start: float) -> float:
        """The time at which the next batch may start: infinity when empty, minus infinity for "at once"."""
        if not self.events:
            return math.inf
        floor = last_start + policy.throttle
        if self.urgent or self.is_full(policy):
            return floor if policy.strict else -math.inf
        if policy.idle_gap is None:
            return max(self.opened, last_start + policy.interval)
        if self.cuts:
            return floor
        return max(min(self.last_added + policy.idle_gap, self.opened + policy.max_wait), floor)

    def take(self, policy: LanePolicy, most: int) -> list[Event]:
        """Remove and return the next batch, at most `most` events, in sending order. Events with a problem come alone."""
        if (
            len(self.events) <= min(most, policy.max_events)
            and self.bytes < policy.max_bytes
            and not self._mixed(policy)
        ):
            batch = list(self.events)
            self.events.clear()
            self._taken += len(batch)
            self.bytes = self.urgent = self.cuts = 0
            self._trim_marks()
            return sending_order(batch)
        return self._take_some(policy, most)

    def _mixed(self, policy: LanePolicy) -> bool:
        """Whether one batch may not hold everything, whatever its size."""
        return policy.idle_gap is not None or (self.urgent > 0 and any(e.problem is not None for e in self.events))

    def _take_some(self, policy: LanePolicy, most: int) -> list[Event]:
        self.crowded = False
        most = min(most, policy.max_events)
        batch = self._take_mixed(policy, most) if self._mixed(policy) else self._take_plain(policy, most)
        self._taken += len(batch)
        self._recount(batch, policy)
        return sending_order(batch)

    def _take_plain(self, policy: LanePolicy, most: int) -> list[Event]:
        """As many as fit, and at least one."""
        sizes = list(accumulate([body_size(event, policy.wrapping) for event in islice(self.events, most)]))
        count = max(1, bisect_left(sizes, policy.max_bytes))
        return [self.events.popleft() for _ in range(count)]

    def _take_mixed(self, policy: LanePolicy, most: int) -> list[Event]:
        """As `_take_plain`, up to a change between events with a problem and without, or a gap in time."""
        dead = self.events[0].problem is not None
        batch: list[Event] = []
        size = 0
        while self.events and len(batch) < most:
            event = self.events[0]
            body = body_size(event, policy.wrapping)
            if batch and (
                (event.problem is not None) != dead
                or size + body >= policy.max_bytes
                or self._gap_before(event, batch[-1], policy)
            ):
                break
            batch.append(self.events.popleft())
            size += body
        return batch

    def take_where(self, wanted: Callable[[Event], bool], policy: LanePolicy) -> list[Event]:
        """Remove and return the events that satisfy `wanted`, in arrival order."""
        chosen: list[Event] = []
        kept: deque[Event] = deque()
        for event in self.events:
            (chosen if wanted(event) else kept).append(event)
        if chosen:
            self.events = kept
            self._taken += len(chosen)
            self._recount(chosen, policy)
        return chosen

    def drop_newest(self, keep: int, policy: LanePolicy) -> list[Event]:
        """Remove all but the oldest `keep` events and return the removed, in arrival order (to be read from Kafka again)."""
        dropped = [self.events.pop() for _ in range(len(self.events) - keep)]
        dropped.reverse()
        self._added -= len(dropped)
        while self._marks and self._marks[-1][0] >= self._added:
            self._marks.pop()
        self.last_added = self._marks[-1][1] if self._marks else -math.inf
        self._recount(dropped, policy)
        return dropped

    def first_offsets(self) -> dict[TP, int]:
        """The oldest offset per partition. Linear; used once per checkpoint."""
        firsts: dict[TP, int] = {}
        for event in self.events:
            if event.tp not in firsts:
                firsts[event.tp] = event.offset
        return firsts

    def _gap_before(self, event: Event, previous: Event, policy: LanePolicy) -> bool:
        return policy.idle_gap is not None and _apart(previous.time_ns, event.time_ns, policy.idle_gap)

    def _note_gaps(self, events: Sequence[Event], gap: float) -> None:
        last = self.events[-1].time_ns if self.events else events[0].time_ns
        for event in events:
            if _apart(last, event.time_ns, gap):
                self.cuts += 1
            last = event.time_ns

    def _recount(self, removed: Sequence[Event], policy: LanePolicy) -> None:
        """Bring the sums up to date after events have left."""
        self.bytes -= sum([body_size(event, policy.wrapping) for event in removed])
        if self.urgent:
            self.urgent -= sum(_urgent(event, policy) for event in removed)
        if self.cuts and policy.idle_gap is not None:
            self.cuts = _count_cuts(self.events, policy.idle_gap)
        self._trim_marks()

    def _trim_marks(self) -> None:
        marks = self._marks
        if not self.events:
            marks.clear()
            self.last_added = -math.inf
            self.crowded = False
            return
        while len(marks) > 1 and marks[1][0] <= self._taken:
            marks.popleft()


def sending_order(events: list[Event]) -> list[Event]:
    """Offset order within a partition; between partitions merged by the records' timestamps.

    Depends only on the set of events, never on the order in which they arrived: a batch put together again after a restart has
    the same bytes.
    """
    by_partition: dict[TP, list[Event]] = {}
    for event in events:
        try:
            by_partition[event.tp].append(event)
        except KeyError:
            by_partition[event.tp] = [event]
    if len(by_partition) == 1:
        return events
    parts = [by_partition[tp] for tp in sorted(by_partition)]
    if all(_ascending([event.timestamp_ms for event in part]) for part in parts):
        merged = [event for part in parts for event in part]
        merged.sort(key=_timestamp)  # stable, and fast on runs that are in order already
        return merged
    return list(heapq.merge(*parts, key=_timestamp))


_timestamp = attrgetter("timestamp_ms")


def _ascending(stamps: list[int]) -> bool:
    return stamps == sorted(stamps)


def _urgent(event: Event, policy: LanePolicy) -> bool:
    return event.problem is not None or (policy.flush_level is not None and event.severity >= policy.flush_level)


def _apart(first_ns: int, second_ns: int, gap: float) -> bool:
    return abs(second_ns - first_ns) > gap * 1e9


def _count_cuts(events: Iterable[Event], gap: float) -> int:
    cuts = 0
    previous: Event | None = None
    for event in events:
        if previous is not None and _apart(previous.time_ns, event.time_ns, gap):
            cuts += 1
        previous = event
    return cuts
