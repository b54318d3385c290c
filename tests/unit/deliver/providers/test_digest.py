"""One message about a batch, as values: counts that add up, the first lines, and nothing that rearranges what people read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forwarder.deliver.payload.digest import Message, message_of, plain
from forwarder.model.event import Event
from tests.unit.deliver.make import event

SECOND = 10**9
NOW = 1_767_225_600 * SECOND
MARKER = "... [truncated]"


def told(events: list[Event], title: str = "", lines: int = 10) -> Message:
    return message_of(events, "c", title, lines, MARKER)


def of(*kinds: str, severity: int = 2, **given: str) -> list[Event]:
    return [
        event(b'{"message":"m%d"}' % at, at, type=kind, severity=severity, when=NOW + at * SECOND, **given)
        for at, kind in enumerate(kinds)
    ]


def test_a_digest_says_how_many_how_bad_which_types_and_when() -> None:
    events = [*of("a", "b", "a", "c"), event(b'{"message":"bad"}', 9, type="z", severity=5, tenant="acme", when=NOW)]
    message = told(events, "Prod")
    assert (message.title, message.worst) == ("Prod: 5 events, worst critical", 5)
    assert dict(message.facts) == {
        "Types": "a (2), b (1), c (1), z (1)",
        "Severity": "critical (1), low (4)",
        "Tenants": "acme",
        "Time": "2026-01-01T00:00:00Z to 2026-01-01T00:00:03Z",
    }
    assert message.lines[0] == "a (low): m0" and message.lines[-1] == "z (critical, acme): bad"
    assert (message.more, message.rest) == (0, "")


def test_the_most_frequent_types_are_named_and_the_others_counted() -> None:
    message = told(of(*[f"t{number}" for number in range(9) for _ in range(number + 1)]), lines=3)
    assert dict(message.facts)["Types"] == "t8 (9), t7 (8), t6 (7), t5 (6), t4 (5), 4 more types"
    assert (len(message.lines), message.rest) == (3, "and 42 more")


def test_events_whose_severity_nobody_knows_have_no_worst() -> None:
    assert told(of("a", "b", severity=0)).title == "2 events"


def test_a_single_event_is_told_in_full() -> None:
    record = json.dumps({"message": "login failed", "deep": {"ip": "10.0.0.1"}}).encode()
    one = event(record, 7, id="e-1", type="auth.failed", severity=4, tenant="acme", when=NOW)
    message = told([one])
    assert message.title == "auth.failed (high, acme): login failed"
    assert dict(message.facts) == {
        "Severity": "high", "Time": "2026-01-01T00:00:00Z", "Type": "auth.failed", "Tenant": "acme", "Id": "e-1",
        "Kafka": "c/topic/0/7",
    }  # fmt: skip
    assert (message.record, message.lines) == (record.decode(), ())


def test_the_time_of_the_record_stands_in_for_the_events() -> None:
    assert dict(told([event(b"1")]).facts)["Time"] == "2023-11-14T22:13:20Z"
    assert dict(told([event(b"1"), event(b"2", 1)]).facts)["Time"] == "2023-11-14T22:13:20Z"
    nobody = event(b"1", timestamp_ms=-1)
    assert "Time" not in dict(told([nobody]).facts) | dict(told([nobody, nobody]).facts)


def test_the_same_events_give_the_same_message_whatever_order_their_types_come_in() -> None:
    assert told(of("a", "b")).facts[0] == told(of("b", "a")).facts[0]


@pytest.mark.parametrize("text", ["a\nb", "a\r\n\tb", "a\x00\x1b b", "a\u202e \u2066b\u200f", " a  b "])
def test_what_nobody_sees_is_taken_out(text: str) -> None:
    assert plain(text) == "a b"


@given(count=st.integers(1, 40), lines=st.integers(0, 20), size=st.integers(0, 20_000))
def test_every_event_is_told_or_counted_however_small_the_message_gets(count: int, lines: int, size: int) -> None:
    events = [event(json.dumps({"message": "x" * size}).encode(), at, type="t" * 400) for at in range(count)]
    message: Message | None = told(events, "title " * 50, lines)
    steps = 0
    while message is not None:
        assert len(message.title) <= 140 and all(len(line) <= 300 for line in message.lines)
        if count > 1:
            assert len(message.lines) + message.more == count
            assert len(message.lines) <= lines
        else:
            whole = (events[0].value or b"").decode()
            assert message.record == whole or message.record.endswith(MARKER)
            assert len(message.record) <= 8000
        message, steps = message.smaller(MARKER), steps + 1
    assert steps < 20
