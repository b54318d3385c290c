"""What `GET /events` shows: the types seen, with who gets them. Counts nothing (route/catalogue does) and serves nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from forwarder.flow.roster import Roster
from forwarder.route.takers import Listed, Takers
from forwarder.settings.process import Settings


class TypeList:
    """Called in the service's thread it takes a snapshot; what it gives back makes the document and may be called in another one,
    for a thousand webhooks and thousands of types take a while."""

    def __init__(self, roster: Callable[[], Roster]) -> None:
        self._roster = roster
        self._made: tuple[Settings, Takers] | None = None

    def __call__(self) -> Callable[[], dict[str, object]]:
        roster = self._roster()
        seen, settings = roster.catalogue.seen(), roster.settings
        names = [hook.name for hook in settings.webhooks]
        return lambda: {"webhooks": names, "types": [document(one) for one in self._takers(settings).list(seen)]}

    def _takers(self, settings: Settings) -> Takers:
        if self._made is None or self._made[0] is not settings:
            self._made = settings, Takers(settings)
        return self._made[1]


def document(one: Listed) -> dict[str, Any]:
    """A type as JSON has it. `type` is null for all types together that there was no room for."""
    seen = one.seen
    return {
        "topic": seen.topic,
        "type": seen.type,
        "title": one.title,
        "sets": list(one.sets),
        "count": seen.count,
        "firstSeen": _moment(seen.first),
        "lastSeen": _moment(seen.last),
        "webhooks": {name: how.value for name, how in one.webhooks.items()},
        "nobody": one.nobody,
        "partial": seen.partial,
    }


def _moment(seconds: float) -> str | None:
    if seconds <= 0:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
