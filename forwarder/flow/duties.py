"""Which progress is expected now, of partitions and lanes. Looks at them and changes nothing.

What waits for an endpoint, a throttle, a person or Kafka has no duty: its next step is not due.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from forwarder.flow.dispatch import Underway
from forwarder.flow.standstill import Duty, Subject
from forwarder.kafka.producer import ANSWER_SECONDS
from forwarder.lane.actions import Send
from forwarder.lane.lane import Lane
from forwarder.lane.states import LaneState
from forwarder.lane.window import Window
from forwarder.model.event import TP
from forwarder.observe.declared import Stuck

STARVED = 29.0
"""A lane may stand still for this many bounds more than its partition's catch-up: others may be served before it. A restart
would not make its turn come sooner."""

_NOTHING = Window()


def of_reading(expected: Mapping[TP, int], ends: Mapping[TP, int | None], halted: frozenset[TP]) -> Iterator[Duty]:
    """Partitions that hold more than was routed. `ends` are the offsets after the last readable record, where known."""
    for tp, position in expected.items():
        end = ends.get(tp)
        if tp not in halted and end is not None and end > position:
            why = f"the log ends at {end} and nothing is read beyond {position}"
            yield Duty(Subject(Stuck.PARTITION, _name(tp), "read"), position, why, asks=(tp, position))


def of_catching_up(
    lanes: Iterable[Lane], expected: Mapping[TP, int], halted: frozenset[TP], after: float
) -> Iterator[Duty]:
    """Lanes that are behind and have room: each of them, later, and somebody on each partition, soon."""
    hungry: dict[TP, list[Lane]] = {}
    for lane in lanes:
        for tp, cursor in lane.behind.items():
            if tp not in halted and cursor < expected.get(tp, 0) and _has_room(lane, tp):
                hungry.setdefault(tp, []).append(lane)
    for tp, waiting in hungry.items():
        names = ", ".join(lane.name for lane in waiting[:5])
        why = f"catch-up feeds nobody although {len(waiting)} webhooks wait for it: {names}"
        fed, lowest = sum(lane.behind[tp] for lane in waiting), min(lane.behind[tp] for lane in waiting)
        yield Duty(Subject(Stuck.PARTITION, _name(tp), "catch-up"), (fed, len(waiting)), why, asks=(tp, lowest))
        for lane in waiting:
            cursor = lane.behind[tp]
            why = f"it waits for events of {_name(tp)} from offset {cursor} on and gets none"
            part = f"catch-up {_name(tp)}"
            yield Duty(Subject(Stuck.LANE, lane.name, part), cursor, why, STARVED * after, (tp, cursor), False)


def of_serving(lanes: Iterable[Lane], now: float, wall: float) -> Iterator[Duty]:
    """Lanes with something to do whose time has come, and that nobody serves."""
    for lane in lanes:
        if lane.draining or lane.state is LaneState.DISABLED:
            continue
        together = lane.refreeze is not None and lane.refreeze.complete(lane.behind, lane.owned)
        due = lane.flights.due_at(_NOTHING if lane.refreeze else lane.window, wall * 1000, now)
        if due <= now or together:
            heads = tuple(
                (f.number, len(f.parts), f.head.attempts, f.head.failed_writes, f.busy) for f in lane.flights.items
            )
            why = "events are held, the next step is due and nobody takes it"
            yield Duty(Subject(Stuck.LANE, lane.name, "due"), (lane.flights.last_start, heads), why)


def of_acting(underway: Iterable[Underway]) -> Iterator[Duty]:
    """Attempts and writes that take longer than they can. A write that fails and is tried again ends each time."""
    for doing in underway:
        webhook, part = doing.lane.webhook, doing.action.part
        if isinstance(doing.action, Send):
            grace = webhook.timeout + webhook.connect_timeout
            why = f"an attempt with {len(part.events)} events has not ended within its time limit"
        else:
            grace = 2 * ANSWER_SECONDS
            why = f"a write of {len(part.events)} dead letters or ledger entries has not ended"
        written = len(part.prepared) if isinstance(part.prepared, set) else 0
        subject = Subject(Stuck.LANE, doing.lane.name, doing.task.get_name())
        yield Duty(subject, written, why, grace)


def _has_room(lane: Lane, tp: TP) -> bool:
    """What holds nothing has room, whatever it thinks itself: that is how a lane that waits for nothing is found."""
    if lane.draining or lane.state in (LaneState.DISABLED, LaneState.PAUSED):
        return False
    return lane.wants(tp) or (lane.holding.bytes == 0 and lane.refreeze is None)


def _name(tp: TP) -> str:
    return f"{tp.topic}/{tp.partition}"
