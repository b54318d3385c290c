"""Between lanes and checkpoint records: what a lane's mark says, and how a lane goes on from one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from forwarder.deliver.sender import Prepared
from forwarder.flow.roster import UNREADABLE, Roster
from forwarder.lane.flight import Fate
from forwarder.lane.lane import Lane
from forwarder.lane.resume import Refreeze
from forwarder.lane.states import LaneState, Trigger
from forwarder.model.batch import offset_runs
from forwarder.model.event import TP
from forwarder.progress.checkpoint import Checkpoint, Frozen, Mark, Runs, offsets_of, runs_of

GONE, OFF = "gone", "off"
"""Why a lane was disabled: the receiver answered 410, or `enable: false`."""


def marks(roster: Roster, positions: Mapping[TP, int], tps: Iterable[TP]) -> dict[TP, dict[str, Mark]]:
    """Per partition the marks of all lanes that are not simply caught up and well."""
    result: dict[TP, dict[str, Mark]] = {tp: {} for tp in tps}
    for lane in roster:
        cursors = lane.cursors()
        well = lane.state is not LaneState.DISABLED and not lane.flights.failures and not lane.flights.refused_in_a_row
        if well and not cursors and not lane.delivered_ahead:
            continue
        frozen = _frozen(lane)
        for tp, lanes in result.items():
            position = positions[tp]
            cursor = cursors.get(tp, position)  # above the position where the webhook's `startAt` is not reached yet
            ahead = _ahead(lane, tp, cursor)
            if not well or cursor != position or ahead:
                lanes[lane.name] = _mark(lane, roster.fingerprints[lane.name], tp, cursor, frozen, ahead)
    return result


def _ahead(lane: Lane, tp: TP, cursor: int) -> Runs:
    """What was delivered although the cursor is below it; what the cursor has passed is forgotten."""
    offsets = lane.delivered_ahead.get(tp)
    if not offsets:
        return []
    kept = {offset for offset in offsets if offset >= cursor}
    if kept:
        lane.delivered_ahead[tp] = kept
    else:
        del lane.delivered_ahead[tp]
    return runs_of(kept)


def _mark(lane: Lane, fingerprint: str, tp: TP, cursor: int, frozen: Frozen | None, ahead: Runs) -> Mark:
    off = lane.state is LaneState.DISABLED
    return Mark(
        cursor=cursor,
        frozen=frozen if frozen is not None and key(tp) in frozen.runs else None,
        failures=min(lane.flights.failures, 1000),
        refused=lane.flights.refused_in_a_row,
        state="" if not off else (GONE if lane.webhook.enable else OFF),
        why=lane.why if off else "",
        fingerprint=fingerprint if off else "",
        ahead=ahead,
    )


def _frozen(lane: Lane) -> Frozen | None:
    """The oldest batch under way, if it was ever put together for sending; also one that still waits to be put together again."""
    if lane.refreeze is not None:
        waiting = lane.refreeze
        return Frozen({key(tp): list(runs) for tp, runs in waiting.runs.items()}, waiting.count, waiting.attempts)
    for flight in lane.flights.items:
        part = flight.head
        if part.fate is Fate.SEND and isinstance(part.prepared, Prepared):
            runs = {key(tp): runs for tp, runs in offset_runs(part.events).items()}
            return Frozen(runs, len(part.events), part.attempts)
    return None


def restore(lane: Lane, tp: TP, checkpoint: Checkpoint, fingerprint: str, first_cursor: int | None) -> None:
    """Give the lane a partition where the checkpoint left it. `first_cursor` is for a webhook that was never seen here."""
    mark = checkpoint.lanes.get(lane.name)
    if mark is None:
        known = lane.name in checkpoint.known or lane.name == UNREADABLE
        lane.own(tp, checkpoint.position if known or first_cursor is None else first_cursor)
        return
    skip = mark.state == OFF and lane.webhook.enable and lane.webhook.on_enable == "now"
    lane.own(tp, checkpoint.position if skip else mark.cursor)
    lane.flights.restore(mark.failures, mark.refused)
    if mark.ahead:
        lane.delivered_ahead[tp] = offsets_of(mark.ahead)
    if mark.frozen is not None and not skip and lane.refreeze is None:
        runs = {tp_of(name): [(first, last) for first, last in runs] for name, runs in mark.frozen.runs.items()}
        lane.refreeze = Refreeze(runs, mark.frozen.count, mark.frozen.attempts)
    if mark.state == GONE and lane.webhook.enable and mark.fingerprint == fingerprint:
        lane.switch_off(Trigger.GONE, mark.why)


def key(tp: TP) -> str:
    """`topic/partition`."""
    return f"{tp.topic}/{tp.partition}"


def tp_of(text: str) -> TP:
    """The reverse of `key`."""
    topic, _, partition = text.rpartition("/")
    return TP(topic, int(partition))
