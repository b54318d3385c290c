"""`cloudevents`: the three modes, what is kept of an event that is one already, and the handshake."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
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
from forwarder.model.attempt import Failure, Fault, Response
from forwarder.model.event import Event
from forwarder.model.verdict import Pace, Retry
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


class Talking:
    """A conversation with a scripted receiver; time passes by pauses alone."""

    def __init__(self, *answers: Response | Failure, left: float = 30.0) -> None:
        self.url = "https://receiver.example/in?k=v"
        self.now = 1000.0
        self.left = left
        self.answers = list(answers)
        self.asked: list[tuple[str, str, Mapping[str, str]]] = []

    async def send(
        self, method: str, url: str, content: bytes, content_type: str, headers: Mapping[str, str]
    ) -> Response | Failure:
        self.asked.append((method, url, headers))
        await asyncio.sleep(0)
        return self.answers.pop(0)

    async def pause(self, seconds: float) -> bool:
        if seconds >= self.left:
            return False
        self.now += seconds
        return True


def asking(**options: Any) -> CloudEvents:
    return cloudevents(handshake=True, origin="forwarder.example", **options)


def allowed(origin: str = "forwarder.example", **more: str) -> Response:
    return Response(200, {"webhook-allowed-origin": origin, **{name.replace("_", "-"): v for name, v in more.items()}})


class TestHandshake:
    async def test_without_it_nothing_is_asked(self) -> None:
        talk = Talking()
        assert await cloudevents().before(talk) is None and talk.asked == []

    async def test_permission_is_asked_for_once_and_again_when_it_is_old(self) -> None:
        talk, provider = Talking(allowed(), allowed("*")), asking(requestRate=120, handshakeEvery="10m")
        for _ in range(3):
            assert await provider.before(talk) is None
        headers = {"WebHook-Request-Origin": "forwarder.example", "WebHook-Request-Rate": "120"}
        assert talk.asked == [("OPTIONS", talk.url, headers)]
        talk.now += 600
        assert await provider.before(talk) is None
        assert len(talk.asked) == 2

    async def test_every_delivery_carries_the_origin(self) -> None:
        for mode in MODES:
            provider = cloudevents(mode, handshake=True, origin="forwarder.example")
            headers = dict(provider.render([event(b"{}")]).headers)
            assert headers["WebHook-Request-Origin"] == "forwarder.example"
        assert "WebHook-Request-Origin" not in dict(cloudevents("binary").render([event(b"{}")]).headers)

    @pytest.mark.parametrize(
        ("answer", "words"),
        [
            (Response(200, {}), "without WebHook-Allowed-Origin"),
            (Response(405, {}), "status 405"),
            (Response(404, {"webhook-allowed-origin": ""}), "status 404"),
            (allowed("other.example"), "allows 'other.example'"),
            (allowed(webhook_allowed_rate="0"), "WebHook-Allowed-Rate '0'"),
            (allowed(webhook_allowed_rate="-1"), "neither"),
            (allowed(webhook_allowed_rate="9" * 5000), "neither"),
            (allowed(webhook_allowed_rate="many"), "neither"),
            (allowed(webhook_allowed_rate="0" * 5000 + "1"), "neither"),
        ],
    )
    async def test_a_refusal_is_told_and_asked_about_again_slowly(self, answer: Response, words: str) -> None:
        provider, talk = asking(), Talking(answer, answer)
        refused = await provider.before(talk)
        assert isinstance(refused, Response) and not 200 <= refused.status <= 299
        verdict = provider.read(refused, [event(b"{}")])
        assert isinstance(verdict, Retry) and verdict.pace is Pace.SLOW and words in verdict.reason
        assert await provider.before(talk) is not None and len(talk.asked) == 2

    @pytest.mark.parametrize("status", [408, 410, 425, 429, 500, 503])
    async def test_an_answer_that_is_about_the_moment_means_what_it_always_means(self, status: int) -> None:
        provider, answer = asking(), Response(status, {"retry-after": "7"})
        assert await provider.before(Talking(answer)) is answer
        assert provider.read(answer, [event(b"{}")]) is None

    async def test_a_connection_that_fails_is_the_attempts_result(self) -> None:
        failed = Failure(Fault.REFUSED, "nobody there")
        assert await asking().before(Talking(failed)) is failed

    async def test_the_origin_is_a_name_whose_case_does_not_matter(self) -> None:
        assert await asking().before(Talking(allowed("Forwarder.EXAMPLE"))) is None

    @pytest.mark.parametrize("status", [401, 403, 404, 405, 410])
    async def test_a_delivery_that_is_refused_asks_again(self, status: int) -> None:
        talk, provider = Talking(allowed(), allowed()), asking()
        await provider.before(talk)
        response = Response(status)
        assert await provider.after(talk, response) is response
        await provider.before(talk)
        assert len(talk.asked) == 2

    async def test_the_permitted_rate_is_kept(self) -> None:
        talk, provider = Talking(allowed(webhook_allowed_rate="120")), asking()
        starts = []
        for _ in range(4):
            assert await provider.before(talk) is None
            starts.append(talk.now)
        assert starts == [1000.0, 1000.5, 1001.0, 1001.5]

    async def test_a_turn_that_is_too_far_off_comes_back_then(self) -> None:
        talk, provider = Talking(allowed(webhook_allowed_rate="1")), asking()
        assert await provider.before(talk) is None
        talk.now += 10
        later = await provider.before(talk)
        assert later == Response(429, {"retry-after": "50"})
        talk.now += 50
        assert await provider.before(talk) is None

    async def test_requests_that_start_together_ask_once(self) -> None:
        talk, provider = Talking(allowed()), asking()
        assert await asyncio.gather(*(provider.before(talk) for _ in range(5))) == [None] * 5
        assert len(talk.asked) == 1


def test_a_mode_that_is_not_understood_waits_for_a_person() -> None:
    verdict = cloudevents("binary").read(Response(415), [event(b"{}")])
    assert isinstance(verdict, Retry) and verdict.pace is Pace.SLOW and "mode binary" in verdict.reason
    assert cloudevents().read(Response(204), [event(b"{}")]) is None
