"""What a flow's tests ask of its accounts. Checks that they balance whenever it reads them."""

from __future__ import annotations

from forwarder.model.event import TP
from forwarder.progress.checkpoint import AccountRecord
from tests.unit.flow.flow_rig import P0, Flow


def account(flow: Flow, name: str = "siem", tp: TP = P0) -> AccountRecord:
    """What the newest checkpoint says; it balances."""
    told = flow.group.checkpoint(tp).books[name]
    settled = sum((told.discarded or {}).values()) + sum((told.dead_lettered or {}).values())
    assert told.read == told.filtered + told.delivered + told.pending + settled
    return told


def mixed(flow: Flow, count: int, tp: TP = P0) -> None:
    """Every third record is wanted by type, every tenth cannot be read."""
    for _ in range(count):
        n = len(flow.log.records.get(tp, []))
        if n % 10 == 9:
            flow.log.put(tp, b"not json")
        else:
            flow.log.fill(1, tp, type="login" if n % 3 == 0 else "logout")
