"""Reads the newest records of topics and asks the router about each. Joins no group and sends nothing."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, cast

from forwarder.cli.eventtable import Types
from forwarder.flow.typelist import document
from forwarder.kafka.tail import tail
from forwarder.model.event import Event
from forwarder.route.catalogue import MAX_TYPES, Catalogue, Seen
from forwarder.route.takers import Gets, Takers
from forwarder.settings.process import Settings
from forwarder.source.decode import Decoder

Found = dict[tuple[str, str], dict[str, Gets]]


def read(settings: Settings, topics: Sequence[str], last: int) -> Types:
    """The types of the newest `last` records of each topic. Runs an event loop of its own. Raises StartupError."""
    return asyncio.run(_read(settings, topics, last))


async def _read(settings: Settings, topics: Sequence[str], last: int) -> Types:
    catalogue, takers = Catalogue(), Takers(settings)
    found: Found = defaultdict(dict)
    for source in settings.sources:
        if source.topic in topics:
            decoder = Decoder(source, settings.presets, settings.companies)
            async for tp, chunk in tail(settings.kafka, source.topic, last):
                _learn(decoder.decode_all(tp, cast(Any, chunk)), catalogue, takers, found)
    rows = [document(takers.listed(one, _of(one, found))) for one in catalogue.seen()]
    return Types([hook.name for hook in settings.webhooks], rows)


def _learn(events: Sequence[Event], catalogue: Catalogue, takers: Takers, found: Found) -> None:
    for event in events:
        catalogue.note(event.tp.topic, (event,), event.timestamp_ms / 1000)
        place = (event.tp.topic, event.type)
        if event.problem is None and (place in found or len(found) < 100 * MAX_TYPES):
            found[place].update(dict.fromkeys(takers.of(event), Gets.YES))


def _of(one: Seen, found: Found) -> dict[str, Gets]:
    return found.get((one.topic, one.type), {}) if one.type is not None else {}
