"""The path of an event, top to bottom: chunk -> source -> route -> lane -> deliver -> progress. Composition only.

Kafka topic --chunks--> Intake (guard, decode, route) --events--> Lane [window] --batch--> Dispatcher (deliver) --outcome--> Lane
                           ^                                       |  behind                                          |
                           +------------- CatchUp <----------------+                      Keeper (checkpoints) <------+
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from forwarder.clock import Clock
from forwarder.deliver.client import Client
from forwarder.flow.accounting import shown
from forwarder.flow.attempts import Attempts
from forwarder.flow.catchup import CatchUp
from forwarder.flow.certificates import Certificates
from forwarder.flow.dispatch import Dispatcher
from forwarder.flow.drain import Drain
from forwarder.flow.gauges import Gauges
from forwarder.flow.guards import Guards
from forwarder.flow.insist import PatientLog
from forwarder.flow.intake import Intake
from forwarder.flow.keeper import Keeper
from forwarder.flow.letters import Letters
from forwarder.flow.reach import Reach
from forwarder.flow.recorder import Recorder
from forwarder.flow.reload import Reload
from forwarder.flow.roster import Roster
from forwarder.flow.sharedread import SharedRead
from forwarder.flow.sharing import Sharing
from forwarder.flow.starts import Starts
from forwarder.flow.tally import Tally
from forwarder.flow.typelist import TypeList
from forwarder.flow.vigil import SHARE_OF_SESSION, Vigil
from forwarder.flow.watchdog import Watchdog
from forwarder.kafka.ends import Ends
from forwarder.kafka.group import Group
from forwarder.kafka.members import Members
from forwarder.kafka.offsets import Offsets
from forwarder.kafka.producer import RecordProducer
from forwarder.kafka.reader import Reader, fetch_bytes
from forwarder.kafka.records import Chunk
from forwarder.lane.budget import Budget
from forwarder.model.event import TP
from forwarder.observe.events import PartitionsAssigned, PartitionsRevoked
from forwarder.observe.health import Health
from forwarder.observe.observer import Observer
from forwarder.settings.process import Settings
from forwarder.source.decode import Decoder
from forwarder.source.positions import Positions


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the pipeline needs of the process. `crash` ends the worker with exit 1; the checkpoint makes that safe.

    `appeared` are partitions that were added to their topics since the group began to read them. `exact` is the clock's monotonic
    time as of this instant, where that differs. `partitions` is how many all sources have together.
    """

    observer: Observer
    health: Health
    clock: Clock
    random: Callable[[], float]
    crash: Callable[[BaseException], None]
    appeared: frozenset[TP] = frozenset()
    exact: Callable[[], float] | None = None
    partitions: int = 0


