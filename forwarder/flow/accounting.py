"""The accounts of all lanes as people see them: sums for metrics, and every term per webhook and partition for `GET /books`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from forwarder.flow.marks import account_record, key
from forwarder.flow.roster import Roster
from forwarder.lane.lane import Lane
from forwarder.model.event import TP


def totals(lane: Lane) -> dict[str, int]:
    """The terms by their metric label, over the partitions that this worker owns."""
    accounts = lane.accounts.of
    read = sum(lane.accounts.read(tp) for tp in accounts)
    return {
        "read": read,
        "filtered": read - sum(account.matched for account in accounts.values()),
        "delivered": sum(account.delivered for account in accounts.values()),
        "discarded": sum(account.discarded.total() for account in accounts.values()),
        "dead_lettered": sum(account.dead_lettered.total() for account in accounts.values()),
        "pending": sum(account.pending for account in accounts.values()),
    }


def shown(roster: Roster, positions: Mapping[TP, int]) -> dict[str, Any]:
    """`{webhook: {"topic/partition": {term: count}}}`, all taken at one moment. `imbalance` is 0 unless we have a defect."""
    return {
        lane.name: {key(tp): _terms(lane, tp, positions[tp]) for tp in sorted(lane.accounts.of) if tp in positions}
        for lane in roster
    }


def _terms(lane: Lane, tp: TP, position: int) -> dict[str, Any]:
    record = account_record(lane.accounts, lane.accounts.of[tp], tp, position)
    return {
        "position": position,
        "counted": position if record.counted is None else record.counted,
        "read": record.read,
        "filtered": record.filtered,
        "delivered": record.delivered,
        "discarded": record.discarded or {},
        "deadLettered": record.dead_lettered or {},
        "pending": record.pending,
        "untold": record.untold or {},
        "imbalance": lane.accounts.imbalance(tp),
    }
