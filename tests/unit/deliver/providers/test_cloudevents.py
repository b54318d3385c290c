"""`cloudevents`: the three modes, what is kept of an event that is one already, and the handshake."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forwarder.configuration import load_checked
from forwarder.deliver.payload.cloudevent import header
from forwarder.deliver.payload.cloudevents import CloudEvents, complaints
from forwarder.deliver.payload.provider import Body
from forwarder.deliver.payload.registry import provider_of
from forwarder.lane.policy import policy_of
from forwarder.model.event import Event
from forwarder.settings.payload import payload_of
from forwarder.settings.providers.modes import Batched, chosen
from tests.support.receivers.cloudevents import CloudEventsDouble
from tests.support.receivers.double import Asked
from tests.unit.deliver.make import event

NOW = 1_767_225_600 * 10**9
MODES = ("structured", "binary", "batch")
STRUCTURED = (
    b' {"specversion":"1.0","id":"A-1","source":"/my","type":"com.example.x","big":12345678901234567890123,'
    b'"data":{"n":1.10}} '
)
HEADERS = (
    ("ce_specversion", b"1.0"), ("ce_id", b"B 1"), ("ce_source", b"/s\xc3\xa9"), ("ce_type", b"t"), ("ce_comexample", b'100%"x"'),
    ("content-type", b"application/json"), ("ce_bad-name", b"x"), ("ce_datacontenttype", b"x/y"), ("other", b"y"),
)  # fmt: skip


def cloudevents(mode: str = "structured", **options: Any) -> CloudEvents:
    made = provider_of(payload_of({"format": "cloudevents", "mode": mode, **options}), "c")
    assert isinstance(made, CloudEvents)
    return made


def taken(body: Body) -> list[dict[str, Any]]:
    double = CloudEventsDouble()
    asked = Asked("POST", "/", {}, {"Content-Type": body.content_type, **dict(body.headers)}, body.content)
    answer = double.answer(asked)
    assert answer.status == 204, answer
    return double.events


def one(given: Event, mode: str, **options: Any) -> dict[str, Any]:
    (found,) = taken(cloudevents(mode, **options).render([given]))
    return found


@pytest.mark.parametrize("mode", MODES)
class TestEveryMode:
    def test_an_event_that_is_none_yet_becomes_one(self, mode: str) -> None:
        found = one(event(b'{"a":[1]}', 7, id="e-1", severity=4, tenant="acme", when=NOW), mode)
        number = "17" if mode == "binary" else 17
        assert found == {
            "specversion": "1.0", "id": "e-1", "source": "/c/topic", "type": "auth.failed", "time": "2026-01-01T00:00:00Z",
            "severitynumber": number, "severitytext": "high", "tenantid": "acme",
            "datacontenttype": "application/json", "data": {"a": [1]},
        }  # fmt: skip

    def test_an_event_with_nothing_but_a_place_is_whole_all_the_same(self, mode: str) -> None:
        found = one(event(None, 7, type="", severity=0, when=0, timestamp_ms=-1), mode)
        assert (found["id"], found["type"], found["data"]) == ("c/topic/0/7", "topic", None)
        assert "time" not in found and "severitynumber" not in found and "tenantid" not in found

    def test_the_time_of_the_record_stands_in_for_the_events(self, mode: str) -> None:
        assert one(event(b"{}"), mode)["time"] == "2023-11-14T22:13:20.123Z"

    def test_a_text_is_text_data(self, mode: str) -> None:
        found = one(event(b"plain text", text=True), mode)
        assert (found["data"], found["datacontenttype"]) == ("plain text", "text/plain; charset=utf-8")

    def test_a_structured_record_keeps_its_attributes(self, mode: str) -> None:
        found = one(event(STRUCTURED, severity=5, tenant="acme", type="x", id="/my A-1"), mode)
        assert (found["id"], found["source"], found["type"]) == ("A-1", "/my", "com.example.x")
        assert str(found["big"]) == "12345678901234567890123"
        assert found["data"] == {"n": 1.1}
        assert "severitynumber" not in found and "tenantid" not in found

    def test_a_binary_record_keeps_its_attributes(self, mode: str) -> None:
        found = one(event(b'{"a":1}', headers=HEADERS), mode)
        assert found == {
            "specversion": "1.0", "id": "B 1", "source": "/sé", "type": "t", "comexample": '100%"x"',
            "datacontenttype": "application/json", "data": {"a": 1},
        }  # fmt: skip

    def test_a_binary_record_without_a_value_is_an_event_without_data(self, mode: str) -> None:
        assert "data" not in one(event(None, headers=HEADERS), mode)

    def test_data_of_another_media_type_is_text(self, mode: str) -> None:
        headers = (*HEADERS[:4], ("content-type", b"application/xml"))
        found = one(event(b'<much wow="xml"/>', headers=headers, text=True), mode)
        assert (found["data"], found["datacontenttype"]) == ('<much wow="xml"/>', "application/xml")

    def test_the_key_is_added_only_where_it_is_asked_for_and_missing(self, mode: str) -> None:
        assert "partitionkey" not in one(event(STRUCTURED, key=b"k"), mode)
        for value, headers in ((STRUCTURED, ()), (b"{}", HEADERS), (b"{}", ())):
            assert one(event(value, key=b"k", headers=headers), mode, partitionKey=True)["partitionkey"] == "k"
        own = STRUCTURED.replace(b'"big"', b'"partitionkey":"own","big"')
        assert one(event(own, key=b"k"), mode, partitionKey=True)["partitionkey"] == "own"
        assert "partitionkey" not in one(event(STRUCTURED), mode, partitionKey=True)

    @given(text=st.text(max_size=40))
    def test_no_text_breaks_an_attribute(self, mode: str, text: str) -> None:
        given = event(b"{}", headers=(*HEADERS[:4], ("ce_ext", text.encode("utf-8", "replace"))))
        found = one(given, mode)
        assert found.get("ext", "") == text.encode("utf-8", "replace").decode()


def test_a_structured_record_passes_byte_for_byte_where_the_mode_lets_it() -> None:
    given = event(STRUCTURED)
    assert cloudevents().render([given]).content == STRUCTURED.strip()
    assert (
        cloudevents("batch").render([given, given]).content
        == b"[" + STRUCTURED.strip() + b"," + STRUCTURED.strip() + b"]"
    )
    assert b'"n":1.10' in cloudevents("binary").render([given]).content


def test_content_types_are_those_of_the_binding() -> None:
    given = [event(b"{}")]
    types = [cloudevents(mode).render(given).content_type for mode in MODES]
    assert types == ["application/cloudevents+json", "application/json", "application/cloudevents-batch+json"]


@pytest.mark.parametrize("mode", MODES)
def test_the_subject_is_found_in_the_record_and_left_out_where_it_is_not(mode: str) -> None:
    assert one(event(b'{"user":{"name":"ad\xc3\xa4"}}'), mode, subject="user.name")["subject"] == "adä"
    assert one(event(b'{"user":7}'), mode, subject="data.user")["subject"] == "7"
    for value in (b"{}", b'{"user":{"name":""}}', b'{"user":{"name":null}}', b"[]"):
        assert "subject" not in one(event(value), mode, subject="user.name")
    assert "subject" not in one(event(STRUCTURED), mode, subject="data.n")


def test_text_data_of_a_structured_record_loses_its_quotes_in_binary_mode() -> None:
    value = (
        b'{"specversion":"1.0","id":"1","source":"/s","type":"t","datacontenttype":"text/xml","data":"<a b=\\"1\\"/>"}'
    )
    body = cloudevents("binary").render([event(value)])
    assert (body.content, body.content_type) == (b'<a b="1"/>', "text/xml")
    quoted = cloudevents("binary").render([event(value.replace(b"text/xml", b"application/json"))])
    assert quoted.content == b'"<a b=\\"1\\"/>"'


def test_base64_data_is_bytes_in_binary_mode() -> None:
    value = json.dumps(
        {"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "datacontenttype": "image/png",
         "data_base64": base64.b64encode(b"\x89PNG").decode()}
    ).encode()  # fmt: skip
    body = cloudevents("binary").render([event(value)])
    assert (body.content, body.content_type) == (b"\x89PNG", "image/png")


@pytest.mark.parametrize(
    "value",
    [
        b'{"specversion":"1.0","type":"t","source":"/s"}',
        b'{"specversion":1.0,"id":"1","type":"t","source":"/s"}',
        b"[]",
        b"5",
    ],
)
def test_what_only_looks_like_a_cloudevent_is_data(value: bytes) -> None:
    found = one(event(value), "structured")
    assert (found["id"], found["data"]) == ("c/topic/0/0", json.loads(value))


def test_the_example_of_the_specification_is_encoded_as_it_says() -> None:
    assert header('"Euro € 😀"'.encode()) == "Euro%20%E2%82%AC%20%F0%9F%98%80"
    assert header(b'"%41"') == "%2541"
    assert header(b"5") == "5" and header(b"true") == "true"


@given(text=st.text())
def test_a_header_is_printable_and_decodes_to_what_it_was(text: str) -> None:
    written = header(json.dumps(text).encode())
    assert all("!" <= sign <= "~" and sign != '"' for sign in written)
    assert unquote(written) == text.encode("utf-8", "replace").decode()


@pytest.mark.parametrize("media", ["text/plain\r\nX-Evil: 1", "é/x", "x" * 300, " "])
def test_a_media_type_that_no_header_may_hold_is_not_sent(media: str) -> None:
    value = json.dumps(
        {"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "datacontenttype": media, "data": "x"}
    )
    body = cloudevents("binary").render([event(value.encode())])
    assert body.content_type in ("application/octet-stream", "application/json")


def test_a_mode_with_one_event_per_request_takes_no_more() -> None:
    with pytest.raises(ValueError, match="2 events for mode binary"):
        cloudevents("binary").render([event(b"1"), event(b"2")])


def test_only_batch_mode_has_more_than_one_event_per_request(tmp_path: Path) -> None:
    hooks = [
        {"name": mode, "url": "https://x.example/", "payload": {"format": "cloudevents", "mode": mode}}
        for mode in MODES
    ]
    path = tmp_path / "forwarder.yaml"
    path.write_text(json.dumps({"sources": [{"topic": "t"}], "webhooks": hooks}))
    loaded = load_checked(path, {}).settings.webhooks
    assert [policy_of(hook).max_events for hook in loaded] == [1, 1, 1000]
    assert isinstance(loaded[2].payload, Batched) and chosen(loaded[2].payload) is loaded[2].payload
    assert loaded[2].payload.options["mode"] == "batch"


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"handshake": True}, "origin"),
        ({"handshake": True, "origin": "a b"}, "origin"),
        ({"handshake": True, "origin": "a\r\nX: y"}, "origin"),
        ({"requestRate": 0}, "requestRate"),
        ({"subject": "a..b"}, "subject"),
        ({"requestRate": 1.5}, "requestRate"),
    ],
)
def test_options_that_cannot_be_used_are_refused_at_load(options: Any, option: str) -> None:
    assert [found for found, _ in complaints(payload_of({"format": "cloudevents", **options}))] == [option]
    fine = {"handshake": True, "origin": "a.example", "requestRate": 60}
    assert list(complaints(payload_of({"format": "cloudevents", **fine}))) == []
