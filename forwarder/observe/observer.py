"""The one way an occurrence is told: counted always, logged unless the same was just said. Decides nothing else."""

from __future__ import annotations

from typing import Any, Protocol

from forwarder.clock import Clock
from forwarder.observe.events.base import Occurrence
from forwarder.observe.metrics import Metrics
from forwarder.observe.throttle import Held, Throttle


class Logger(Protocol):
    """What we need of a structlog logger."""

    def log(self, level: int, event: str, **facts: Any) -> Any:
        """Write one line."""


class Observer:
    """Belongs to the event loop's thread. Call `flush` now and then, or the last held-back line is never said."""

    def __init__(self, metrics: Metrics, logger: Logger, clock: Clock) -> None:
        self.metrics = metrics
        self._logger = logger
        self._clock = clock
        self._throttle = Throttle[Occurrence]()

    def emit(self, occurrence: Occurrence) -> None:
        """Count it, and log it unless its limit on lines says not now."""
        occurrence.tally(self.metrics, self._clock.wall())
        held: Held | None = Held()
        if occurrence.every > 0:
            now, key = self._clock.monotonic(), occurrence.key()
            held = self._throttle.admit(key, occurrence, now, occurrence.every, occurrence.amount())
        if held is not None:
            self._say(occurrence, held)

    def flush(self, *, everything: bool = False) -> None:
        """Say what was held back once its interval is over; all of it when `everything` (at a stop)."""
        for occurrence, held in self._throttle.due(self._clock.monotonic(), everything=everything):
            self._say(occurrence, held)

    def _say(self, occurrence: Occurrence, held: Held) -> None:
        facts = occurrence.facts()
        if held.lines:
            facts["suppressed"] = held.lines
        if held.amount:
            facts["suppressed_count"] = held.amount
        name = type(occurrence).__name__
        self._logger.log(occurrence.loudness(), occurrence.text, occurrence=name, **facts)