class Pipeline:
    """Drives one group membership; implements `kafka.membership.Handler`. Make it inside the running loop."""

    def __init__(self, settings: Settings, group: Group, around: Surroundings) -> None:
        observer, clock, crash, kafka = around.observer, around.clock, around.crash, settings.kafka
        self._around = around
        self._kafka = kafka
        self._interval = settings.checkpoint.interval
        sources = {source.topic: source for source in settings.sources}
        self._budget = Budget(settings.memory.budget)
        self.positions = Positions()
        self._client = Client(settings.egress, clock)
        self._producer = RecordProducer(kafka)
        self._offsets = Offsets(kafka)

        letters = self._letters(settings)
        self._recorder = Recorder(self._get_roster, letters, clock)
        self._dispatcher = Dispatcher(
            self._get_roster, letters, self._budget, Attempts(observer), clock, around.random, crash
        )
        self.roster = Roster(
            settings, self._client, self._budget, self.positions.expected, self._dispatcher.wake, observer, clock
        )
        self._intake = Intake(
            self.roster,
            {topic: Decoder(source, settings.presets, self.roster.companies) for topic, source in sources.items()},
            self.positions, observer, clock,
        )  # fmt: skip
        self._catch_up = CatchUp(
            self.roster,
            self._intake,
            self.positions,
            self._reader,
            observer,
            clock,
            crash,
        )
        starts = Starts(sources, PatientLog(self._offsets, kafka.brokers, observer, clock), around.appeared)
        self._keeper = Keeper(
            group, self._get_roster, self.positions, starts, settings.checkpoint.max_bytes, observer, clock
        )
        self._guards = Guards(
            group, self.roster, self._intake, self._catch_up, self.positions,
            self._budget, around.health, observer, clock,
        )  # fmt: skip
        self._vigil = Vigil(
            kafka.session_timeout * SHARE_OF_SESSION, self._keeper.prove, around.exact or clock.monotonic,
            self._wake_all, crash, observer, clock,
        )  # fmt: skip
        self._dispatcher.doubtful = self._vigil.doubtful
        self._reach = Reach(group, kafka.brokers, around.health, observer, clock)
        self._drain = Drain(
            self._intake, self._catch_up, self._dispatcher, self._keeper, self.roster, self.positions,
            settings.shutdown.drain, settings.checkpoint.interval, observer, clock,
        )  # fmt: skip
        self._sharing = Sharing(
            self.roster.hosts, Members(kafka, sources), around.partitions, self._wake_all, observer, clock
        )
        self.tally = Tally(self.roster, observer)
        self._reload = Reload(self.roster, self.positions, starts, self._dispatcher, self._catch_up, observer, clock)
        self._show(group)
        for lane in self.roster:
            lane.on_room = self._catch_up.kick
        self._watching = self._loop(self._watchdog(settings, group).run())
        self._loops: list[asyncio.Task[None]] = []

    def _show(self, group: Group) -> None:
        """Register what health and metrics look at."""
        observer, health, clock = self._around.observer, self._around.health, self._around.clock
        health.books = lambda: shown(self.roster, self.positions.expected)
        health.events = TypeList(self._get_roster)
        Gauges(observer.metrics, self.roster, self.tally, self.positions, self._budget, lambda: group, clock)

    def _letters(self, settings: Settings) -> Letters:
        topics = {source.topic: source.dead_letters for source in settings.sources}
        kafka, around = settings.kafka, self._around
        return Letters(self._producer, topics, kafka.group, kafka.cluster, around.observer, around.clock)

    def _watchdog(self, settings: Settings, group: Group) -> Watchdog:
        ends = Ends(settings.kafka)
        reading = SharedRead(group, self._intake, self._guards, self._catch_up, self.positions, ends)
        return Watchdog(
            settings.watchdog, settings.kafka.rebalance_timeout, reading, self.roster, self._dispatcher,
            self._catch_up, self._around.health, self._around.observer, self._around.clock,
        )  # fmt: skip

    # --- events in ---

    def on_chunk(self, tp: TP, chunk: Chunk) -> None:
        """The whole path of a live event up to its lanes; the lanes' timers do the rest."""
        self._intake.take(tp, chunk)
        if self.positions.halted:
            self._guards.look_for_recreated()
        if self._budget.spent:
            self._guards.look_at_budget()

    # --- partitions come and go ---

    async def on_assigned(self, owned: frozenset[TP], generation: int) -> None:
        """Load the checkpoints, then let events in."""
        observer, health = self._around.observer, self._around.health
        observer.metrics.own(owned)
        self._sharing.assigned(len(owned))
        await self._keeper.load(owned)
        self._guards.assigned()
        self._vigil.assigned(proven=self._keeper.proven)
        if not self._keeper.refused:  # else others have them: a revoke follows, and until then nothing may start
            self._drain.reopen()
        self._start_loops()
        observer.emit(PartitionsAssigned(owned=tuple(sorted(owned)), generation=generation))
        health.set("assignment", True)
        health.set("checkpoints", True)

    async def on_revoked(self, revoked: frozenset[TP]) -> None:
        """Hand over. The group waits for us."""
        self._around.health.set("assignment", False, "the group is rebalancing")
        self._around.health.set("checkpoints", False, "the group is rebalancing")
        self._around.observer.emit(PartitionsRevoked(revoked=tuple(sorted(revoked))))
        await self._drain.run(frozenset(self.positions.expected) | revoked)

    async def on_stopping(self) -> None:
        """Hand over for good."""
        self._around.health.set("assignment", False, "stopping")
        await self._drain.run(frozenset(self.positions.expected))
        await self._recorder.write_last()
        await self.close()

    # --- configuration ---

    async def reload(self, settings: Settings) -> tuple[str, ...]:
        """Apply webhooks, event sets and tenants by difference; returns one line per changed field."""
        changes = await self._reload.apply(settings)
        for lane in self.roster:
            lane.on_room = self._catch_up.kick
        return changes

    async def close(self) -> None:
        """End loops and connections."""
        self.tally.sync_all()
        loops = [*self._loops, self._watching]
        for task in loops:
            task.cancel()
        await asyncio.wait(loops)
        self._dispatcher.timers.close()
        await asyncio.gather(self._client.close(), self._producer.close(), self._offsets.close())

    def _start_loops(self) -> None:
        if not self._loops:
            works = (
                self._checkpoints(),
                self._look_around(),
                self._vigil.run(),
                self._recorder.run(),
                self._sharing.run(),
            )
            self._loops = [self._loop(work) for work in works]

    async def _checkpoints(self) -> None:
        while True:
            await self._around.clock.sleep(self._interval)
            if not self._intake.closed:
                await self._keeper.save()
                self._dispatcher.held = self._dispatcher.held or self._keeper.refused

    async def _look_around(self) -> None:
        certificates = Certificates(self.roster, self._around.observer, self._around.clock)
        while True:
            await self._around.clock.sleep(self._guards.interval())
            self._reach.look()
            self._guards.look()
            certificates.look()
            self.tally.sync_all()

    def _loop(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(self._loop_ended)
        return task

    def _loop_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self._around.crash(task.exception() or RuntimeError("unknown"))

    def _wake_all(self) -> None:
        for lane in self.roster:
            self._dispatcher.wake(lane, self._around.clock.monotonic())

    def _reader(self, tp: TP) -> Reader:
        """One of catch-up's readers: two at most for each partition."""
        most = fetch_bytes(self._budget.limit, 2 * len(self.positions.expected))
        return Reader(self._kafka, tp, max_bytes=most, charge=self._budget.charge)

    def _get_roster(self) -> Roster:
        return self.roster
