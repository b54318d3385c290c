"""Between lanes and checkpoint records: what a lane's mark says, and how a lane goes on from one. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from forwarder.deliver.sender import Prepared
from forwarder.flow.roster import UNREADABLE, Roster
from forwarder.lane.accounts import Account, Accounts
from forwarder.lane.flight import Fate
from forwarder.lane.lane import Lane
from forwarder.lane.resume import Refreeze
from forwarder.lane.spans import Spans
from forwarder.lane.states import LaneState, Trigger
from forwarder.model.batch import offset_runs
from forwarder.model.event import TP
from forwarder.progress.checkpoint import AccountRecord, Checkpoint, Frozen, Mark, Runs

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
            ahead = lane.ahead(tp, cursor).runs()
            if not well or cursor != position or ahead:
                lanes[lane.name] = _mark(lane, roster.fingerprints[lane.name], tp, cursor, frozen, ahead)
    return result


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


def books(roster: Roster, positions: Mapping[TP, int], tps: Iterable[TP]) -> dict[TP, dict[str, AccountRecord]]:
    """Per partition the accounts of all lanes, as of the same moment as their marks."""
    result: dict[TP, dict[str, AccountRecord]] = {}
    for tp in tps:
        position = positions[tp]
        result[tp] = {
            lane.name: account_record(lane.accounts, lane.accounts.of[tp], tp, position)
            for lane in roster
            if tp in lane.accounts.of
        }
    return result


def account_record(accounts: Accounts, account: Account, tp: TP, position: int) -> AccountRecord:
    """One account as it is now. Called for every lane and partition once a second: most are live, and nothing was given up."""
    live, read, counted = account.routed_before, account.read, None
    if live is not None:
        read += accounts.routed.get(tp, 0) - live
    elif account.counted != position:
        counted = account.counted
    filtered, pending = read - account.matched, account.held + account.returned
    if not (account.discarded or account.dead_lettered):
        return AccountRecord(read, filtered, account.delivered, pending, counted=counted)
    return AccountRecord(
        read,
        filtered,
        account.delivered,
        pending,
        _counts(account.discarded),
        _counts(account.dead_lettered),
        counted,
        account.doubtful,
        _counts(account.untold),
    )


def _counts(counter: Mapping[str, int]) -> dict[str, int] | None:
    return {word: count for word, count in counter.items() if count} or None


def _account(record: AccountRecord | None, counted: int) -> Account:
    """What was pending is in Kafka now. Without a record the account begins at `counted`."""
    if record is None:
        return Account(counted=counted)
    return Account(
        counted=counted if record.counted is None else record.counted,
        read=record.read,
        matched=record.read - record.filtered,
        delivered=record.delivered,
        discarded=Counter(record.discarded or {}),
        dead_lettered=Counter(record.dead_lettered or {}),
        returned=record.pending,
        doubtful=record.doubtful,
        untold=Counter(record.untold or {}),
    )


def _frozen(lane: Lane) -> Frozen | None:
    """The oldest batch under way, if it was ever put together for sending; also one that still waits to be put together again."""
    if lane.refreeze is not None:
        waiting = lane.refreeze
        runs = {key(tp): list(runs) for tp, runs in waiting.runs.items()}
        times = int(waiting.first_attempt * 1000), int(waiting.last_attempt * 1000)
        return Frozen(runs, waiting.count, waiting.attempts, waiting.earlier, *times)
    for flight in lane.flights.items:
        part = flight.head
        if part.fate is Fate.SEND and isinstance(part.prepared, Prepared):
            runs = {key(tp): runs for tp, runs in offset_runs(part.events).items()}
            times = int(part.first_attempt * 1000), int(part.last_attempt * 1000)
            return Frozen(runs, len(part.events), part.attempts, part.earlier, *times)
    return None


def restore(lane: Lane, tp: TP, checkpoint: Checkpoint, fingerprint: str, first_cursor: int | None) -> None:
    """Give the lane a partition where the checkpoint left it. `first_cursor` is for a webhook that was never seen here."""
    mark, record = checkpoint.lanes.get(lane.name), checkpoint.books.get(lane.name)
    if mark is None:
        known = checkpoint.knows(lane.name) or lane.name == UNREADABLE
        cursor = checkpoint.position if known or first_cursor is None else first_cursor
        lane.own(tp, cursor, _account(record, cursor))
        return
    lane.own(tp, mark.cursor, _account(record, mark.cursor if record is None else checkpoint.position))
    if mark.ahead:
        lane.delivered_ahead[tp] = Spans(mark.ahead)
    skip = mark.state == OFF and lane.webhook.enable and lane.webhook.on_enable == "now"
    if skip:
        lane.jump(tp)
    lane.flights.restore(mark.failures, mark.refused)
    if mark.frozen is not None and not skip and lane.refreeze is None:
        runs = {tp_of(name): [(first, last) for first, last in runs] for name, runs in mark.frozen.runs.items()}
        frozen = mark.frozen
        times = frozen.first_ms / 1000, frozen.last_ms / 1000
        lane.refreeze = Refreeze(runs, frozen.count, frozen.attempts, frozen.earlier, *times)
    if mark.state == GONE and lane.webhook.enable and mark.fingerprint == fingerprint:
        lane.switch_off(Trigger.GONE, mark.why)


def key(tp: TP) -> str:
    """`topic/partition`."""
    return f"{tp.topic}/{tp.partition}"


def tp_of(text: str) -> TP:
    """The reverse of `key`."""
    topic, _, partition = text.rpartition("/")
    return TP(topic, int(partition))
