"""The whole flow with its doors replaced: Kafka is a list, the endpoint a function, time is virtual. One worker, no sockets."""

from __future__ import annotations

from typing import Any, cast

from forwarder.deliver.client import Client
from forwarder.flow.attempts import Attempts
from forwarder.flow.catchup import CatchUp
from forwarder.flow.dispatch import Dispatcher
from forwarder.flow.drain import Drain
from forwarder.flow.gauges import Gauges
from forwarder.flow.guards import Guards
from forwarder.flow.intake import Intake
from forwarder.flow.keeper import Keeper
from forwarder.flow.letters import Letters
from forwarder.flow.reload import Reload
from forwarder.flow.roster import Roster
from forwarder.flow.starts import Starts
from forwarder.flow.tally import Tally
from forwarder.kafka.group import Group
from forwarder.kafka.producer import RecordProducer
from forwarder.kafka.reader import Reader
from forwarder.lane.budget import Budget
from forwarder.lane.lane import Lane
from forwarder.model.event import TP
from forwarder.observe.health import Health
from forwarder.observe.metrics import Metrics
from forwarder.observe.observer import Observer
from forwarder.settings.process import Settings
from forwarder.source.decode import Decoder
from forwarder.source.positions import Positions
from tests.unit.flow.flow_doors import (
    P0,
    P1,
    UNANSWERED,
    WALL,
    FakeClient,
    FakeGroup,
    FakeLog,
    FakeProducer,
    FakeReader,
    Lines,
    VirtualClock,
    chunk,
    record,
)

__all__ = ["P0", "P1", "UNANSWERED", "WALL", "FakeGroup", "FakeLog", "Flow", "chunk", "hook", "record", "settings"]


def hook(name: str = "siem", **given: Any) -> dict[str, Any]:
    return {"name": name, "url": f"https://{name}.example/hook", "throttle": 0, "discardAfter": "never", **given}


def settings(*hooks: dict[str, Any], **given: Any) -> Settings:
    calm = {"sources": [{"topic": "logs", "preset": "cloudevents"}], "webhooks": list(hooks or [hook()])}
    return Settings.model_validate({**calm, **given})


class Flow:
    """All parts of flow/, joined as pipeline.py joins them. Make it inside a running loop."""

    def __init__(
        self,
        *hooks: dict[str, Any],
        log: FakeLog | None = None,
        group: FakeGroup | None = None,
        budget: int = 64 * 1024 * 1024,
        drain: float = 20.0,
        **given: Any,
    ) -> None:
        self.settings = settings(*hooks, **given)
        self.log, self.group = log or FakeLog(), group or FakeGroup()
        self.client, self.producer, self.lines = FakeClient(), FakeProducer(), Lines()
        self.clock, self.metrics = VirtualClock(), Metrics()
        self.observer = Observer(self.metrics, self.lines, self.clock)
        self.health = Health(self.clock, ("topics",))
        self.crashes: list[BaseException] = []
        self.readers: dict[TP, FakeReader] = {}
        self.positions, self.budget = Positions(), Budget(budget)
        sources = {source.topic: source for source in self.settings.sources}
        letters = Letters(
            cast(RecordProducer, self.producer), {topic: s.dead_letters for topic, s in sources.items()},
            "forwarder", "default", self.observer, self.clock,
        )  # fmt: skip
        self.dispatcher = Dispatcher(
            lambda: self.roster, letters, self.budget, Attempts(self.observer), self.clock, lambda: 0.5,
            self.crashes.append,
        )  # fmt: skip
        self.roster = Roster(
            self.settings, cast(Client, self.client), self.budget, self.positions.expected, self.dispatcher.wake,
            self.observer, self.clock,
        )  # fmt: skip
        decoders = {topic: Decoder(source, {}, self.roster.companies) for topic, source in sources.items()}
        self.intake = Intake(self.roster, decoders, self.positions, self.observer, self.clock)
        self.catch_up = CatchUp(
            self.roster, self.intake, self.positions, self._reader, self.observer, self.clock, self.crashes.append
        )
        starts = Starts(sources, self.log)
        kafka = cast(Group, self.group)
        self.keeper = Keeper(kafka, lambda: self.roster, self.positions, starts, 100_000, self.observer, self.clock)
        self.guards = Guards(
            kafka, self.roster, self.intake, self.catch_up, self.positions, self.budget, self.health, self.observer,
            self.clock,
        )  # fmt: skip
        self.drain = Drain(
            self.intake, self.catch_up, self.dispatcher, self.keeper, self.roster, self.positions, drain, 1.0,
            self.observer, self.clock,
        )  # fmt: skip
        self.tally = Tally(self.roster, self.observer)
        Gauges(self.metrics, self.roster, self.tally, self.positions, self.budget, lambda: kafka, self.clock)
        self.reload = Reload(
            self.roster, self.positions, starts, self.dispatcher, self.catch_up, self.observer, self.clock
        )
        self._listen()

    def _listen(self) -> None:
        for lane in self.roster:
            lane.on_room = self.catch_up.kick

    def _reader(self, tp: TP) -> Reader:
        self.readers[tp] = FakeReader(self.log, tp)
        return cast(Reader, self.readers[tp])

    def lane(self, name: str = "siem") -> Lane:
        return self.roster.lanes[name]

    async def assign(self, *tps: TP) -> None:
        """As pipeline.on_assigned."""
        owned = frozenset(tps or (P0,))
        self.group.owned = owned
        self.metrics.own(owned)
        await self.keeper.load(owned)
        self.guards.assigned()
        self.drain.reopen()

    async def revoke(self) -> None:
        await self.drain.run(frozenset(self.positions.expected) | self.group.owned)

    async def apply(self, *hooks: dict[str, Any], **given: Any) -> tuple[str, ...]:
        told = await self.reload.apply(settings(*hooks, **given))
        self._listen()
        return told

    def take(self, count: int, tp: TP = P0) -> None:
        """The shared read: the next `count` records of the log."""
        start = self.positions.expected[tp]
        self.intake.take(tp, chunk(tp, self.log.records[tp][start : start + count]))

    def fill_and_take(self, count: int, tp: TP = P0, **fields: Any) -> None:
        self.log.fill(count, tp, **fields)
        self.take(count, tp)

    def sample(self, name: str, **labels: str) -> float | None:
        """The value of one series."""
        self.tally.sync_all()
        self.metrics.refresh()
        return self.metrics.registry.get_sample_value(name, labels)

    async def close(self) -> None:
        """End what runs. An error that nobody expected fails the test."""
        self.dispatcher.held = True
        await self.catch_up.stop()
        await self.dispatcher.drain(0)
        self.dispatcher.timers.close()
        assert self.crashes == []
