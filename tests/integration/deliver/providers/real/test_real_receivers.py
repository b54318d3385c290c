"""What real receivers hold after a delivery is what was sent: every event, its identity, its time, its order."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from forwarder.deliver.payload.records import created_ns
from forwarder.model.event import Event, event_id, identity
from forwarder.model.times import time_ns
from forwarder.model.verdict import Delivered, Partial, Retry
from tests.integration.deliver.providers.real.conftest import CLUSTER, NEW_YEAR_NS, Delivering, made_events
from tests.support.receivers.real import OpenSearch, OtelSink, VictoriaLogs
from tests.unit.deliver.make import event, secret

SESAME = {"X-Api-Key": secret("sesame-of-the-test")}


def attributes(record: Mapping[str, Any]) -> dict[str, str]:
    """Of an OpenTelemetry log record, as text."""
    return {each["key"]: next(iter(each["value"].values())) for each in record["attributes"]}


def plain(value: Mapping[str, Any]) -> Any:
    """An AnyValue as JSON would have it. OpenTelemetry's HEC receiver reads every number as a float."""
    match value:
        case {"kvlistValue": {"values": entries}}:
            return {entry["key"]: plain(entry["value"]) for entry in entries}
        case {"intValue": number}:
            return int(number)
    return next(iter(value.values()), None)


def identities(events: Iterable[Event]) -> list[str]:
    return [identity(each, CLUSTER) for each in events]


def values(events: Iterable[Event]) -> list[Any]:
    return [json.loads(each.value or b"null") for each in events]


class TestOpenTelemetrySplunkHec:
    @pytest.mark.parametrize("compression", ["none", "gzip"])
    async def test_every_event_arrives_with_its_identity_time_and_value(
        self, otel: OtelSink, deliver: Delivering, compression: str
    ) -> None:
        events = made_events(f"hec-{compression}")
        assert await deliver(otel.url("splunk_hec"), events, payload={"format": "splunk"}, compression=compression) == [
            Delivered()
        ]
        records = otel.received("splunk_hec", len(events), f"/hec-{compression}/")
        assert [attributes(record)["event_identity"] for record in records] == identities(events)
        assert [plain(record["body"]) for record in records] == values(events)
        assert [round(int(record["timeUnixNano"]) / 1e6) for record in records] == [
            created_ns(e) // 10**6 for e in events
        ]
        assert [attributes(record).get("event_id", "") for record in records] == [each.id for each in events]

    async def test_an_acknowledged_batch_is_delivered_once_the_receiver_says_so(
        self, otel: OtelSink, deliver: Delivering
    ) -> None:
        events = made_events("hec-acked", 5)
        assert await deliver(otel.url("splunk_hec"), events, payload={"format": "splunk", "ack": True}) == [Delivered()]
        records = otel.received("splunk_hec", len(events), "/hec-acked/")
        assert [attributes(record)["event_identity"] for record in records] == identities(events)

    async def test_records_that_are_no_objects_are_taken(self, otel: OtelSink, deliver: Delivering) -> None:
        odd = [b"null", b'""', b'" \\n "', b"[1,2]", b"17", b"true", b'"a text"', b"{}"]
        events = [event(value, number, topic="hec-odd") for number, value in enumerate(odd)]
        events += [event(None, 8, topic="hec-odd"), event(b"two\nlines \xff", 9, topic="hec-odd", text=True)]
        assert await deliver(otel.url("splunk_hec"), events, payload={"format": "splunk"}) == [Delivered()]
        records = otel.received("splunk_hec", len(events), "/hec-odd/")
        assert [attributes(record)["event_identity"] for record in records] == identities(events)

    async def test_raw_records_arrive_one_per_line(self, otel: OtelSink, deliver: Delivering) -> None:
        events = [event(b'{"raw":\n%d}' % number, number, topic="hec-raw") for number in range(5)]
        payload = {"format": "splunk", "endpoint": "raw"}
        url = otel.url("splunk_hec", "/services/collector/raw?sourcetype=made-up")
        assert await deliver(url, events, payload=payload) == [Delivered()]
        records = otel.received("splunk_hec", len(events), '{\\"raw\\":')
        assert [json.loads(record["body"]["stringValue"]) for record in records] == values(events)


class TestOpenTelemetryLoki:
    async def test_streams_arrive_in_order_of_time_with_their_metadata(
        self, otel: OtelSink, deliver: Delivering
    ) -> None:
        events = made_events("loki-otel")
        late_first = events[::-1]
        assert await deliver(otel.url("loki"), late_first, payload={"format": "loki"}) == [Delivered()]
        records = otel.received("loki", len(events), "/loki-otel/")
        by_identity = {identity(each, CLUSTER): each for each in events}
        assert sorted(attributes(r)["event_identity"] for r in records) == sorted(by_identity)
        for record in records:
            sent = by_identity[attributes(record)["event_identity"]]
            assert record["body"]["stringValue"].encode() == sent.value
            assert int(record["timeUnixNano"]) == created_ns(sent)
            assert attributes(record)["tenant"] == sent.tenant
        for level in ("error", "warn", "info"):
            times = [int(record["timeUnixNano"]) for record in records if attributes(record)["level"] == level]
            assert times == sorted(times)


