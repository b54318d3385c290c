"""`elastic`: two lines per event, and a status of its own for each document."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forwarder.deliver.payload.elastic import Elastic, complaints, dated
from forwarder.model.attempt import Response
from forwarder.model.event import Event
from forwarder.model.verdict import Halve, Pace, Partial, Retry
from forwarder.settings.payload import payload_of
from tests.unit.deliver.make import event

DAY_NS = 1_767_225_600 * 10**9
"""2026-01-01T00:00:00Z."""


def elastic(**options: Any) -> Elastic:
    return Elastic(payload_of({"format": "elastic", "index": "sec", **options}), "prod")


def pairs(provider: Elastic, *events: Event) -> list[tuple[Any, Any]]:
    text = provider.render(events).content.decode()
    assert text.endswith("\n") or not events
    lines = text.split("\n")[:-1]
    return [(json.loads(a), json.loads(b)) for a, b in zip(lines[::2], lines[1::2], strict=True)]


def results(*statuses: int | tuple[int, str]) -> Response:
    items = []
    for status in statuses:
        code, kind = status if isinstance(status, tuple) else (status, "some_exception")
        error = {"error": {"type": kind, "reason": "because"}} if code > 299 else {}
        items.append({"create": {"status": code, **error}})
    return Response(200, {}, json.dumps({"errors": True, "items": items}).encode())


class TestBody:
    def test_the_identity_is_the_documents_id_whatever_id_the_producer_gave(self) -> None:
        ((action, document),) = pairs(elastic(), event(b'{"a":1}', 5, id="twice used"))
        assert action == {"create": {"_index": "sec", "_id": "prod/topic/0/5"}}
        assert document == {"a": 1}

    @given(value=st.text(alphabet='{}[]",\\ \r\n:1', max_size=20), text=st.booleans())
    def test_every_record_is_one_line_and_an_object(self, value: str, text: bool) -> None:
        try:
            json.loads(value)
        except ValueError:
            text = True
        for envelope in ("none", "ecs"):
            ((_, document),) = pairs(elastic(envelope=envelope), event(value.encode(), text=text))
            assert isinstance(document, dict)

    @pytest.mark.parametrize(
        ("value", "message"), [(b"[1, 2]", "[1, 2]"), (b' "a" ', "a"), (b"null", "null"), (None, None), (b"1e3", "1e3")]
    )
    def test_what_is_no_object_goes_under_message(self, value: bytes | None, message: Any) -> None:
        assert pairs(elastic(), event(value))[0][1] == {"message": message}

    def test_the_envelope_has_fields_of_the_common_schema(self) -> None:
        provider = elastic(envelope="ecs", severity={"high": "error"})
        one = event(b'{"@timestamp":"mine"}', 5, when=DAY_NS + 1, severity=4, tenant="t")
        assert pairs(provider, one)[0][1] == {
            "@timestamp": "2026-01-01T00:00:00.000000001Z",
            "event": {"id": "prod/topic/0/5", "action": "auth.failed"},
            "log": {"level": "error"},
            "organization": {"id": "t"},
            "data": {"@timestamp": "mine"},
        }

    def test_the_index_follows_the_events_own_time(self) -> None:
        provider = elastic(index="sec-{yyyy.MM.dd}-{HH}h")
        indexes = [a["create"]["_index"] for a, _ in pairs(provider, event(when=DAY_NS - 1), event(when=DAY_NS))]
        assert indexes == ["sec-2025.12.31-23h", "sec-2026.01.01-00h"]

    def test_many_different_hours_are_rendered_all_the_same(self) -> None:
        hour = 3_600_000_000_000
        events = [event(b"{}", number, when=DAY_NS + number * hour) for number in range(1500)]
        indexes = {a["create"]["_index"] for a, _ in pairs(elastic(index="{yyyyMMddHH}"), *events)}
        assert len(indexes) == 1500

    def test_a_pattern_without_a_date_is_itself(self) -> None:
        assert dated("plain")(0) == "plain"


class TestOptions:
    @pytest.mark.parametrize("index", ["sec-{yyyy-QQ}", "sec-{yyyy", "sec}", "Sec"])
    def test_an_index_that_cannot_be_is_named(self, index: str) -> None:
        assert [name for name, _ in complaints(payload_of({"format": "elastic", "index": index}))] == ["index"]

    @pytest.mark.parametrize("index", ["sec", "sec-{yyyy.MM.dd}", "{HH}", "logs-a-default"])
    def test_others_are_fine(self, index: str) -> None:
        assert not list(complaints(payload_of({"format": "elastic", "index": index})))


class TestResults:
    def test_each_document_goes_its_own_way(self) -> None:
        verdict = elastic().read(results(201, 409, 429, 400, 503, 200, 404), [event()] * 7)
        assert isinstance(verdict, Partial)
        assert (verdict.again, verdict.refused) == ((2, 4, 6), (3,))
        assert verdict.reason == "status 400 of a document: some_exception: because"

    def test_a_reason_shows_nothing_of_the_event(self) -> None:
        reason = "failed to parse field [a] of type [long]. Preview of field's value: '{b=hunter2}'"
        item = {"create": {"status": 400, "error": {"type": "mapper_parsing_exception", "reason": reason}}}
        verdict = elastic().read(Response(200, {}, json.dumps({"errors": True, "items": [item]}).encode()), [event()])
        assert isinstance(verdict, Partial)
        assert verdict.reason.endswith("mapper_parsing_exception: failed to parse field [a] of type [long]")

    @pytest.mark.parametrize("answer", [results(201, 409), Response(200, {}, b'{"errors":false,"took":3}')])
    def test_conflicts_are_successes(self, answer: Response) -> None:
        assert elastic().read(answer, [event()] * 2) is None

    @pytest.mark.parametrize(
        "status", [403, 404, (400, "invalid_index_name_exception"), (429, "cluster_block_exception")]
    )
    def test_nothing_is_refused_for_what_a_person_has_to_mend(self, status: Any) -> None:
        verdict = elastic().read(results(status, status), [event()] * 2)
        assert isinstance(verdict, Retry) and verdict.pace is Pace.SLOW

    @pytest.mark.parametrize(
        "body", [b"", b"{}", b"<html>", b'{"errors":true}', b'{"errors":true,"items":[{"create":{}}]}']
    )
    def test_an_answer_without_results_is_tried_again(self, body: bytes) -> None:
        verdict = elastic().read(Response(200, {}, body), [event()] * 2)
        assert isinstance(verdict, Retry) and verdict.pace is Pace.NORMAL

    def test_fewer_results_than_documents_decide_nothing(self) -> None:
        assert isinstance(elastic().read(results(201, 400), [event()] * 3), Retry)

    def test_an_answer_that_was_cut_is_asked_for_in_halves_and_never_refuses_an_event(self) -> None:
        provider = elastic()
        cut = Response(200, {}, b'{"errors":true,"items":[' + b" " * provider.spec.caps.answer_bytes)
        assert isinstance(provider.read(cut, [event()] * 2), Halve)
        assert isinstance(provider.read(cut, [event()]), Retry)

    @pytest.mark.parametrize("status", [400, 401, 413, 429, 503])
    def test_a_refusal_of_the_whole_request_is_what_its_status_says(self, status: int) -> None:
        assert elastic().read(Response(status, {}, b'{"error":{"type":"x"},"status":400}'), [event()]) is None
