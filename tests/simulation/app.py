"""What a member of the group is made of: the real `Group` over a scripted app, its checkpoint table and its commits.

What is sent to the cluster takes time, and may be answered late or never.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from forwarder.kafka.group import Fence, Group
from forwarder.model.event import TP
from forwarder.progress.checkpoint import order_of
from tests.simulation.cluster import WIRE
from tests.simulation.log import TOPIC, Landing

if TYPE_CHECKING:
    from tests.simulation.member import Member


class SimGroup(Group):
    """The real thing. Notes when a snapshot was taken: the commit that is its fence is asked for at that moment."""

    asked = 0.0

    async def commit(self, offsets: Mapping[TP, int], *rest: Any) -> Fence:
        self.asked = asyncio.get_running_loop().time()
        return await super().commit(offsets, *rest)


class Table:
    """The checkpoint table as this process knows it."""

    def __init__(self, member: Member) -> None:
        self._member = member
        self._data: dict[int, bytes] = {}
        self.changelog_topic = self

    def get_topic_name(self) -> str:
        return f"forwarder-checkpoint-{TOPIC}-changelog"

    def record(self, partition: int) -> bytes | None:
        return self._data.get(partition)

    def recover(self, tp: TP) -> Landing | None:
        newest = self._member.cluster.checkpoints.newest(tp)
        self._data.pop(tp.partition, None)
        if newest is not None:
            self._data[tp.partition] = newest.record
        return newest

    async def write(self, partition: int, record: bytes) -> None:
        """From the client's buffer (which stops and dies with the process) over the wire (which does not)."""
        member = self._member
        landing = Landing(record, member.reigns[TP(TOPIC, partition)], member.group.asked, 0.0)
        await asyncio.sleep(WIRE)
        while member.cluster.away:
            await asyncio.sleep(0.2)
        acknowledged = asyncio.get_running_loop().create_future()
        member.cluster.agenda.after(WIRE + member.cluster.linger, self._arrive, landing, acknowledged)
        await acknowledged
        current = self._data.get(partition)
        if current is None or order_of(record) >= order_of(current):
            self._data[partition] = record

    def _arrive(self, landing: Landing, acknowledged: asyncio.Future[None]) -> None:
        member = self._member
        if member.cluster.away:  # the client sends it again, if it still can
            if member.process.alive:
                member.cluster.agenda.at(member.cluster.away_until + WIRE, self._arrive, landing, acknowledged)
            return
        landing.at = member.cluster.agenda.now
        member.cluster.checkpoints.land(landing)
        member.process.world.auditor.landed(landing)
        member.answer(acknowledged, None)


class App:
    """What `Group` asks of Faust's app and of its consumer."""

    def __init__(self, member: Member) -> None:
        self._member = member
        self.consumer = self
        self.positions = self
        self.starts: dict[TP, int] = {}
        self.seeks = 0

    @property
    def consumer_generation_id(self) -> int:
        return self._member.generation

    async def crash(self, error: BaseException) -> None:
        self._member.process.crashed(error)

    def assignment(self) -> frozenset[TP]:
        return self._member.assigned

    def knows_coordinator(self) -> bool:
        return not self._member.cluster.away

    def hold(self, tps: Iterable[TP]) -> None:
        self._member.held |= set(tps)

    def release(self, tps: Iterable[TP]) -> None:
        self._member.held -= set(tps)
        self._member.feed_soon()

    def readable_end(self, tp: TP) -> int | None:
        return self._member.ends.get(tp)

    def log_end(self, tp: TP) -> int | None:
        return self._member.ends.get(tp)

    def fetch_position(self, tp: TP) -> int | None:
        return self._member.fetched.get(tp)

    def passed(self, tp: TP) -> tuple[int, int] | None:
        return self._member.runs.get(tp)

    async def commit_offsets(self, offsets: Mapping[TP, int], notes: Mapping[TP, str] | None = None) -> bool:
        noted = {tp: (offset, (notes or {}).get(tp, "")) for tp, offset in offsets.items()}
        coordinator, generation = self._member.cluster.coordinator, self._member.generation
        return bool(await self._ask(lambda: coordinator.commit(self._member.number, generation, noted)))

    async def committed(self, tps: Iterable[TP]) -> dict[TP, tuple[int, str]]:
        committed = self._member.cluster.coordinator.committed
        answer: dict[TP, tuple[int, str]] = await self._ask(
            lambda: {tp: committed[tp] for tp in tps if tp in committed}
        )
        return answer

    async def _ask(self, question: Callable[[], Any]) -> Any:
        """A question to the coordinator, answered when it can be."""
        member = self._member
        answer = asyncio.get_running_loop().create_future()
        member.cluster.send(lambda: member.answer(answer, question()))
        return await answer
