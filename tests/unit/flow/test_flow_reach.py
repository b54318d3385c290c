"""An outage of Kafka is told once, shows in /readyz and the metrics, and ends with a line that says how long it was."""

from __future__ import annotations

from dataclasses import dataclass

from forwarder.clock import ManualClock
from forwarder.flow.reach import GRACE_SECONDS, Reach
from forwarder.observe.health import Health
from forwarder.observe.metrics import Metrics
from forwarder.observe.observer import Observer
from tests.unit.flow.flow_rig import Lines


@dataclass
class Broker:
    reachable: bool = True


class Watch:
    def __init__(self) -> None:
        self.clock, self.broker, self.lines, self.metrics = ManualClock(), Broker(), Lines(), Metrics()
        self.health = Health(self.clock, ("kafka",))
        self.health.set("kafka", True)
        observer = Observer(self.metrics, self.lines, self.clock)
        self.reach = Reach(self.broker, ("k:9092",), self.health, observer, self.clock)

    def pass_seconds(self, seconds: int) -> None:
        for _ in range(seconds):
            self.reach.look()
            self.clock.advance(1.0)
        self.reach.look()

    def up(self) -> float | None:
        return self.metrics.registry.get_sample_value("forwarder_kafka_up")


def test_a_short_silence_is_no_outage():
    watch = Watch()
    watch.broker.reachable = False
    watch.pass_seconds(int(GRACE_SECONDS) - 1)
    watch.broker.reachable = True
    watch.pass_seconds(10)
    assert watch.lines.lines == []
    assert watch.health.ready


def test_an_outage_is_told_once_and_so_is_its_end():
    watch = Watch()
    watch.broker.reachable = False
    watch.pass_seconds(20)
    assert not watch.health.ready
    assert watch.up() == 0
    watch.broker.reachable = True
    watch.pass_seconds(10)
    assert watch.health.ready
    assert watch.up() == 1
    assert [(event, facts.get("down_s")) for event, facts in watch.lines.lines] == [
        ("waiting for Kafka", None),
        ("Kafka answers", 20.0),
    ]
