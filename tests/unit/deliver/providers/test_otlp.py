"""`otlp`: protobuf's JSON to the letter, the producer's trace where it is valid, and partial success that is never sent again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forwarder.deliver.payload.otlp import Otlp, structured
from forwarder.deliver.verdict import judge
from forwarder.model.attempt import Response
from forwarder.model.event import Event
from forwarder.model.verdict import Bisect, Delivered, Pace, Partial, Retry
from forwarder.settings.payload import MODELS, model_of, payload_of
from forwarder.settings.providers.spec import Caps
from tests.unit.deliver.make import event, webhook

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"

NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


def otlp(**options: Any) -> Otlp:
    return Otlp(payload_of({"format": "otlp", **options}), "prod")


def records(provider: Otlp, *events: Event) -> list[dict[str, Any]]:
    (resource,) = json.loads(provider.render(events).content)["resourceLogs"]
    (scope,) = resource["scopeLogs"]
    found: list[dict[str, Any]] = scope["logRecords"]
    return found


def plain(value: dict[str, Any]) -> Any:
    """An AnyValue read back."""
    match value:
        case {"kvlistValue": {"values": entries}}:
            return {entry["key"]: plain(entry["value"]) for entry in entries}
        case {"arrayValue": {"values": entries}}:
            return [plain(entry) for entry in entries]
        case {"intValue": number}:
            return int(number)
    return next(iter(value.values()), None)


class TestBody:
    def test_a_log_record(self) -> None:
        one = event(b'{"a":1}', 5, id="e-1", when=1_767_225_600_000_000_001, severity=4, tenant="t")
        (record,) = records(otlp(severity={"high": "hoch"}), one)
        assert {key: record[key] for key in record if key != "attributes"} == {
            "timeUnixNano": "1767225600000000001",
            "observedTimeUnixNano": "1700000000123000000",
            "severityNumber": 17,
            "severityText": "hoch",
            "body": {"stringValue": '{"a":1}'},
        }
        assert {each["key"]: plain(each["value"]) for each in record["attributes"]} == {
            "log.record.uid": "prod/topic/0/5",
            "event.name": "auth.failed",
            "event.id": "e-1",
            "tenant": "t",
            "messaging.destination.name": "topic",
            "messaging.destination.partition.id": "0",
            "messaging.kafka.offset": 5,
        }

    def test_what_nobody_gave_is_left_out(self) -> None:
        (record,) = records(otlp(), event(b"1", timestamp_ms=-1, severity=0, type=""))
        assert set(record) == {"body", "attributes"}

    def test_the_resource_is_what_the_webhook_says(self) -> None:
        document = json.loads(
            otlp(serviceName="sec", resource={"deployment.environment.name": 'a"b'}).render([]).content
        )
        attributes = document["resourceLogs"][0]["resource"]["attributes"]
        assert {each["key"]: plain(each["value"]) for each in attributes} == {
            "service.name": "sec",
            "deployment.environment.name": 'a"b',
        }

    @pytest.mark.parametrize(
        ("header", "expected"),
        [
            (f"00-{TRACE}-{SPAN}-01", (TRACE, SPAN, 1)),
            (f"cc-{TRACE}-{SPAN}-00-more", (TRACE, SPAN, 0)),
            (f"ff-{TRACE}-{SPAN}-01", None),
            (f"00-{TRACE.upper()}-{SPAN}-01", None),
            (f"00-{'0' * 32}-{SPAN}-01", None),
            (f"00-{TRACE}-{'0' * 16}-01", None),
            (f"00-{TRACE}-{SPAN}", None),
            ('00-"},{"-01', None),
            ("", None),
        ],
    )
    def test_only_a_valid_trace_parent_is_passed_on(self, header: str, expected: Any) -> None:
        (record,) = records(otlp(), event(b"1", headers=(("Traceparent", header.encode()),)))
        found = (record["traceId"], record["spanId"], record["flags"]) if "traceId" in record else None
        assert found == expected

    @given(value=JSON)
    def test_structure_says_the_same_as_the_record(self, value: Any) -> None:
        written = json.dumps(value).encode()
        assert plain(json.loads(structured(event(written)))) == json.loads(written)

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            (b"9223372036854775808", {"stringValue": "9223372036854775808"}),
            (b"-9223372036854775808", {"intValue": "-9223372036854775808"}),
            (b"1e400", {"stringValue": "1e400"}),
            (None, {}),
        ],
    )
    def test_numbers_beyond_what_a_value_holds_stay_text(self, value: bytes | None, expected: dict[str, Any]) -> None:
        assert json.loads(structured(event(value))) == expected

    def test_deep_nesting_stays_text(self) -> None:
        deep = b"[" * 5000 + b"]" * 5000
        assert json.loads(structured(event(deep))) == {"stringValue": deep.decode()}


class TestTooLarge:
    @pytest.mark.parametrize("body", ["text", "structured"])
    @pytest.mark.parametrize("value", [b'"%b"' % (b"x" * 5000), b'{"a":"%b"}' % ("é😀\\n".encode() * 900)])
    def test_a_record_beyond_any_request_is_cut_visibly_so_that_it_fits(self, body: str, value: bytes) -> None:
        spec = MODELS["otlp"].spec.model_copy(update={"caps": Caps(max_bytes=2000)})
        provider = Otlp(model_of("otlp", spec).model_validate({"format": "otlp", "body": body}), "prod")
        content = provider.render([event(value)]).content
        assert 1990 <= len(content) <= 2000
        (record,) = records(provider, event(value))
        assert record["body"]["stringValue"].endswith("... [truncated]")
        assert (
            record["body"]["stringValue"][:-15].encode() == value[: len(record["body"]["stringValue"][:-15].encode())]
        )


class TestAnswers:
    @pytest.mark.parametrize("rejected", [1, "1"])
    def test_a_rejection_of_some_is_told_and_not_sent_again(self, rejected: Any) -> None:
        answer = {"partialSuccess": {"rejectedLogRecords": rejected, "errorMessage": "why"}}
        verdict = otlp().read(Response(200, {}, json.dumps(answer).encode()), [event()] * 3)
        assert verdict == Partial("1 of 3 log records rejected: why")

    def test_a_rejection_of_all_refuses_all(self) -> None:
        verdict = otlp().read(Response(200, {}, b'{"partialSuccess":{"rejectedLogRecords":"2"}}'), [event()] * 2)
        assert isinstance(verdict, Partial)
        assert (verdict.again, verdict.refused) == ((), (0, 1))

    @pytest.mark.parametrize(
        "body",
        [b"", b"{}", b"\x0a\x00", b"[]", b'{"partialSuccess":null}', b'{"partialSuccess":{"errorMessage":"a hint"}}',
         b'{"partialSuccess":{"rejectedLogRecords":"many"}}'],
    )  # fmt: skip
    def test_any_other_success_is_one(self, body: bytes) -> None:
        assert otlp().read(Response(200, {}, body), [event()]) is None

    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (200, Delivered),
            (400, Bisect),
            (429, Retry),
            (500, Bisect),
            (501, Bisect),
            (502, Retry),
            (503, Retry),
            (504, Retry),
            (505, Bisect),
        ],
    )
    def test_statuses_are_those_of_the_specification(self, status: int, kind: type) -> None:
        hook = webhook(payload={"format": "otlp"})
        assert isinstance(judge(Response(status), events=1, webhook=hook, now_wall=0.0), kind)

    @pytest.mark.parametrize("status", [401, 403, 404])
    def test_a_wrong_address_or_key_waits_for_a_person(self, status: int) -> None:
        verdict = judge(Response(status), events=1, webhook=webhook(payload={"format": "otlp"}), now_wall=0.0)
        assert isinstance(verdict, Retry) and verdict.pace is Pace.SLOW
