"""The law of the books, by docs/checkpoint.md alone: each record balances, and the last ones hold what really happened."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.simulation.log import Landing, Log
from tests.simulation.network import Call

if TYPE_CHECKING:
    from tests.simulation.judge import Judge
    from tests.simulation.world import World


def imbalance(account: dict[str, Any]) -> int:
    """read - filtered - delivered - pending - discarded - dead-lettered."""
    spent = sum(account.get("x", {}).values()) + sum(account.get("l", {}).values())
    return int(account.get("r", 0) - account.get("f", 0) - account.get("d", 0) - account.get("p", 0) - spent)


class Auditor:
    """Looks at every checkpoint that lands; records of version 1 have no books."""

    def __init__(self, world: World, judge: Judge) -> None:
        self._world = world
        self._judge = judge

    def landed(self, landing: Landing) -> None:
        """A record is in its topic."""
        for name, account in json.loads(landing.record).get("books", {}).items():
            if imbalance(account):
                self._judge.violation("books", f"{name} on {landing.reign.tp.partition}: {account}")

    def check_end(self) -> None:
        """All is settled and everybody has stopped once."""
        for tp, log in self._world.cluster.logs.items():
            landing = self._world.cluster.checkpoints.newest(tp)
            record = json.loads(landing.record) if landing else {}
            if self._world.lost_checkpoints or log.first > 0:
                continue  # those accounts begin anew, or count offsets
            for name, account in record.get("books", {}).items():
                self._compare(name, account, log)

    def _compare(self, name: str, account: dict[str, Any], log: Log) -> None:
        where = f"{name} on {log.tp.partition}: {account}"
        if account.get("p", 0):
            self._judge.violation("books", f"pending in the end: {where}")
        skipped = account.get("x", {}).get("skipped", 0)
        records = sum(1 for _ in log.records())
        if not skipped and account.get("r", 0) != records:
            self._judge.violation("books", f"{records} records, but read: {where}")
        if name in self._world.configured:
            least, most = self._delivered(name, log.tp.partition)
            if not least <= account.get("d", 0) <= most:
                self._judge.violation("books", f"{least} to {most} were delivered: {where}")

    def _delivered(self, name: str, partition: int) -> tuple[int, int]:
        """How many events were surely delivered, and how many perhaps (not in doubt, or by somebody who was no longer rightful)."""
        letters = self._judge.letters[name]
        most = {place for place in self._judge.have[name] if place[0] == partition}
        least = {place for place in most - letters if any(_sure(c, partition) for c in self._judge.calls(name, place))}
        return len(least), len(most)


def _sure(call: Call, partition: int) -> bool:
    return call.told is not None and partition not in call.forgotten
