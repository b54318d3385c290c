"""What the tests of observe share: a logger that keeps its lines, and one series' value."""

from __future__ import annotations

from typing import Any

from forwarder.observe.metrics import Metrics


class Kept:
    """A logger: `lines` holds (level, text, facts)."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, str, dict[str, Any]]] = []

    def log(self, level: int, event: str, **facts: Any) -> None:
        self.lines.append((level, event, facts))


def sample(metrics: Metrics, name: str, **labels: str) -> float | None:
    """The value of one series, None when it does not exist."""
    return metrics.registry.get_sample_value(name, labels)
