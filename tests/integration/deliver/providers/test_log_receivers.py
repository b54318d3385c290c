"""The formats for logs against strict doubles over real sockets: whatever the receiver does, each event ends in exactly one place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from forwarder.model.event import Event, identity
from forwarder.model.verdict import Delivered, Pace, Retry
from tests.integration.deliver.conftest import Making
from tests.support.receivers.double import Double, served
from tests.support.receivers.elastic import ElasticDouble
from tests.support.receivers.loki import SECOND, LokiDouble
from tests.support.receivers.otlp import OtlpDouble
from tests.support.receivers.settle import Settled, settle
from tests.support.receivers.splunk import SplunkDouble
from tests.unit.deliver.make import event, secret

NOW = 1_767_225_600 * SECOND


def events_of(*values: bytes, **given: Any) -> list[Event]:
    return [event(value, number, when=NOW + number, **given) for number, value in enumerate(values)]


def numbers(events: Sequence[Event]) -> list[int]:
    return sorted(each.offset for each in events)


async def sent(sender: Making, double: Double, events: list[Event], payload: dict[str, Any], **more: Any) -> Settled:
    async with served(double) as url:
        return await settle(sender(url=url, payload=payload, timeout=3, **more), events)


class TestSplunk:
    def settings(self, **options: Any) -> dict[str, Any]:
        return {"payload": {"format": "splunk", "token": secret("secret-hec-token"), **options}}

    async def test_one_invalid_event_is_refused_and_the_others_arrive(self, sender: Making) -> None:
        double = SplunkDouble(hates="evil")
        events = events_of(b'{"a":1}', b'{"evil":1}', b'{"a":2}', b'{"evil":2}', b'{"a":3}')
        done = await sent(sender, double, events, **self.settings())
        assert (numbers(done.arrived), numbers(done.refused)) == ([0, 2, 4], [1, 3])
        kept = {each["fields"]["event_identity"] for each in double.events}
        assert kept == {identity(events[number], "prod") for number in (0, 2, 4)}
        assert len(done.verdicts) == 3

    async def test_a_busy_server_gets_the_same_bytes_again(self, sender: Making) -> None:
        double = SplunkDouble(busy=2)
        done = await sent(sender, double, events_of(b"{}", b"[]"), **self.settings())
        assert [type(verdict) for verdict in done.verdicts] == [Retry, Retry, Delivered]
        assert len(double.events) == 2

    @pytest.mark.parametrize(
        ("double", "words"),
        [
            (SplunkDouble(token="another"), "Invalid token"),
            (SplunkDouble(disabled=True), "Token disabled"),
            (SplunkDouble(ack=True), "Data channel is missing"),
            (SplunkDouble(indexes=("other",)), "Incorrect index"),
        ],
        ids=["token", "disabled", "acknowledgement", "index"],
    )
    async def test_what_a_person_has_to_mend_waits_and_says_what_it_is(
        self, sender: Making, double: SplunkDouble, words: str
    ) -> None:
        done = await sent(sender, double, events_of(b"{}", b"{}"), **self.settings(index="main"))
        (verdict,) = done.verdicts
        assert isinstance(verdict, Retry) and verdict.pace is Pace.SLOW
        assert words in verdict.reason
        assert numbers(done.waiting) == [0, 1]

    async def test_events_count_as_delivered_only_once_they_are_acknowledged(self, sender: Making) -> None:
        double = SplunkDouble(ack=True, slow=1)
        done = await sent(sender, double, events_of(b"{}"), **self.settings(ack=True))
        assert done.verdicts == [Delivered()]
        assert double.polls == 3, "the first asks whether there are acknowledgements at all"

    async def test_a_token_without_acknowledgements_gets_no_events_in_vain(self, sender: Making) -> None:
        double = SplunkDouble()
        done = await sent(sender, double, events_of(b"{}"), **self.settings(ack=True))
        assert "ACK is disabled" in str(done.verdicts)
        assert (numbers(done.waiting), double.bodies) == ([0], [])

    async def test_a_batch_that_is_never_acknowledged_goes_again_byte_for_byte(self, sender: Making) -> None:
        double = SplunkDouble(ack=True, loses=1)
        done = await sent(sender, double, events_of(b"{}", b"{}"), **self.settings(ack=True, ackTimeout="300ms"))
        lost, delivered = done.verdicts
        assert isinstance(lost, Retry) and "not acknowledged" in lost.reason
        assert delivered == Delivered()
        assert double.bodies[0] == double.bodies[1]

    async def test_raw_needs_its_channel_and_its_own_path(self, sender: Making) -> None:
        double = SplunkDouble()
        done = await sent(sender, double, events_of(b'{"a":\n1}', b"2"), **self.settings(endpoint="raw"))
        assert done.verdicts == [Delivered()]
        assert double.raw == ['{"a": 1}', "2"]

    async def test_a_body_that_is_too_large_is_halved_until_only_the_large_event_is_refused(
        self, sender: Making
    ) -> None:
        double = SplunkDouble(most_bytes=2000)
        done = await sent(sender, double, events_of(b'"x"', b'"%b"' % (b"y" * 3000), b'"z"'), **self.settings())
        assert (numbers(done.arrived), numbers(done.refused)) == ([0, 2], [1])


class TestElastic:
    PAYLOAD: dict[str, Any] = {"format": "elastic", "index": "logs-{yyyy.MM}"}  # noqa: RUF012

    async def test_each_document_has_its_own_fate(self, sender: Making) -> None:
        busy = [2]

        def judge(key: str, document: dict[str, Any]) -> tuple[int, str, str] | None:
            if document.get("busy") and busy[0]:
                busy[0] -= 1
                return 429, "es_rejected_execution_exception", "queue full"
            return (400, "mapper_parsing_exception", "no") if document.get("bad") else None

        double = ElasticDouble(judge=judge)
        events = events_of(b'{"a":1}', b'{"busy":1}', b'{"bad":1}', b"[1]", b'{"a":1,"a":2}')
        done = await sent(sender, double, events, self.PAYLOAD)
        assert (numbers(done.arrived), numbers(done.refused)) == ([0, 1, 3], [2, 4])
        assert sorted(double.documents) == [identity(events[number], "prod") for number in (0, 1, 3)]
        assert double.requests == 3

    async def test_a_repeat_is_a_conflict_and_thereby_a_success(self, sender: Making) -> None:
        double = ElasticDouble()
        for _ in range(2):
            assert (await sent(sender, double, events_of(b"{}", b"{}"), self.PAYLOAD)).verdicts == [Delivered()]
        assert len(double.documents) == 2

    async def test_a_data_stream_takes_the_enveloped_record_and_refuses_the_bare_one(self, sender: Making) -> None:
        double, index = (
            ElasticDouble(data_streams=("logs-x-default",)),
            {"format": "elastic", "index": "logs-x-default"},
        )
        assert numbers((await sent(sender, double, events_of(b"{}"), index)).refused) == [0]
        done = await sent(sender, double, events_of(b"{}", b"text"), {**index, "envelope": "ecs"})
        assert done.verdicts == [Delivered()]

    async def test_missing_rights_keep_everything(self, sender: Making) -> None:
        double, events = ElasticDouble(key="sesame-open"), events_of(b"{}", b"{}")
        assert numbers((await sent(sender, double, events, self.PAYLOAD)).waiting) == [0, 1]
        done = await sent(sender, double, events, {**self.PAYLOAD, "apiKey": secret("sesame-open")})
        assert done.verdicts == [Delivered()]


class TestLoki:
    async def test_entries_that_are_too_old_are_refused_at_once_and_the_others_arrive(self, sender: Making) -> None:
        double = LokiDouble(now=NOW, max_age=3600 * SECOND)
        events = [event(b"{}", number, when=NOW - age * SECOND) for number, age in enumerate([0, 7200, 10, 9000, 20])]
        done = await sent(sender, double, events, {"format": "loki"})
        assert (numbers(done.arrived), numbers(done.refused)) == ([0, 2, 4], [1, 3])
        assert len(done.verdicts) == 2

    async def test_entries_far_behind_their_stream_are_named_one_by_one(self, sender: Making) -> None:
        double = LokiDouble(now=NOW, behind=100 * SECOND)
        first = events_of(b"{}", topic="t")
        assert (await sent(sender, double, first, {"format": "loki"})).verdicts == [Delivered()]
        late = [
            event(b'"late"', 10, topic="t", when=NOW - 200 * SECOND - 120),
            event(b'"fine"', 11, topic="t", when=NOW - 50 * SECOND),
            event(b'"other stream"', 12, topic="u", when=NOW - 200 * SECOND - 120),
        ]
        done = await sent(sender, double, late, {"format": "loki"})
        assert (numbers(done.arrived), numbers(done.refused)) == ([11, 12], [10])

    async def test_what_no_answer_names_is_found_by_halves(self, sender: Making) -> None:
        class Grumpy(LokiDouble):
            def _complaint(self, name: str, value: list[Any]) -> str:
                return "something else" if "bad" in value[1] else ""

        events = events_of(b'"a"', b'"bad"', b'"c"', b'"d"')
        done = await sent(sender, Grumpy(now=NOW), events, {"format": "loki"})
        assert (numbers(done.arrived), numbers(done.refused)) == ([0, 2, 3], [1])

    async def test_a_line_that_is_too_long_is_cut_visibly(self, sender: Making) -> None:
        double = LokiDouble(now=NOW, max_line=1000)
        events = events_of(b'"%b"' % ("ü".encode() * 2000), b'"short"')
        done = await sent(sender, double, events, {"format": "loki", "maxLine": 1000})
        assert done.verdicts == [Delivered()]
        (entries,) = double.entries.values()
        assert sorted(line[-15:] for _, line, _ in entries) == ['"short"', "... [truncated]"]

    async def test_a_line_above_the_receivers_own_limit_is_named_by_its_length(self, sender: Making) -> None:
        events = events_of(b'"a"', b'"%b"' % (b"x" * 2000), b'"c"')
        done = await sent(sender, LokiDouble(now=NOW, max_line=1000), events, {"format": "loki"})
        assert (numbers(done.arrived), numbers(done.refused)) == ([0, 2], [1])
        assert len(done.verdicts) == 2

    async def test_a_rate_limit_loses_nothing(self, sender: Making) -> None:
        double = LokiDouble(now=NOW, limited=2, tenant="blue")
        done = await sent(sender, double, events_of(b"1", b"2"), {"format": "loki", "tenantId": "blue"})
        assert [type(verdict) for verdict in done.verdicts] == [Retry, Retry, Delivered]

    async def test_metadata_that_is_not_allowed_is_a_matter_for_a_person(self, sender: Making) -> None:
        double = LokiDouble(now=NOW, metadata=False)
        assert numbers((await sent(sender, double, events_of(b"1"), {"format": "loki"})).waiting) == [0]
        done = await sent(sender, double, events_of(b"1"), {"format": "loki", "metadata": False})
        assert done.verdicts == [Delivered()]


class TestOtlp:
    async def test_a_rejection_of_some_is_not_sent_again_and_told(self, sender: Making) -> None:
        double = OtlpDouble(rejects=lambda found: found["messaging.kafka.offset"] == "1")
        done = await sent(sender, double, events_of(b"1", b"2", b"3"), {"format": "otlp"})
        assert len(done.verdicts) == 1
        assert "1 of 3 log records rejected: made up" in str(done.verdicts)
        assert (len(done.arrived), len(double.records)) == (3, 2)

    async def test_one_event_per_request_names_the_rejected_one(self, sender: Making) -> None:
        double = OtlpDouble(rejects=lambda found: found["messaging.kafka.offset"] == "1")
        refused = [await sent(sender, double, [each], {"format": "otlp"}) for each in events_of(b"1", b"2", b"3")]
        assert [numbers(done.refused) for done in refused] == [[], [1], []]

    @pytest.mark.parametrize(
        ("status", "again"), [(429, True), (502, True), (503, True), (504, True), (500, False), (400, False)]
    )
    async def test_only_the_statuses_of_the_specification_are_sent_again(
        self, sender: Making, status: int, again: bool
    ) -> None:
        double = OtlpDouble(statuses=[status])
        done = await sent(sender, double, events_of(b"1"), {"format": "otlp"})
        assert (numbers(done.arrived), numbers(done.refused)) == (([0], []) if again else ([], [0]))

    async def test_any_record_makes_a_valid_body(self, sender: Making) -> None:
        events = [
            *events_of(b'{"a":[1,null,{"b":-1.5e3}]}', b"null", b'"\\u0000"', b"9223372036854775808"),
            event(None, 9),
        ]
        for body in ("text", "structured"):
            double = OtlpDouble()
            assert (await sent(sender, double, events, {"format": "otlp", "body": body})).verdicts == [Delivered()]
            assert [found["log.record.uid"] for found in double.records] == [identity(each, "prod") for each in events]
