"""Occurrences of the process itself: start and stop, configuration, memory, the event loop. Declarations only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from forwarder.observe import declared as d
from forwarder.observe.declared import ReloadResult, Stuck
from forwarder.observe.events.base import CRITICAL, ERROR, INFO, WARNING, Occurrence
from forwarder.observe.metrics import Metrics


@dataclass(frozen=True)
class Started(Occurrence):
    """The process runs with a valid configuration; it may not have reached Kafka yet. `http` is the address really bound."""

    text: ClassVar = "forwarder started"
    level: ClassVar = INFO
    counts: ClassVar = (d.RELOAD_OK, d.RELOAD_TIME)

    version: str
    config: str
    http: str
    topics: tuple[str, ...]
    webhooks: int

    def tally(self, metrics: Metrics, now: float) -> None:
        metrics.gauge(d.RELOAD_OK).set(1)
        metrics.gauge(d.RELOAD_TIME).set(now)


@dataclass(frozen=True)
class Stopping(Occurrence):
    """A stop was asked for: no more events are read, attempts in flight may end within `drain_s`."""

    text: ClassVar = "forwarder stopping"
    level: ClassVar = INFO

    why: str
    drain_s: float


@dataclass(frozen=True)
class Stopped(Occurrence):
    """The process ends with `exit_code`."""

    text: ClassVar = "forwarder stopped"
    level: ClassVar = INFO

    exit_code: int
    uptime_s: float | None = None


@dataclass(frozen=True)
class WorkerFailed(Occurrence):
    """An error that nobody expected ends the worker; it is started again from the last checkpoint."""

    text: ClassVar = "worker failed"
    level: ClassVar = CRITICAL

    error: str


@dataclass(frozen=True)
class ConfigReloaded(Occurrence):
    """A changed configuration is in force. `changes` lists what changed, one field each."""

    text: ClassVar = "configuration reloaded"
    level: ClassVar = INFO
    counts: ClassVar = (d.RELOADS, d.RELOAD_OK, d.RELOAD_TIME)

    config: str
    changes: tuple[str, ...]

    def tally(self, metrics: Metrics, now: float) -> None:
        metrics.counter(d.RELOADS, ReloadResult.APPLIED.value).inc()
        metrics.gauge(d.RELOAD_OK).set(1)
        metrics.gauge(d.RELOAD_TIME).set(now)


@dataclass(frozen=True)
class ConfigRefused(Occurrence):
    """A changed configuration has mistakes, all listed in `problems`; the last good one stays in force."""

    text: ClassVar = "configuration refused, the last good one stays in force"
    level: ClassVar = ERROR
    counts: ClassVar = (d.RELOADS, d.RELOAD_OK)

    config: str
    problems: tuple[str, ...]

    def tally(self, metrics: Metrics, now: float) -> None:
        metrics.counter(d.RELOADS, ReloadResult.REFUSED.value).inc()
        metrics.gauge(d.RELOAD_OK).set(0)


@dataclass(frozen=True)
class BudgetSpent(Occurrence):
    """The memory budget is spent: the lanes of `webhooks`, the largest first, go behind and read from Kafka later."""

    text: ClassVar = "memory budget spent"
    level: ClassVar = WARNING
    every: ClassVar = 10.0

    used_bytes: int
    budget_bytes: int
    webhooks: tuple[str, ...] = ()


@dataclass(frozen=True)
class ProcessSlept(Occurrence):
    """The process did not run for `slept_s` seconds: its partitions may be another worker's by now. No attempt starts until the group
    has confirmed that they are not."""

    text: ClassVar = "process slept"
    level: ClassVar = WARNING
    every: ClassVar = 10.0

    slept_s: float


@dataclass(frozen=True)
class LoopStalled(Occurrence):
    """The event loop woke `lag_s` seconds late: something computed for that long without a pause. `stack` is where it stood."""

    text: ClassVar = "event loop stalled"
    level: ClassVar = WARNING
    every: ClassVar = 10.0
    counts: ClassVar = (d.LOOP_STALLS,)

    lag_s: float
    stack: tuple[str, ...] = ()

    def tally(self, metrics: Metrics, now: float) -> None:
        metrics.counter(d.LOOP_STALLS).inc()


@dataclass(frozen=True)
class LoopBlocked(Occurrence):
    """The event loop has stood still for `for_s` seconds and still does, in the function that `stack` ends with."""

    text: ClassVar = "event loop is blocked"
    level: ClassVar = ERROR

    for_s: float
    stack: tuple[str, ...]


@dataclass(frozen=True)
class StuckFound(Occurrence):
    """`name` (a webhook, `topic/partition` or the group) ought to move and has not for `for_s` seconds. `why` says what is due,
    `stack` where the tasks concerned stand. It is a defect of ours, not an endpoint's or Kafka's: please report it."""

    text: ClassVar = "stuck"
    level: ClassVar = ERROR
    counts: ClassVar = (d.STUCK_FOUND,)

    what: Stuck
    name: str
    why: str
    for_s: float
    stack: tuple[str, ...] = ()

    def tally(self, metrics: Metrics, now: float) -> None:
        metrics.counter(d.STUCK_FOUND, self.what.value).inc()


@dataclass(frozen=True)
class StuckOver(Occurrence):
    """What was found stuck moves again, or need not any more, after `for_s` seconds."""

    text: ClassVar = "no longer stuck"
    level: ClassVar = WARNING

    what: Stuck
    name: str
    why: str
    for_s: float
