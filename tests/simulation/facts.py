"""What the laws speak of: events as produced, violations, and which webhook wants what. Pure; shares no code with Forwarder."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.simulation.network import Place


@dataclass(frozen=True)
class Violation:
    """A law that was broken. `kind` is what a shrunk plan must show again."""

    kind: str
    text: str
    at: float
    error: BaseException | None = None


@dataclass(frozen=True)
class Fact:
    """An event as it was produced."""

    kind: str
    at: float
    readable: bool
    value: bytes


def place_of(headers: dict[str, bytes]) -> Place:
    """Where the record of a dead letter lay."""
    return int(headers["forwarder-partition"]), int(headers["forwarder-offset"])


def _filter(hook: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(hook.get("events", ())), hook.get("eventsPolicy", "exclude"), hook.get("enable", True)


def keeps_order(history: list[dict[str, Any]]) -> bool:
    """Only at concurrency 1, and where no other filter lets older events in later."""
    filters = {_filter(hook) for hook in history}
    return len(filters) == 1 and all(hook.get("concurrency", 1) == 1 for hook in history)


def wants(hook: dict[str, Any], fact: Fact) -> bool:
    """Whether a webhook so configured wants the event."""
    listed = fact.kind in hook.get("events", ())
    return listed if hook.get("eventsPolicy") == "include" else not listed


def short(places: Iterable[Place]) -> str:
    """How many, and the first of them."""
    listed = list(places)
    shown = ", ".join(f"{p}-{o}" for p, o in listed[:6])
    return f"{len(listed)} ({shown}{'...' if len(listed) > 6 else ''})"
