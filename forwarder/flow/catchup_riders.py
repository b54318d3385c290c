"""Who is behind on a partition, and who rides along on a leg. Looks at lanes and feeds them; reads nothing and never waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from forwarder.flow.catchup_itinerary import Appetite, Stop, worth_going_on
from forwarder.flow.roster import Roster
from forwarder.lane.lane import Lane
from forwarder.lane.states import LaneState
from forwarder.model.event import TP, Event


@dataclass(frozen=True, slots=True)
class Survey:
    """The lanes behind on a partition by their cursors, and the same lanes as stops. Taken once per leg: it looks at every lane."""

    lanes: Sequence[Lane]
    stops: Sequence[Stop]


def survey(roster: Roster, tp: TP, router: int, fed: Mapping[Lane, float], now: float) -> Survey:
    """Lanes that stand at or above `router` are left out: one whose `startAt` lies ahead waits until the router has come there.
    `fed` says when a lane was fed last (monotonic seconds)."""
    found: list[tuple[int, int, Lane, Stop]] = []
    for number, lane in enumerate(roster):
        cursor = lane.behind.get(tp, router)
        if cursor < router:
            appetite = appetite_of(lane, tp)
            if appetite is not None:
                stop = Stop(cursor, appetite, not lane.flights.failures, now - fed.get(lane, now))
                found.append((cursor, number, lane, stop))
    found.sort()
    return Survey([lane for _, _, lane, _ in found], [stop for _, _, _, stop in found])


def appetite_of(lane: Lane, tp: TP) -> Appetite | None:
    """None where catch-up has no business: it is not behind, stands still, or waits for another partition first."""
    if lane.wants(tp):
        return Appetite.HUNGRY
    if tp not in lane.behind or lane.draining or lane.refreeze is not None:
        return None
    if lane.state in (LaneState.DISABLED, LaneState.PAUSED):
        return None
    return Appetite.FULL if lane.holding.blocked else Appetite.CONTENT


class Riders:
    """The lanes that take part in a leg: they board where the leg passes their cursor, and are left behind where they are full."""

    def __init__(self, found: Survey, tp: TP, start: int) -> None:
        pairs = zip(found.lanes, found.stops, strict=True)
        self._tp = tp
        self._boarding = [lane for lane, stop in pairs if stop.cursor >= start and stop.appetite is not Appetite.FULL]
        self._boarding.reverse()
        self._aboard: list[Lane] = []

    def over(self, start: int, upto: int) -> list[Lane]:
        """Those whose cursor lies in `[start, upto)` now. Work per call grows with these, not with all that are behind."""
        tp, boarding = self._tp, self._boarding
        while boarding and boarding[-1].behind.get(tp, 0) < upto:
            self._aboard.append(boarding.pop())
        self._aboard = [
            lane
            for lane in self._aboard
            if start <= lane.behind.get(tp, -1) < upto and appetite_of(lane, tp) not in (None, Appetite.FULL)
        ]
        return self._aboard

    def go_on(self, position: int, within: int) -> bool:
        """Whether the leg is worth going on at `position`, up to `within`."""
        tp, boarding = self._tp, self._boarding
        ahead = bool(boarding) and boarding[-1].behind.get(tp, within) < within
        found = [appetite_of(lane, tp) for lane in self._aboard if lane.behind.get(tp, -1) == position]
        return worth_going_on([appetite for appetite in found if appetite is not None], ahead)


def shares(roster: Roster, events: Sequence[Event], upto: int, lanes: Sequence[Lane]) -> dict[Lane, list[Event]]:
    """For each of `lanes` what it wants of `events` below `upto`, in order. An event is routed once, whoever wants it."""
    wanted: dict[Lane, list[Event]] = {lane: [] for lane in lanes}
    match, faulty, unreadable = roster.router.match, roster.faulty, wanted.get(roster.unreadable)
    for event in events:
        if event.offset >= upto:
            break
        if event.problem is not None:
            if unreadable is not None:
                unreadable.append(event)
            continue
        for lane in match(event):
            some = wanted.get(lane)
            if some is not None:
                some.append(event)
        if faulty:
            for lane, doomed in faulty:
                if lane in wanted:
                    wanted[lane].append(doomed)
            faulty.clear()
    return wanted


def not_before(events: list[Event], cursor: int) -> list[Event]:
    """The events from `cursor` on."""
    if not events or events[0].offset >= cursor:
        return events
    return [event for event in events if event.offset >= cursor]
