"""What every occurrence has: a fixed text, a level, fields, and what it counts. Holds no occurrence."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar

from forwarder.model.event import TP
from forwarder.observe.declared import Metric
from forwarder.observe.metrics import Metrics

INFO, WARNING, ERROR, CRITICAL = logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL

MAX_LISTED = 50
"""Items of a list written to one line; a worker may own thousands of partitions."""


@dataclass(frozen=True)
class Occurrence:
    """Something that a person may want to know of. Its log line and its counts come from one place, so they agree.

    `every` > 0 lets one line through per so many seconds and values of the fields in `per`; the next line says how
    many were held back (`suppressed`) and their sum (`suppressed_count`). Counting is never held back.
    """

    text: ClassVar[str]
    level: ClassVar[int]
    every: ClassVar[float] = 0.0
    per: ClassVar[tuple[str, ...]] = ()
    counts: ClassVar[tuple[Metric, ...]] = ()

    def tally(self, metrics: Metrics, now: float) -> None:
        """Move the metrics in `counts`. `now` is in seconds since the Unix epoch."""

    def loudness(self) -> int:
        """The level of this line, as in `logging`."""
        return self.level

    def amount(self) -> int:
        """How much this occurrence stands for, summed over lines that are held back."""
        return 0

    def key(self) -> tuple[Any, ...]:
        """What the limit on lines is counted by."""
        return (type(self), *(getattr(self, name) for name in self.per))

    def facts(self) -> dict[str, Any]:
        """The fields as they are logged: plain values, empty ones left out; `class_` is logged as `class`."""
        found = ((name.rstrip("_"), value) for name, value in vars(self).items())
        return {name: plain(value) for name, value in found if value is not None and value not in ("", ())}


def plain(value: Any) -> Any:
    """`value` as a log line holds it: partitions as `topic/0`, enums by value, lists cut at MAX_LISTED."""
    match value:
        case TP(topic=topic, partition=partition):
            return f"{topic}/{partition}"
        case Enum():
            return value.value
        case float():
            return round(value, 6)
        case Mapping():
            return {plain(key): plain(item) for key, item in value.items()}
        case tuple() | list():
            listed = [plain(item) for item in value[:MAX_LISTED]]
            return listed if len(value) <= MAX_LISTED else [*listed, f"and {len(value) - MAX_LISTED} more"]
        case _:
            return value
