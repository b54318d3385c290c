"""Whether Kafka still answers while events are read: told once and now and then, and again when it is back. Waits for nothing."""

from __future__ import annotations

from typing import Protocol

from forwarder.clock import Clock
from forwarder.observe.events import KafkaBack, KafkaUnreachable
from forwarder.observe.health import Health
from forwarder.observe.observer import Observer

GRACE_SECONDS = 3.0
"""A group's leadership moves between brokers in less; that is no outage."""


class Answering(Protocol):
    """What is asked of `kafka.group.Group`."""

    @property
    def reachable(self) -> bool:
        """Whether the broker that leads the group answers."""


class Reach:
    """One per worker; `look` belongs on a timer. Sets the condition `kafka` of `/readyz`."""

    def __init__(
        self, group: Answering, brokers: tuple[str, ...], health: Health, observer: Observer, clock: Clock
    ) -> None:
        self._group = group
        self._brokers = brokers
        self._health = health
        self._observer = observer
        self._clock = clock
        self._since: float | None = None
        self._told = False

    def look(self) -> None:
        """One look."""
        now = self._clock.monotonic()
        if self._group.reachable:
            if self._since is not None and self._told:
                self._health.set("kafka", True)
                self._observer.emit(KafkaBack(brokers=self._brokers, down_s=round(now - self._since, 1)))
            self._since, self._told = None, False
            return
        self._since = now if self._since is None else self._since
        down = now - self._since
        if down >= GRACE_SECONDS:
            self._told = True
            text = f"the broker that leads the group has not answered for {down:.0f} s; events wait"
            self._health.set("kafka", False, text)
            self._observer.emit(KafkaUnreachable(brokers=self._brokers, error=text))
