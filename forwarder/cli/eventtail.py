"""Reads the newest records of topics and asks the router about each. Joins no group and sends nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from forwarder.cli.eventtable import Row, Types
from forwarder.flow.typelist import document
from forwarder.kafka.tail import tail
from forwarder.model.event import Event
from forwarder.route.catalogue import MAX_TYPES, Catalogue, Seen
from forwarder.route.takers import Gets, Takers
from forwarder.settings.process import Settings
from forwarder.source.decode import Decoder


@dataclass(slots=True)
class _Found:
    """What is told of one type beyond its count. `first` and `last` are the records' own times, in seconds since the Unix epoch."""

    first: float
    last: float
    webhooks: dict[str, Gets] = field(default_factory=dict)


@dataclass(slots=True)
class _Reading:
    """The types met so far."""

    takers: Takers
    catalogue: Catalogue = field(default_factory=Catalogue)
    found: dict[tuple[str, str], _Found] = field(default_factory=dict)

    def learn(self, events: Sequence[Event]) -> None:
        """Count these and ask every filter with each of them."""
        for event in events:
            now = event.timestamp_ms / 1000
            self.catalogue.note(event.tp.topic, (event,), now)
            place = (event.tp.topic, event.type)
            if event.problem is not None or (place not in self.found and len(self.found) >= 100 * MAX_TYPES):
                continue
            known = self.found.setdefault(place, _Found(now, now))
            known.first, known.last = min(known.first, now), max(known.last, now)
            known.webhooks.update(dict.fromkeys(self.takers.of(event), Gets.YES))

    def row(self, one: Seen) -> Row:
        """A type as JSON has it."""
        known = self.found.get((one.topic, one.type)) if one.type is not None else None
        if known is None:
            return cast(Row, document(self.takers.listed(one, {})))
        told = replace(one, first=known.first, last=known.last, partial=False)
        return cast(Row, document(self.takers.listed(told, known.webhooks)))


def read(settings: Settings, topics: Sequence[str], last: int) -> Types:
    """The types of the newest `last` records of each topic. Runs an event loop of its own. Raises StartupError."""
    return asyncio.run(_read(settings, topics, last))


async def _read(settings: Settings, topics: Sequence[str], last: int) -> Types:
    reading = _Reading(Takers(settings))
    for source in settings.sources:
        if source.topic in topics:
            decoder = Decoder(source, settings.presets, settings.companies)
            async for tp, chunk in tail(settings.kafka, source.topic, last):
                reading.learn(decoder.decode_all(tp, cast(Any, chunk)))
    return Types([hook.name for hook in settings.webhooks], [reading.row(one) for one in reading.catalogue.seen()])
