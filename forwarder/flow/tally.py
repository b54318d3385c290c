"""From the lanes' books to metrics and log lines: differences since the last look, so nothing is counted per event."""

from __future__ import annotations

from dataclasses import dataclass, field

from forwarder.flow.roster import UNREADABLE, Roster
from forwarder.lane.books import Books
from forwarder.lane.lane import Lane
from forwarder.lane.states import LaneState
from forwarder.model.attempt import DeadLetterReason, DiscardReason
from forwarder.model.event import Unreadable
from forwarder.observe.events import (
    EventsDeadLettered,
    EventsDiscarded,
    LanePaused,
    LaneStateChanged,
    WebhookDisabled,
)
from forwarder.observe.observer import Observer


@dataclass(slots=True)
class _Seen:
    matched: int = 0
    delivered: int = 0
    discarded: dict[object, int] = field(default_factory=dict)
    dead: dict[object, int] = field(default_factory=dict)
    state: LaneState | None = None


class Tally:
    """One per worker. `sync` may be called as often as one likes; it tells only what is new."""

    def __init__(self, roster: Roster, observer: Observer) -> None:
        self._roster = roster
        self._observer = observer
        self._seen: dict[str, tuple[Books, _Seen]] = {}

    def sync_all(self) -> None:
        for lane in self._roster:
            self.sync(lane)

    def sync(self, lane: Lane) -> None:
        """Bring the lane's counters up to its books."""
        if lane.name == UNREADABLE:
            return
        books, seen = self._seen.get(lane.name, (None, _Seen()))
        if books is not lane.books:
            seen = _Seen()
            self._seen[lane.name] = (lane.books, seen)
        bound = self._observer.metrics.webhook(lane.name)
        if lane.books.matched > seen.matched:
            bound.matched.inc(lane.books.matched - seen.matched)
            seen.matched = lane.books.matched
        if lane.books.delivered > seen.delivered:
            bound.delivered.inc(lane.books.delivered - seen.delivered)
            seen.delivered = lane.books.delivered
        self._losses(lane, seen)
        if lane.state is not seen.state:
            self._state(lane, seen)

    def _losses(self, lane: Lane, seen: _Seen) -> None:
        for reason, count in lane.books.discarded.items():
            new = count - seen.discarded.get(reason, 0)
            if new > 0:
                seen.discarded[reason] = count
            if new > 0 and reason is not DiscardReason.RETENTION:  # RetentionLoss has counted and told it
                self._observer.emit(EventsDiscarded(webhook=lane.name, reason=reason, count=new))
        for why, count in lane.books.dead_lettered.items():
            new = count - seen.dead.get(why, 0)
            if new > 0:
                seen.dead[why] = count
                known, detail = why, lane.flights.last_refusal
                if isinstance(known, Unreadable):
                    known, detail = DeadLetterReason.FILTER_ERROR, ""
                self._observer.emit(EventsDeadLettered(webhook=lane.name, reason=known, count=new, detail=detail))

    def _state(self, lane: Lane, seen: _Seen) -> None:
        previous = "" if seen.state is None else seen.state.value
        seen.state = lane.state
        self._observer.emit(
            LaneStateChanged(webhook=lane.name, state=lane.state.value, previous=previous, why=lane.why)
        )
        if lane.state is LaneState.PAUSED:
            self._observer.emit(LanePaused(webhook=lane.name, refused=lane.flights.refused_in_a_row, why=lane.why))
        if lane.state is LaneState.DISABLED and lane.webhook.enable:
            self._observer.emit(WebhookDisabled(webhook=lane.name, why=lane.why))
