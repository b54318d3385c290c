"""Every payload format: order, determinism, and the producers' bytes untouched."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forwarder.deliver.payload.timestamps import timestamp
from forwarder.model.event import Event
from forwarder.settings.payload import Payload, payload_of
from tests.unit.deliver.make import batch, event, rendered

PASS_THROUGH = ("json", "ndjson", "stalwart")
"""Formats that hand the producers' own bytes on."""

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


def payload(name: str, style: str = "nanoseconds") -> Payload:
    return payload_of({"format": name, "timestampFormat": style})


def values(name: str, content: bytes) -> list[Any]:
    """What a receiver reads."""
    if name == "ndjson":
        return [json.loads(line) for line in content.decode().split("\n")[:-1]]
    read = json.loads(content)
    return [entry["data"] for entry in read["events"]] if name == "stalwart" else read


@pytest.mark.parametrize("name", PASS_THROUGH)
class TestEveryFormat:
    @given(documents=st.lists(st.tuples(JSON, st.sampled_from([None, 2])), max_size=4))
    def test_a_receiver_reads_the_same_values_in_the_same_order(
        self, name: str, documents: list[tuple[Any, int | None]]
    ) -> None:
        events = [event(json.dumps(value, indent=indent).encode(), i) for i, (value, indent) in enumerate(documents)]
        body = rendered(batch(*events), payload(name), "c")
        assert values(name, body.content) == [value for value, _ in documents]

    def test_the_same_events_give_the_same_bytes(self, name: str) -> None:
        events = [event(b'{"z":1,"a":2}', 1), event(b"[]", 2)]
        assert rendered(batch(*events), payload(name), "c") == rendered(batch(*events), payload(name), "c")

    @pytest.mark.parametrize(
        "value", [b'{"n":123456789012345678901234567890,"f":1.10e400,"d":1,"d":2}', b'"\\u00e9\xc3\xa9\\n"', b" {} "]
    )
    def test_the_producers_bytes_pass_untouched(self, name: str, value: bytes) -> None:
        assert value in rendered(batch(event(value)), payload(name), "c").content

    def test_a_record_without_a_value_is_null(self, name: str) -> None:
        assert values(name, rendered(batch(event(None)), payload(name), "c").content) == [None]

    def test_a_text_becomes_a_json_string(self, name: str) -> None:
        text = 'line "one"\nline two \\ \x01'
        body = rendered(batch(event(text.encode() + b"\xff", text=True)), payload(name), "c")
        assert values(name, body.content) == [text + "�"]

    def test_no_record_is_shown_by_repr(self, name: str) -> None:
        assert "hunter2" not in repr(rendered(batch(event(b'"hunter2"')), payload(name), "c"))


def test_json_is_an_array() -> None:
    body = rendered(batch(event(b'{"a":1}'), event(b"2", 1)), payload("json"), "c")
    assert (body.content, body.content_type) == (b'[{"a":1},2]', "application/json")


def test_ndjson_ends_with_a_newline_and_keeps_each_value_on_its_line() -> None:
    body = rendered(batch(event(b'{\r\n "a": 1\n}'), event(b"2", 1)), payload("ndjson"), "c")
    assert (body.content, body.content_type) == (b'{   "a": 1 }\n2\n', "application/x-ndjson")


def test_stalwart_wraps_each_event_in_its_envelope() -> None:
    known = event(b'{"a":1}', id="e-1", type='x"y', when=1_700_000_000_000_000_001)
    unknown = event(b"2", 9, type="")
    body = rendered(batch(known, unknown), payload("stalwart"), "prod")
    assert json.loads(body.content) == {
        "events": [
            {"id": "e-1", "createdAt": 1_700_000_000_000_000_001, "type": 'x"y', "data": {"a": 1}},
            {"id": "prod/topic/0/9", "createdAt": 1_700_000_000_123_000_000, "type": "", "data": 2},
        ]
    }


def test_a_lone_surrogate_in_a_type_does_not_stop_the_batch() -> None:
    body = rendered(batch(event(b"1", type="a\ud800b")), payload("stalwart"), "c")
    assert json.loads(body.content)["events"][0]["type"] == "a?b"


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        ("seconds", b"1700000000"),
        ("milliseconds", b"1700000000123"),
        ("microseconds", b"1700000000123456"),
        ("nanoseconds", b"1700000000123456789"),
        ("rfc3339", b'"2023-11-14T22:13:20.123456789Z"'),
    ],
)
def test_times_are_rendered_in_the_unit_asked_for(style: Any, expected: bytes) -> None:
    assert timestamp(1_700_000_000_123_456_789, style) == expected


@pytest.mark.parametrize(
    ("time_ns", "expected"),
    [
        (0, b'"1970-01-01T00:00:00Z"'),
        (-1, b'"1969-12-31T23:59:59.999999999Z"'),
        (1_500_000_000, b'"1970-01-01T00:00:01.5Z"'),
        (10**30, b"null"),
        (-(10**30), b"null"),
    ],
)
def test_rfc3339_at_the_edges(time_ns: int, expected: bytes) -> None:
    assert timestamp(time_ns, "rfc3339") == expected


def test_an_empty_batch_is_still_valid() -> None:
    empty: tuple[Event, ...] = ()
    assert [rendered(batch(*empty), payload(name), "c").content for name in ("json", "ndjson", "stalwart")] == [
        b"[]",
        b"",
        b'{"events":[]}',
    ]
