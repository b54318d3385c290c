"""`connectsecure`: a line per event, in the words of its type's template; the subject that parsers route by."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forwarder.deliver.payload.connectsecure import LINE_BYTES, complaints
from forwarder.deliver.payload.registry import provider_of
from forwarder.lane.sizes import body_size
from forwarder.model.event import Event
from forwarder.settings.payload import payload_of
from tests.support.receivers.connectsecure import ConnectSecureDouble
from tests.support.receivers.double import Asked
from tests.unit.deliver.make import event

LINES = {
    "Asset Ports": "Open Port $(data.port) Discovered for Asset $(data.ip)",
    "*Problems Found": "Problems for asset $(data.ip) in company $(tenant)",
    "*": "$(severity): $(summary)",
}


def taken(events: list[Event], **options: Any) -> tuple[str, list[str]]:
    body = provider_of(payload_of({"format": "connectsecure", **options}), "c").render(events)
    double = ConnectSecureDouble()
    assert double.answer(Asked("POST", "/", {}, {}, body.content)).status == 200
    (alert,) = double.alerts
    return alert


def of(kind: str, offset: int = 0, **data: Any) -> Event:
    return event(json.dumps(data).encode(), offset, type=kind, tenant="acme")


def test_each_event_has_its_line_by_its_type_the_exact_one_first_then_the_globs_in_order() -> None:
    events = [
        of("Asset Ports", 0, port=443, ip="192.168.1.100"),
        of("Critical Problems Found", 1, ip="10.0.0.1"),
        of("Login Failure", 2, message="for john.doe"),
    ]
    subject, lines = taken(events, lines=LINES)
    assert lines == [
        "Open Port 443 Discovered for Asset 192.168.1.100",
        "Problems for asset 10.0.0.1 in company acme",
        "Medium: Login Failure (medium, acme): for john.doe",
    ]
    assert subject == "3 events: Asset Ports (1), Critical Problems Found (1), Login Failure (1)"


def test_the_subject_is_the_type_that_all_events_share() -> None:
    assert taken([of("Asset Ports", at) for at in range(4)])[0] == "Asset Ports"
    assert taken([of("", 0)])[0] == "topic"
    assert taken([of("a"), of("b")], subject="Forwarder: $(topic)")[0] == "Forwarder: topic"


def test_many_subjects_are_counted() -> None:
    subject, _ = taken([of(kind) for kind in ("a", "b", "c", "d", "e", "a")])
    assert subject == "6 events: a (2), b (1), c (1), 2 more"


@pytest.mark.parametrize("text", ["a\nb", "a\r\nLogin Failure for root", "x\u2028y", "\x0b", "\x00", "a\u202eb"])
def test_a_line_break_in_an_event_looks_like_no_other_event(text: str) -> None:
    subject, lines = taken([of(text, 0, message=text), of("t", 1)], lines={"*": "$(data.message) $(type)"})
    assert len(lines) == 2 and "\n" not in subject
    assert "\r" not in "".join(lines) and "\u202e" not in "".join(lines)


def test_a_line_whose_parts_are_all_missing_is_the_usual_one() -> None:
    assert taken([of("t", message="m")], lines={"t": "$(data.nothing)"})[1] == ["t (medium, acme): m"]


def test_a_long_line_is_cut_and_says_so() -> None:
    (line,) = taken([of("t", message="é" * 5000)], lines={"t": "$(data.message)"})[1]
    assert len(line.encode()) <= LINE_BYTES and line.endswith("... [truncated]")


@given(texts=st.lists(st.text(max_size=1500), min_size=1, max_size=4))
def test_a_body_is_no_larger_than_was_thought(texts: list[str]) -> None:
    payload = payload_of({"format": "connectsecure", "lines": {"*": "$(text)"}})
    events = [event(text.encode("utf-8", "replace"), at, text=True, type=text) for at, text in enumerate(texts)]
    sizing = payload.spec.sizing
    content = provider_of(payload, "c").render(events).content
    assert len(content) <= sizing.frame + sum(body_size(each, sizing) for each in events)


@pytest.mark.parametrize(
    ("options", "option", "words"),
    [
        ({"lines": {"a": "$(data.x"}}, "lines", "'a': "),
        ({"lines": {"a": "$(nonsense)"}}, "lines", "nonsense"),
        ({"subject": "$typ"}, "subject", "typ"),
        ({"lines": {"a": "$(events)"}}, "lines", "events"),
    ],
)
def test_a_template_that_cannot_be_read_is_refused_at_load(options: Any, option: str, words: str) -> None:
    problem, *_ = complaints(payload_of({"format": "connectsecure", **options}))
    assert problem[0] == option and words in problem[1]
    assert list(complaints(payload_of({"format": "connectsecure", "lines": LINES}))) == []
