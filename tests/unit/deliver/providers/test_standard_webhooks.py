"""`standard-webhooks`: type, timestamp, data; one event per request, so that its id is the event's own."""

from __future__ import annotations

import json

from forwarder.deliver.payload.registry import provider_of
from forwarder.lane.policy import policy_of
from forwarder.model.event import Event
from forwarder.settings.payload import payload_of
from tests.unit.deliver.make import event, webhook

PROVIDER = provider_of(payload_of({"format": "standard-webhooks"}), "c")


def body(given: Event) -> bytes:
    return PROVIDER.render([given]).content


def test_an_event_is_its_type_its_time_and_the_producers_bytes() -> None:
    given = event(b'{"n":1.10}', type="user.created", when=1_767_225_600_500_000_000)
    assert body(given) == b'{"type":"user.created","timestamp":"2026-01-01T00:00:00.5Z","data":{"n":1.10}}'


def test_all_three_are_there_even_where_the_event_has_none() -> None:
    found = json.loads(body(event(None, type="", when=0, timestamp_ms=-1)))
    assert found == {"type": "topic", "timestamp": "1970-01-01T00:00:00Z", "data": None}


def test_the_time_of_the_record_stands_in_for_the_events() -> None:
    assert json.loads(body(event(b"1", when="no time")))["timestamp"] == "2023-11-14T22:13:20.123Z"


def test_a_request_holds_one_event() -> None:
    assert policy_of(webhook(payload={"format": "standard-webhooks"})).max_events == 1
