"""What people call an event type: the title of the event set that lists it. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from forwarder.route import glob
from forwarder.settings.process import EventSet
from forwarder.settings.sets.catalogue import builtin


class Titles:
    """By type. The configuration's own sets come before the built-in ones, and a set that names the type before one whose pattern
    matches it. A built-in set that no webhook uses tells the title of the types that it names, not of its patterns."""

    def __init__(self, event_sets: Mapping[str, EventSet]) -> None:
        self._named: dict[str, list[str]] = {}
        self._patterns: list[tuple[str, str]] = []
        self._titles = {name: one.title or name for name, one in event_sets.items()}
        for name, one in event_sets.items():
            self._learn(name, one, patterns=True)
        for name, shipped in builtin().items():
            if name not in event_sets:
                self._titles[name] = shipped.set.title
                self._learn(name, shipped.set, patterns=False)

    def _learn(self, name: str, one: EventSet, *, patterns: bool) -> None:
        for event in one.events:
            if isinstance(glob.parse(event), glob.Exact):
                self._named.setdefault(event, []).append(name)
            elif patterns:
                self._patterns.append((event, name))

    def sets(self, type_: str) -> tuple[str, ...]:
        """The names of the sets that have this type, the one that gives the title first."""
        matching = (name for pattern, name in self._patterns if glob.matches(pattern, type_))
        return tuple(dict.fromkeys((*self._named.get(type_, ()), *matching)))

    def of(self, type_: str) -> str:
        """The title; "" where no set has this type."""
        return next((self._titles[name] for name in self.sets(type_)), "")