class TestOpenTelemetryOtlp:
    @pytest.mark.parametrize("body", ["text", "structured"])
    async def test_every_event_arrives_with_its_identity_time_and_value(
        self, otel: OtelSink, deliver: Delivering, body: str
    ) -> None:
        events = made_events(f"otlp-{body}")
        assert await deliver(otel.url("otlp"), events, payload={"format": "otlp", "body": body}) == [Delivered()]
        records = otel.received("otlp", len(events), f"/otlp-{body}/")
        assert [attributes(record)["log.record.uid"] for record in records] == identities(events)
        assert [int(record["timeUnixNano"]) for record in records] == [created_ns(each) for each in events]
        read = [plain(record["body"]) for record in records]
        assert (
            read == values(events)
            if body == "structured"
            else [text.encode() for text in read] == [e.value for e in events]
        )
        numbers = [record.get("severityNumber", 0) for record in records]
        assert numbers == [(0, 9, 10, 13, 17, 21, 24)[each.severity] for each in events]

    async def test_the_producers_trace_arrives(self, otel: OtelSink, deliver: Delivering) -> None:
        trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
        traced = event(b"{}", topic="otlp-trace", headers=(("traceparent", f"00-{trace}-{span}-01".encode()),))
        assert await deliver(otel.url("otlp"), [traced], payload={"format": "otlp"}) == [Delivered()]
        (record,) = otel.received("otlp", 1, "/otlp-trace/")
        assert (record["traceId"], record["spanId"], record["flags"]) == (trace, span, 1)

    async def test_odd_values_are_taken_as_structure(self, otel: OtelSink, deliver: Delivering) -> None:
        odd = [
            b"null",
            b"[null,[],{}]",
            b"123456789012345678901234567890",
            b"1e400",
            b"-0.5",
            b'{"":{"a":[true]}}',
            b'"\\u0000"',
        ]
        events = [event(value, number, topic="otlp-odd") for number, value in enumerate(odd)]
        payload = {"format": "otlp", "body": "structured"}
        assert await deliver(otel.url("otlp"), events, payload=payload) == [Delivered()]
        records = otel.received("otlp", len(events), "/otlp-odd/")
        assert [attributes(record)["log.record.uid"] for record in records] == identities(events)


class TestOpenTelemetryWebhook:
    async def test_an_array_arrives_byte_for_byte(self, otel: OtelSink, deliver: Delivering) -> None:
        events = made_events("webhook-array", 7)
        url = otel.url("webhookevent", "/events")
        assert await deliver(url, events, payload={"format": "json"}, httpHeaders=SESAME) == [Delivered()]
        (record,) = otel.received("webhookevent", 1, '{\\"n\\":0')
        assert record["body"]["stringValue"].encode() == b"[" + b",".join(each.value or b"" for each in events) + b"]"

    async def test_lines_arrive_one_by_one(self, otel: OtelSink, deliver: Delivering) -> None:
        events = made_events("webhook-lines")
        url = otel.url("webhookevent/lines", "/events")
        settings = {"payload": {"format": "ndjson"}, "httpHeaders": SESAME, "compression": "gzip"}
        assert await deliver(url, events, **settings) == [Delivered()]
        records = otel.received("webhookevent/lines", len(events))
        assert [record["body"]["stringValue"].encode() for record in records] == [each.value for each in events]

    async def test_a_template_arrives_as_it_was_rendered_and_nothing_breaks_out_of_it(
        self, otel: OtelSink, deliver: Delivering
    ) -> None:
        events = made_events("webhook-template", 6)
        body = '{"made-by": "template", "rule": "{{ event.type }}", "text": "{{ data.text }}"}'
        payload = {"format": "template", "syntax": "jinja", "batch": "array", "body": body}
        url = otel.url("webhookevent", "/events")
        assert await deliver(url, events, payload=payload, httpHeaders=SESAME) == [Delivered()]
        (record,) = otel.received("webhookevent", 1, "made-by")
        arrived = json.loads(record["body"]["stringValue"])
        assert [(each["rule"], each["text"]) for each in arrived] == [
            (e.type, v["text"]) for e, v in zip(events, values(events), strict=True)
        ]

    async def test_a_missing_header_is_the_endpoints_fault_and_loses_nothing(
        self, otel: OtelSink, deliver: Delivering
    ) -> None:
        (verdict,) = await deliver(
            otel.url("webhookevent", "/events"), made_events("refused", 3), payload={"format": "json"}
        )
        assert isinstance(verdict, Retry)


