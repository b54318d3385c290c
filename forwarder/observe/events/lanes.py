"""Occurrences of lanes: states, circuits, catch-up. Declarations only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from forwarder.observe import declared as d
from forwarder.observe.events.base import ERROR, INFO, WARNING, Occurrence
from forwarder.observe.metrics import Metrics


@dataclass(frozen=True)
class LaneStateChanged(Occurrence):
    """A lane went from one state to another: live, behind, paused or disabled."""

    text: ClassVar = "lane state changed"
    level: ClassVar = INFO
    every: ClassVar = 10.0
    per: ClassVar = ("webhook",)
    counts: ClassVar = (d.LANE_STATE,)

    webhook: str
    state: str
    previous: str = ""
    why: str = ""

    def tally(self, metrics: Metrics, now: float) -> None:
        metrics.webhook(self.webhook).set_state(self.state)


@dataclass(frozen=True)
class CircuitOpened(Occurrence):
    """The endpoint failed so often in a row that it is only probed from now on."""

    text: ClassVar = "circuit opened"
    level: ClassVar = WARNING
    counts: ClassVar = (d.CIRCUIT_OPEN,)

    webhook: str
    failures: int
    class_: str

    def tally(self, metrics: Metrics, now: float) -> None:
        metrics.webhook(self.webhook).circuit_open.set(1)


@dataclass(frozen=True)
class CircuitClosed(Occurrence):
    """A probe was accepted: the webhook is delivered to normally again. `open_s` is how long the circuit was open."""

    text: ClassVar = "circuit closed"
    level: ClassVar = INFO
    counts: ClassVar = (d.CIRCUIT_OPEN,)

    webhook: str
    open_s: float

    def tally(self, metrics: Metrics, now: float) -> None:
        metrics.webhook(self.webhook).circuit_open.set(0)


@dataclass(frozen=True)
class WebhookDisabled(Occurrence):
    """The endpoint said that it is gone for good (410): nothing is sent until the configuration enables it again."""

    text: ClassVar = "webhook disabled"
    level: ClassVar = ERROR

    webhook: str
    why: str


@dataclass(frozen=True)
class LanePaused(Occurrence):
    """The endpoint refuses too many events: the lane pauses rather than empty the topic into dead letters."""

    text: ClassVar = "lane paused, the endpoint refuses too many events"
    level: ClassVar = ERROR

    webhook: str
    refused: int
    why: str


@dataclass(frozen=True)
class CatchUpStarted(Occurrence):
    """A lane reads what it skipped from Kafka again, from offset `cursor` on."""

    text: ClassVar = "catch-up started"
    level: ClassVar = INFO
    every: ClassVar = 10.0
    per: ClassVar = ("webhook", "topic", "partition")

    webhook: str
    topic: str
    partition: int
    cursor: int
    position: int


@dataclass(frozen=True)
class CatchUpFinished(Occurrence):
    """A lane has met the shared read again at offset `position`; `events` were fed to it on the way."""

    text: ClassVar = "catch-up finished"
    level: ClassVar = INFO
    every: ClassVar = 10.0
    per: ClassVar = ("webhook", "topic", "partition")

    webhook: str
    topic: str
    partition: int
    position: int
    events: int = 0
