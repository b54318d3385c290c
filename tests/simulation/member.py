"""One member of the group as its process sees it: rebalances under the real `Membership`, and the shared read.

Keeps the order in which Faust calls the hooks.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

from forwarder.kafka.membership import Membership
from forwarder.kafka.records import Chunk
from forwarder.model.event import TP
from tests.simulation.app import App, SimGroup, Table
from tests.simulation.cluster import HEARTBEAT, REBALANCE, WIRE
from tests.simulation.log import TOPIC, Reign

if TYPE_CHECKING:
    from tests.simulation.process import Process

POLL_RECORDS, POLL_SECONDS = 40, 0.02


class Member:
    """`assigned` is what the client believes to own; `reigns` what the pipeline was given."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.number = process.number
        self.cluster = process.world.cluster
        self.generation = 0
        self.assigned: frozenset[TP] = frozenset()
        self.held: set[TP] = set()
        self.fetched: dict[TP, int] = {}
        self.skips: dict[TP, int] = {}
        self.ends: dict[TP, int] = {}
        self.runs: dict[TP, tuple[int, int]] = {}
        self.reigns: dict[TP, Reign] = {}
        self.app = App(self)
        self.table = Table(self)
        self.group = SimGroup(cast(Any, self.app), {TOPIC: cast(Any, self.table)})
        self.membership: Membership
        self.stopping = False
        self._assigning: asyncio.Task[None] | None = None
        self._handing_over = False
        self._feeding = False
        self._asking_in = False

    @property
    def alive(self) -> bool:
        return self.process.alive

    def join(self) -> None:
        self._asking_in = True
        self.cluster.send(self._let_in)

    def _let_in(self) -> None:
        self._asking_in = False
        self.cluster.coordinator.join(self)

    def answer(self, future: asyncio.Future[Any], value: Any) -> None:
        """From the cluster back to the process; late while answers are lost."""
        late = 8.0 if self.cluster.agenda.now < self.cluster.coordinator.unanswered else 0.0
        self.cluster.agenda.after(WIRE + late, self.cluster.when_back, self.process.hear, _settle_future, future, value)

    # --- the group speaks ---

    def told_to_rejoin(self) -> None:
        self.cluster.agenda.after(HEARTBEAT, self._heartbeat)

    def _heartbeat(self) -> None:
        """Its next heartbeat is answered: rejoin. By then it may have done so already."""
        coordinator = self.cluster.coordinator
        if self._asking_in:
            return
        if self.number not in coordinator.members or (coordinator.joining and self.number not in coordinator.joined):
            self.process.hear(self.hand_over)

    def told_assignment(self, generation: int, owned: frozenset[TP]) -> None:
        self.cluster.send(self.process.hear, self._take, generation, owned)

    def hand_over(self) -> None:
        """Give up everything, then come back."""
        if not self._handing_over:
            self._handing_over = True
            self.process.spawn(self._hand_over())

    async def _hand_over(self) -> None:
        began = self.cluster.agenda.now
        if self.stopping:
            await self.membership.hold()
            return
        await self.membership.revoked(self.assigned)
        if self._assigning is not None:
            self._assigning.cancel()
        self.lay_down(began)
        self._handing_over = False
        if not self.stopping:
            self.join()

    def lay_down(self, began: float) -> None:
        """The partitions are no longer ours. Planned, if nothing was in the way since `began`."""
        self.process.world.judge.ended(self, began)
        self.assigned = frozenset()
        self.reigns.clear()
        self.fetched.clear()

    def _take(self, generation: int, owned: frozenset[TP]) -> None:
        if self._handing_over or self.stopping:
            return
        if self._assigning is not None:
            self._assigning.cancel()
        self.generation, self.assigned = generation, owned
        self._assigning = self.process.spawn(self._assign(generation, owned))

    async def _assign(self, generation: int, owned: frozenset[TP]) -> None:
        await asyncio.sleep(0.05)
        while self.cluster.away:
            await asyncio.sleep(0.2)
        if generation != self.generation or self._handing_over:
            return
        self.held.clear()
        for tp in sorted(owned):
            loaded = self.table.recover(tp)
            self.reigns[tp] = Reign(tp, self.number, generation, self.cluster.agenda.now, loaded)
            self.process.world.judge.recovered(self.reigns[tp])
        self.group.asked = self.cluster.agenda.now
        await self.membership.assigned(owned, generation)
        if generation == self.generation and not self._handing_over:
            self._seek(owned)

    def _seek(self, owned: frozenset[TP]) -> None:
        self.app.seeks += 1
        self.runs.clear()
        self.ends.clear()
        for tp in owned:
            self.fetched[tp] = self.app.starts.get(tp, self.cluster.coordinator.committed.get(tp, (0, ""))[0])
        self.feed_soon()

    # --- the shared read ---

    def feed_soon(self) -> None:
        if not self._feeding and self.fetched:
            self._feeding = True
            asyncio.get_running_loop().call_later(POLL_SECONDS, self._feed)

    def _feed(self) -> None:
        self._feeding = False
        if self.cluster.away:
            asyncio.get_running_loop().call_later(0.5, self.feed_soon)
            return
        more = False
        for tp in sorted(self.fetched):
            if tp not in self.held:
                more |= self._fetch(tp)
        if more:
            self.feed_soon()

    def _fetch(self, tp: TP) -> bool:
        log, position = self.cluster.logs[tp], self.fetched[tp]
        self.ends[tp] = log.stable
        if position < log.first:
            position = self.fetched[tp] = log.first  # auto.offset.reset: earliest
        if tp in self.skips and position < log.stable:
            position = self.fetched[tp] = min(position + self.skips.pop(tp), log.stable)
        chunk = log.chunk(position, POLL_RECORDS)
        if chunk.end == position:
            return False
        self.fetched[tp] = chunk.end
        run = self.runs.get(tp)
        first = run[0] if run and run[1] == position else position
        if not chunk:
            self.runs[tp] = (first, chunk.end)
            return True
        chunk.start, chunk.seek = first, self.app.seeks
        self.runs[tp] = (chunk.end, chunk.end)
        asyncio.get_running_loop().call_later(WIRE, self._deliver, chunk)
        return True

    def _deliver(self, chunk: Chunk) -> None:
        if self.group.admits(chunk):
            self.process.pipeline.on_chunk(chunk.tp, chunk)

    def skip(self, tp: TP, count: int) -> bool:
        """Of what comes next, the consumer jumps over so much without a word, as it does in some rebalances."""
        if tp not in self.fetched:
            return False
        self.skips[tp] = count
        return True

    def make_membership(self, drain: float) -> None:
        """As the worker does it."""
        self.membership = Membership(
            self.group, self.process.pipeline, revoke_limit=REBALANCE - 5.0, drain_limit=drain + 10.0
        )


def _settle_future(future: asyncio.Future[Any], value: Any) -> None:
    if not future.done():
        future.set_result(value)