class TestOpenSearch:
    async def test_every_document_is_there_under_its_identity(
        self, opensearch: OpenSearch, deliver: Delivering
    ) -> None:
        events = made_events("os-plain")
        payload = {"format": "opensearch", "index": "plain-{yyyy.MM.dd}"}
        assert await deliver(opensearch.url(), events, payload=payload) == [Delivered()]
        assert opensearch.documents("plain-2026.01.01") == dict(zip(identities(events), values(events), strict=True))

    async def test_a_repeat_is_a_success_and_no_second_document(
        self, opensearch: OpenSearch, deliver: Delivering
    ) -> None:
        events = made_events("os-twice", 10)
        payload = {"format": "elastic", "index": "twice"}
        for part in (events[:5], events):
            assert await deliver(opensearch.url(), part, payload=payload) == [Delivered()]
        assert opensearch.documents("twice") == dict(zip(identities(events), values(events), strict=True))

    async def test_one_that_the_mapping_refuses_is_named_and_the_others_are_kept(
        self, opensearch: OpenSearch, deliver: Delivering
    ) -> None:
        opensearch.make_index("strict", {"n": {"type": "long"}, "message": {"type": "text"}})
        documents = [b'{"n":1}', b'{"unknown":1}', b'{"n":{"a":1}}', b'"a text"', b'{"n":2,"n":3}', b'{"n":4}']
        events = [event(value, number, topic="os-strict") for number, value in enumerate(documents)]
        (verdict,) = await deliver(opensearch.url(), events, payload={"format": "opensearch", "index": "strict"})
        assert isinstance(verdict, Partial)
        assert (verdict.again, verdict.refused) == ((), (1, 2, 4))
        assert "strict_dynamic_mapping_exception" in verdict.reason
        kept = [identities(events)[number] for number in (0, 3, 5)]
        assert sorted(opensearch.documents("strict")) == sorted(kept)

    async def test_an_index_name_that_cannot_be_is_a_matter_for_a_person(
        self, opensearch: OpenSearch, deliver: Delivering
    ) -> None:
        payload = {"format": "opensearch", "index": "NotLowerCase"}
        (verdict,) = await deliver(opensearch.url(), made_events("os-name", 3), payload=payload)
        assert isinstance(verdict, Retry)
        assert "invalid_index_name_exception" in verdict.reason

    async def test_the_common_schema_around_a_record_keeps_its_time(
        self, opensearch: OpenSearch, deliver: Delivering
    ) -> None:
        events = [*made_events("os-ecs", 3), event(b"[1]", 3, topic="os-ecs", when=NEW_YEAR_NS)]
        payload = {"format": "opensearch", "index": "ecs", "envelope": "ecs"}
        assert await deliver(opensearch.url(), events, payload=payload) == [Delivered()]
        documents = opensearch.documents("ecs")
        assert sorted(documents) == sorted(identities(events))
        first, second, last = (documents[identities(events)[number]] for number in (0, 1, 3))
        assert (first["@timestamp"], second["@timestamp"]) == ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.001000001Z")
        assert (second["event"]["id"], second["log"]["level"]) == ("id-1", "informational")
        assert (second["data"], last["message"]) == (json.loads(events[1].value or b""), "[1]")


class TestVictoriaLogs:
    async def test_bulk(self, victorialogs: VictoriaLogs, deliver: Delivering) -> None:
        events = made_events("vl-bulk")
        payload = {"format": "elastic", "index": "unused", "envelope": "ecs"}
        url = victorialogs.url("/insert/elasticsearch/_bulk?_time_field=@timestamp&_stream_fields=log.level")
        assert await deliver(url, events, payload=payload, compression="gzip") == [Delivered()]
        found = {entry["event.id"]: entry for entry in victorialogs.received('event.id:~"vl-bulk|^id-"', len(events))}
        assert sorted(found) == sorted(event_id(each, CLUSTER) for each in events)
        for each in events:
            entry = found[event_id(each, CLUSTER)]
            assert nanoseconds(entry) == created_ns(each)
            assert [entry["data.text"]] == [value["text"] for value in values([each])]

    async def test_loki(self, victorialogs: VictoriaLogs, deliver: Delivering) -> None:
        events = made_events("vl-loki")
        url = victorialogs.url("/insert/loki/api/v1/push?disable_message_parsing=1")
        assert await deliver(url, events, payload={"format": "loki"}) == [Delivered()]
        found = {entry["event_identity"]: entry for entry in victorialogs.received("topic:vl-loki", len(events))}
        assert sorted(found) == sorted(identities(events))
        for each in events:
            entry = found[identity(each, CLUSTER)]
            assert (nanoseconds(entry), entry["_msg"].encode()) == (created_ns(each), each.value)

    async def test_datadog(self, victorialogs: VictoriaLogs, deliver: Delivering) -> None:
        events = made_events("vl-datadog")
        payload = {"format": "datadog", "apiKey": secret("any key is fine there")}
        assert await deliver(victorialogs.url("/insert/datadog/api/v2/logs"), events, payload=payload) == [Delivered()]
        found = {
            entry["event_identity"]: entry for entry in victorialogs.received('event_identity:~"/vl-datadog/"', 60)
        }
        assert sorted(found) == sorted(identities(events))
        for each in events:
            entry = found[identity(each, CLUSTER)]
            assert (nanoseconds(entry), entry["_msg"].encode()) == (created_ns(each) // 10**6 * 10**6, each.value)


def nanoseconds(entry: Mapping[str, str]) -> int:
    """The time of an entry of VictoriaLogs, all of its digits."""
    return time_ns(entry["_time"])
