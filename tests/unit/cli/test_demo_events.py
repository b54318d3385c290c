"""The demo's events: what they are said to mean is what Forwarder reads, and receivers know them again in any payload."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forwarder.cli.arrivals import parse_events
from forwarder.cli.demo.events import PARTITIONS, make, number_of
from forwarder.cli.demo.scenario import ACTORS, CLUSTER, configuration, environment
from forwarder.cli.explain import Record
from forwarder.configuration import load_checked
from forwarder.deliver.payload.registry import provider_of
from forwarder.model.event import Event
from forwarder.route.router import Router
from forwarder.settings.payload import payload_of
from forwarder.settings.process import Settings
from forwarder.source.decode import Decoder

NOW = 1_790_000_000.25
URLS = {actor.name: f"http://127.0.0.1:{7000 + index}/" for index, actor in enumerate(ACTORS)}


@pytest.fixture
def settings(write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    loaded = load_checked(write(configuration("127.0.0.1:9092", "127.0.0.1:9090", URLS)))
    assert all(".url: http sends events in the clear" in warning for warning in loaded.warnings), loaded.warnings
    return loaded.settings


def read_all(settings: Settings, count: int) -> list[Event]:
    decoders = {source.topic: Decoder(source) for source in settings.sources}
    events = []
    for number in range(count):
        made = make(number, NOW + number)
        events.append(decoders[made.topic].decode(Record(made.topic, made.value, made.key, ())))
    return events


def test_forwarder_reads_of_every_event_what_it_is_said_to_mean(settings: Settings) -> None:
    for number, event in enumerate(read_all(settings, 500)):
        made = make(number, NOW + number)
        assert event.problem is None
        assert event.id
        assert (event.type, event.severity) == made.meaning
        assert abs(event.time_ns / 1e9 - (NOW + number)) < 0.001


def test_the_judges_own_idea_of_who_wants_what_is_the_routers(settings: Settings) -> None:
    pairs = [(webhook, webhook.name) for webhook in settings.webhooks]
    router = Router(pairs, event_sets=settings.event_sets, tenants=settings.tenants)
    for number, event in enumerate(read_all(settings, 1000)):
        wanted = [actor.name for actor in ACTORS if actor.wants(make(number, NOW).meaning)]
        assert list(router.match(event)) == wanted


def test_every_topic_and_every_producer_takes_part() -> None:
    made = [make(number, NOW) for number in range(1000)]
    assert {one.topic for one in made} == set(PARTITIONS)
    assert Counter(one.number % 5 for one in made) == dict.fromkeys(range(5), 200)
    assert len({one.key for one in made}) > max(PARTITIONS.values())


def test_some_events_are_serious_and_most_are_not() -> None:
    serious = sum(make(number, NOW).meaning.severity >= 4 for number in range(1000))
    assert serious == 100


@given(st.integers(0, 10**9), st.sampled_from(["json", "ndjson", "stalwart"]))
def test_a_receiver_knows_the_number_again_in_every_payload(number: int, form: str) -> None:
    made = make(number, NOW)
    preset = {"demo-falco": "falco", "demo-security": "auto", "demo-mail": "stalwart"}[made.topic]
    source: Any = {"topic": made.topic, "preset": preset}
    decoder = Decoder(Settings.model_validate({"sources": [source]}).sources[0])
    event = decoder.decode(Record(made.topic, made.value, made.key, ()))
    body = provider_of(payload_of({"format": form}), CLUSTER).render((event,))
    assert [number_of(one) for one in parse_events(body.content, body.content_type)] == [number]


@pytest.mark.parametrize(
    "stranger", [None, 1, "x", [], {}, {"id": 5}, {"id": "0de3"}, {"metadata": "x"}, {"uuid": "f" * 36}]
)
def test_what_nobody_made_has_no_number(stranger: Any) -> None:
    assert number_of(stranger) is None
