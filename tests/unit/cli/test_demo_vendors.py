"""The demo's receivers that look like vendors: they take what the formats make, refuse what the vendors refuse, and miss no event."""

from __future__ import annotations

import json
from typing import Any

import pytest

from forwarder.cli.arrivals import Arrival, Offsets, parse_offsets
from forwarder.cli.demo import vendors
from forwarder.cli.demo.events import make
from forwarder.cli.demo.record import Record
from forwarder.cli.demo.vendors import Place
from forwarder.deliver import offsets
from forwarder.deliver.payload.registry import provider_of
from forwarder.model.event import TP, Event
from forwarder.settings.payload import payload_of
from tests.unit.deliver.make import event, secret

PAYLOADS: dict[str, dict[str, Any]] = {
    "slack": {"title": "Demo"},
    "splunk": {"token": secret("t")},
    "pagerduty": {"routingKey": secret("k")},
}


def events(*numbers: int) -> list[Event]:
    made = [make(number, 1_790_000_000.0) for number in numbers]
    return [
        event(each.value, offset, tp=TP("t", 0), type=each.meaning.type, severity=each.meaning.severity)
        for offset, each in enumerate(made)
    ]


def body_of(name: str, given: list[Event]) -> bytes:
    return provider_of(payload_of({"format": name, **PAYLOADS[name]}), "demo").render(given).content


def arrived(body: bytes, given: list[Event], runs: Offsets | None = None) -> Arrival:
    headers = {"forwarder-events": str(len(given)), "content-type": "application/json"}
    known = parse_offsets(offsets.exact(given)) if runs is None else runs
    return Arrival(0.0, headers, body, known, True, "", 200, True)


def test_slack_tells_every_event_of_a_digest_by_its_place() -> None:
    for count in (1, 2, 40):
        given = events(*range(count))
        body = body_of("slack", given)
        assert (vendors.slack_reply(body).status, vendors.slack_reply(body).body) == (200, b"ok")
        assert vendors.slack_read(arrived(body, given)) == [Place("t", 0, offset) for offset in range(count)]


@pytest.mark.parametrize(
    "runs", [Offsets({("t", 0): ((0, 4),)}, exact=False), Offsets(), Offsets({("t", 0): ((0, 3),)})]
)
def test_a_digest_whose_count_and_places_do_not_agree_is_strange(runs: Offsets) -> None:
    given = events(*range(5))
    assert vendors.slack_read(arrived(body_of("slack", given), given, runs)) == [None] * 5


def test_a_digest_that_tells_another_count_than_its_places_is_strange() -> None:
    given = events(*range(5))
    assert vendors.slack_read(arrived(body_of("slack", given[:4]), given)) == [None] * 5


def test_a_digest_of_which_the_sender_counts_more_is_strange() -> None:
    given, more = events(*range(4)), events(*range(5))
    counted = arrived(body_of("slack", given), more, parse_offsets(offsets.exact(given)))
    assert vendors.slack_read(counted) == [None] * 5


def test_splunk_and_pagerduty_tell_every_event_by_its_record() -> None:
    given = events(*range(10))
    body = body_of("splunk", given)
    assert vendors.splunk_reply(body).status == 200
    assert vendors.splunk_read(arrived(body, given)) == list(range(10))
    for number, one in enumerate(given):
        body = body_of("pagerduty", [one])
        assert vendors.pagerduty_reply(body).status == 202
        assert vendors.pagerduty_read(arrived(body, [one])) == [number]


@pytest.mark.parametrize("body", [b"", b"no JSON", b"[]", b'{"a":1}', b'{"text":"x","blocks":[]}', b'{"event":null}'])
def test_a_body_in_another_shape_is_refused(body: bytes) -> None:
    for reply in (vendors.slack_reply, vendors.splunk_reply, vendors.pagerduty_reply):
        answer = reply(body)
        assert (answer.status, answer.accepted) == (400, False)


def test_slack_refuses_a_text_that_is_too_long() -> None:
    message = json.loads(body_of("slack", events(0)))
    message["blocks"][0]["text"]["text"] = "x" * 151
    assert vendors.slack_reply(json.dumps(message).encode()).status == 400


def test_places_become_numbers_at_the_end_and_what_nobody_made_a_stranger() -> None:
    given = events(0, 1, 2)
    record = Record(read=vendors.slack_read)
    record.take(arrived(body_of("slack", given), given))
    assert (record.taken, list(record.numbers)) == (3, [])
    record.settle({Place("t", 0, 0): 70, Place("t", 0, 1): 71})
    assert (list(record.numbers), record.strangers, record.taken) == ([70, 71], 1, 2)
