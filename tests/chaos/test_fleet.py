"""The fleet's own statement of each filter is what Forwarder makes of the configuration: else the judge would judge nonsense."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from aiokafka import ConsumerRecord

from forwarder.configuration import load_checked
from forwarder.route.router import Router
from forwarder.source.decode import Decoder
from tests.chaos.events import GARBAGE, make
from tests.chaos.fleet import COUNT, MODES, fleet
from tests.chaos.scene import TOPICS, write_settings

EVENTS = 400


def record(topic: str, offset: int, value: bytes | None) -> ConsumerRecord[Any, Any]:
    return ConsumerRecord(topic, 0, offset, 1, 0, None, value, None, 0, 0, ())


def test_what_the_fleet_says_it_wants_is_what_its_configuration_lets_through(tmp_path: Path) -> None:
    hooks = fleet()
    settings = load_checked(
        write_settings(tmp_path, "127.0.0.1:1", {h.name: "http://127.0.0.1:2/" for h in hooks})
    ).settings
    router = Router([(w, w.name) for w in settings.webhooks], event_sets=settings.event_sets, tenants=settings.tenants)
    sources = {source.topic: source for source in settings.sources}
    rng = random.Random(5)
    wanted = 0
    for number in range(EVENTS):
        topic = rng.choice(TOPICS)
        made = make(rng, f"e{number}", topic.style)
        event = Decoder(sources[topic.name], settings.presets).decode(record(topic.name, number, made.value))
        assert event.problem is None
        names = {hook.name for hook in hooks if hook.wants.matches(made.type, made.tenant, made.severity)}
        assert set(router.match(event)) == names, made
        wanted += len(names)
    assert 4.0 < wanted / EVENTS < 8.0, "an event has about five webhooks"


def test_garbage_is_unreadable_in_every_topic(tmp_path: Path) -> None:
    settings = load_checked(
        write_settings(tmp_path, "127.0.0.1:1", {h.name: "http://127.0.0.1:2/" for h in fleet()})
    ).settings
    for source in settings.sources:
        decoder = Decoder(source, settings.presets)
        for value in GARBAGE:
            assert decoder.decode(record(source.topic, 0, value)).problem is not None, value


def test_the_fleet_has_every_mode_and_names_are_unique() -> None:
    hooks = fleet()
    assert len({hook.name for hook in hooks}) == COUNT
    assert {hook.mode.name for hook in hooks} == {mode.name for mode in MODES}
    assert {hook.wants for hook in hooks if hook.wants.types} and {hook.wants for hook in hooks if hook.wants.tenants}
