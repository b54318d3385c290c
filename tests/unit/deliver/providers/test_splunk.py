"""`splunk`: what the body says, what HEC's codes mean, and how long an acknowledgement is waited for."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forwarder.deliver.payload.splunk import CHANNEL_HEADER, Splunk, complaints
from forwarder.model.attempt import Failure, Fault, Response
from forwarder.model.event import Event
from forwarder.model.verdict import Halve, Pace, Partial, Retry
from forwarder.settings.payload import MODELS, model_of, payload_of
from forwarder.settings.providers.spec import Caps
from tests.unit.deliver.make import event

SENT = Response(200, {}, b'{"text":"Success","code":0,"ackId":7}')


def splunk(**options: Any) -> Splunk:
    return Splunk(payload_of({"format": "splunk", **options}), "prod")


def objects(provider: Splunk, *events: Event) -> list[dict[str, Any]]:
    """What HEC reads: one JSON object after the other, whatever is between them."""
    text, decoder, found = provider.render(events).content.decode(), json.JSONDecoder(), []
    while text:
        one, end = decoder.raw_decode(text)
        found.append(one)
        text = text[end:].lstrip()
    return found


def said(status: int, **answer: Any) -> Response:
    return Response(status, {}, json.dumps(answer).encode())


class TestBody:
    def test_time_metadata_and_fields(self) -> None:
        provider = splunk(host="h", sourcetype="_json", index="sec", severity={"high": "hoch"})
        one = event(b'{"a":1}', 5, id="e-1", when=1_700_000_000_123_456_789, severity=4, tenant="t1")
        assert objects(provider, one) == [
            {
                "time": 1700000000.123,
                "host": "h",
                "sourcetype": "_json",
                "index": "sec",
                "source": "topic",
                "event": {"a": 1},
                "fields": {
                    "event_identity": "prod/topic/0/5",
                    "event_id": "e-1",
                    "event_type": "auth.failed",
                    "severity": "hoch",
                    "tenant": "t1",
                },
            }
        ]

    @given(nanoseconds=st.integers(1_000_000, 2**63 - 1))
    def test_the_time_has_all_its_milliseconds(self, nanoseconds: int) -> None:
        content = splunk().render([event(when=nanoseconds)]).content
        written = content.split(b'"time":')[1].split(b",")[0].replace(b".", b"")
        assert int(written) == nanoseconds // 1_000_000

    def test_an_event_without_any_time_leaves_it_to_splunk(self) -> None:
        assert "time" not in objects(splunk(), event(timestamp_ms=-1))[0]

    @pytest.mark.parametrize(
        ("value", "text", "expected"),
        [
            (b' {"n":1.0e2} ', False, {"n": 100.0}),
            (b'"text"', False, "text"),
            (b'  " "', False, {"message": " "}),
            (b'""', False, {"message": ""}),
            (b"null", False, "null"),
            (None, False, {"message": None}),
            (b"[1, 2]", False, "[1, 2]"),
            (b"17", False, "17"),
            (b"line\n1", True, "line\n1"),
            (b"", True, {"message": ""}),
        ],
    )
    def test_the_event_is_an_object_or_a_text_that_says_something(
        self, value: bytes, text: bool, expected: Any
    ) -> None:
        assert objects(splunk(), event(value, text=text))[0]["event"] == expected

    def test_a_record_beyond_any_request_is_cut_visibly_so_that_it_fits(self) -> None:
        spec = MODELS["splunk"].spec.model_copy(update={"caps": Caps(max_bytes=1000)})
        provider = Splunk(model_of("splunk", spec).model_validate({"format": "splunk"}), "prod")
        large, small = event(b'{"a":"%b"}' % ("é".encode() * 1000), 1), event(b'{"a":1}', 2)
        first, second = objects(provider, large, small)
        assert 980 <= len(provider.render([large]).content) <= 1000
        assert first["event"].startswith('{"a":"\u00e9') and first["event"].endswith("... [truncated]")
        assert (first["fields"]["event_identity"], second["event"]) == ("prod/topic/0/1", {"a": 1})

    def test_raw_records_are_lines(self) -> None:
        body = splunk(endpoint="raw").render([event(b'{"a":\n1}'), event(b"a\r\nb\xff", text=True), event(None)])
        assert body.content.decode() == '{"a": 1}\na  b\ufffd\nnull\n'
        assert body.content_type.startswith("text/plain")

    def test_a_channel_is_sent_only_where_it_is_needed_and_stays_the_same(self) -> None:
        assert splunk().render([]).headers == ()
        ((name, first),) = splunk(ack=True).render([event()]).headers
        assert (name, uuid.UUID(first).version) == (CHANNEL_HEADER, 5)
        assert splunk(ack=True).render([]).headers == ((CHANNEL_HEADER, first),)
        given_one = "7f3c2f8e-0c1e-4c39-9b4b-1f2f3a4b5c6d"
        assert splunk(endpoint="raw", channel=given_one).render([]).headers == ((CHANNEL_HEADER, given_one),)


class TestOptions:
    @pytest.mark.parametrize(
        ("options", "option"), [({"endpoint": "raw", "index": "main"}, "index"), ({"channel": "mine"}, "channel")]
    )
    def test_what_cannot_be_used_is_named(self, options: dict[str, Any], option: str) -> None:
        assert [name for name, _ in complaints(payload_of({"format": "splunk", **options}))] == [option]

    def test_the_defaults_can_be_used(self) -> None:
        assert not list(complaints(payload_of({"format": "splunk"})))


class TestCodes:
    @pytest.mark.parametrize(
        ("status", "code"),
        [
            (403, 1),
            (401, 2),
            (401, 3),
            (403, 4),
            (400, 7),
            (400, 10),
            (400, 11),
            (400, 14),
            (400, 16),
            (400, 28),
            (200, 17),
        ],
    )
    def test_what_a_person_has_to_mend_is_retried_slowly_and_said(self, status: int, code: int) -> None:
        verdict = splunk().read(said(status, code=code, text="the words"), [event()])
        assert verdict == Retry(Pace.SLOW, f"status {status}, code {code}: the words")

    @pytest.mark.parametrize(
        ("status", "code"), [(200, 0), (500, 8), (503, 9), (503, 18), (429, 9), (400, 5), (413, 27)]
    )
    def test_the_rest_is_what_its_status_says(self, status: int, code: int) -> None:
        assert splunk().read(said(status, code=code, text=""), [event()]) is None

    @pytest.mark.parametrize("code", [6, 12, 13, 15])
    def test_the_one_invalid_event_is_refused_and_all_others_go_again(self, code: int) -> None:
        answer = said(400, code=code, text="no", **{"invalid-event-number": 1})
        verdict = splunk().read(answer, [event()] * 3)
        assert isinstance(verdict, Partial)
        assert (verdict.again, verdict.refused) == ((0, 2), (1,))

    def test_a_large_body_is_halved_before_its_first_event_is_believed_to_be_invalid(self) -> None:
        answer = said(400, code=6, text="Invalid data format", **{"invalid-event-number": 0})
        large = event(b'{"a":"%b"}' % (b"x" * 3_000_000))
        assert isinstance(splunk().read(answer, [large, large]), Halve)
        for events in ([large], [event(), event()]):
            verdict = splunk().read(answer, events)
            assert isinstance(verdict, Partial) and verdict.refused == (0,)

    @pytest.mark.parametrize("number", [{}, {"invalid-event-number": 3}, {"invalid-event-number": -1}])
    def test_a_number_that_names_no_event_leaves_it_to_the_status(self, number: dict[str, int]) -> None:
        assert splunk().read(said(400, code=6, text="no", **number), [event()] * 3) is None

    @pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"code":"x"}', b'{"invalid-event-number":"x"}'])
    def test_another_answer_than_hecs_leaves_it_to_the_status(self, body: bytes) -> None:
        assert splunk().read(Response(502, {}, body), [event()]) is None
        assert splunk().read(Response(200, {}, body), [event()]) is None

    def test_a_success_without_an_ack_id_is_none_where_acknowledgement_is_wanted(self) -> None:
        verdict = splunk(ack=True).read(said(200, code=0, text="Success"), [event()])
        assert isinstance(verdict, Retry) and verdict.pace is Pace.SLOW
        assert splunk(ack=True).read(SENT, [event()]) is None


class Talking:
    """A conversation whose polls are answered from a list; time passes only by pauses."""

    now = 0.0

    def __init__(self, *answers: Response | Failure, left: float = 1000.0) -> None:
        self.url = "https://user@splunk.example:8088/services/collector/event?x=1"
        self.answers = list(answers)
        self.asked: list[tuple[str, str, bytes, Mapping[str, str]]] = []
        self.pauses: list[float] = []
        self._left = left

    async def send(
        self, method: str, url: str, content: bytes, content_type: str, headers: Mapping[str, str]
    ) -> Response | Failure:
        self.asked.append((method, url, content, headers))
        return self.answers.pop(0) if self.answers else said(200, acks={"7": False})

    async def pause(self, seconds: float) -> bool:
        self.pauses.append(seconds)
        self._left -= seconds
        return self._left > 0


class TestAcknowledgement:
    async def test_the_answer_stands_once_the_indexers_have_it(self) -> None:
        talk, provider = Talking(said(200, acks={"7": False}), said(200, acks={"7": True})), splunk(ack=True)
        assert await provider.after(talk, SENT) is SENT
        ((_, channel),) = provider.render([]).headers
        url = f"https://user@splunk.example:8088/services/collector/ack?x=1&channel={channel}"
        assert talk.asked == [("POST", url, b'{"acks":[7]}', {CHANNEL_HEADER: channel})] * 2

    async def test_one_that_never_comes_is_a_timeout_after_the_time_given(self) -> None:
        talk = Talking()
        result = await splunk(ack=True, ackTimeout="5s").after(talk, SENT)
        assert isinstance(result, Failure) and result.fault is Fault.TIMEOUT
        assert talk.pauses == [0.25, 0.5, 1.0, 2.0, 1.25]

    async def test_the_attempts_own_time_ends_the_waiting_too(self) -> None:
        result = await splunk(ack=True).after(Talking(left=1.0), SENT)
        assert isinstance(result, Failure) and result.fault is Fault.TIMEOUT

    async def test_a_poll_that_fails_is_tried_again(self) -> None:
        faults = [Failure(Fault.RESET, "gone"), said(503, code=9), Response(200, {}, b"?"), said(429)]
        assert await splunk(ack=True).after(Talking(*faults, said(200, acks={"7": True})), SENT) is SENT

    async def test_a_poll_that_is_refused_is_the_result(self) -> None:
        off = said(400, text="ACK is disabled", code=14)
        assert await splunk(ack=True).after(Talking(off), SENT) is off

    @pytest.mark.parametrize("answer", [said(503, code=9), said(200, code=0)])
    async def test_nothing_is_asked_without_an_id(self, answer: Response) -> None:
        talk = Talking()
        assert await splunk(ack=True).after(talk, answer) is answer
        assert await splunk().after(talk, SENT) is SENT
        assert not talk.asked

    async def test_whether_there_are_acknowledgements_is_asked_once_before_anything_is_sent(self) -> None:
        provider, talk = splunk(ack=True), Talking()
        assert await provider.before(talk) is None
        assert await provider.before(talk) is None
        assert [content for _, _, content, _ in talk.asked] == [b'{"acks":[0]}']
        assert await splunk().before(talk) is None
        assert len(talk.asked) == 1

    @pytest.mark.parametrize("answer", [said(400, code=14), said(503, code=9), Failure(Fault.REFUSED, "no")])
    async def test_nothing_is_sent_where_the_question_is_not_answered(self, answer: Response | Failure) -> None:
        provider = splunk(ack=True)
        assert await provider.before(Talking(answer)) is answer
        assert await provider.before(Talking()) is None

    async def test_another_path_keeps_its_folder(self) -> None:
        talk = Talking(said(200, acks={"7": True}))
        talk.url = "https://proxy.example/hec/in"
        await splunk(ack=True).after(talk, SENT)
        assert talk.asked[0][1].startswith("https://proxy.example/hec/ack?channel=")
