"""What a filter sees, and what becomes of its errors."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from forwarder.model.event import Event
from forwarder.route.filters import Failed, Filter, Missing, ask, compile_filter
from forwarder.route.router import Router
from forwarder.route.view import look
from forwarder.settings.webhook import Webhook
from tests.unit.route.examples import event, webhook


def answer(text: str, seen: Event | None = None, /, **fields: Any) -> object:
    compiled = compile_filter(text)
    return ask(compiled, look(seen or event(**fields), compiled.needs))


@pytest.mark.parametrize(
    "text",
    [
        'event.id == "e-1" && event.type == "auth.login" && event.severity == 4 && event.tenant == "acme"',
        'event.topic == "audit" && event.partition == 2 && event.offset == 7',
        'event.time > timestamp("2023-11-14T22:13:20.123455Z") && event.time < timestamp("2023-11-14T22:13:20.123457Z")',
        'event.type in ["auth.login", "auth.logout"] && event["type"].startsWith("auth.")',
        "event.severity > 3.5 && event.severity == 4.0",
        'key == "" && !("x" in headers)',
        "type(event.severity) == int && type(event.time) != string",
    ],
)
def test_the_envelope_is_there(text: str) -> None:
    assert answer(text) is True


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("data.n > 4", {"n": 5}),
        ("data.n > 4", {"n": 4.5}),
        ("data.n == 5", {"n": 5.0}),
        ("data.n > 4.5", {"n": 5}),
        ("data.n > 1", {"n": 2**70}),
        ('data.user.name == "root"', {"user": {"name": "root"}}),
        ('data["a b"].c == 1', {"a b": {"c": 1}}),
        ('data.tags.exists(t, t == "pci")', {"tags": ["x", "pci"]}),
        ('has(data.a) && !has(data.b) && "a" in data', {"a": None}),
        ("data.a == null", {"a": None}),
        ('data.host.matches("^web-[0-9]+$")', {"host": "web-12"}),
        ('data.a.exists(k, k == "c") && data.a.size() == 2 && size(data.a) == 2', {"a": {"b": 1, "c": 2}}),
        ("data == 3", 3),
        ("data[1] == 3", [1, 3]),
        ('data.gone == 1 || data.a == "é"', {"a": "é"}),
    ],
)
def test_data_is_the_records_value(text: str, data: Any) -> None:
    assert answer(text, data=data) is True


def test_text_that_is_not_json_is_data_as_a_string() -> None:
    assert answer('data.contains("denied")', raw=b"access denied", text=True) is True


def test_headers_and_key_are_text_and_the_last_of_a_name_counts() -> None:
    seen = event(headers=(("h", b"1"), ("h", b"2"), ("bad", b"\xff")), key=b"k\xff")
    assert answer('headers.h == "2" && headers["bad"] == "\\ufffd" && key == "k\\ufffd"', seen) is True


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("data.gone == 1", "gone"),
        ("data.a.gone.deeper == 1", "gone"),
        ('headers["x-y"] == "1"', "x-y"),
        ("!data.gone", "gone"),
    ],
)
def test_a_missing_field_is_no_match_and_no_error(text: str, name: str) -> None:
    assert answer(text, data={"a": {}}) == Missing(name)


def test_an_element_past_the_end_is_missing() -> None:
    assert isinstance(answer("data.l[3] == 1", data={"l": []}), Missing)


@pytest.mark.parametrize("time_ns", [0, 2**80])
def test_an_unknown_time_is_a_missing_field(time_ns: int) -> None:
    assert answer("has(event.time)", when=time_ns) is False
    assert answer('event.time > timestamp("2020-01-01T00:00:00Z")', when=time_ns) == Missing("time")


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("data.a > 3", {"a": "x"}),
        ("data.a.b == 1", {"a": None}),
        ("1 / data.a == 1", {"a": 0}),
        ("data.a + 1.5 > 1.0", {"a": 1}),
        ("data.a + 1 > 0", {"a": 2**63 - 1}),
        ("int(data.a) == 1", {"a": "x"}),
        ("data.a", {"a": "x"}),
        ("data.a ? 1 : 2", {"a": True}),
    ],
)
def test_anything_else_that_goes_wrong_is_a_failure_with_a_text(text: str, data: Any) -> None:
    got = answer(text, data=data)
    assert isinstance(got, Failed)
    assert 0 < len(got.text) <= 200
    assert "\n" not in got.text


def test_a_value_nested_without_end_fails_and_does_not_crash() -> None:
    raw = b'{"a":' * 50_000 + b"1" + b"}" * 50_000
    assert isinstance(answer("data.a == 1", raw=raw), Failed)


def test_a_value_nested_as_deep_as_the_parser_allows_fits_a_threads_stack() -> None:
    raw = b'{"a":' * 900 + b"1" + b"}" * 900
    got: list[object] = []
    thread = threading.Thread(target=lambda: got.append(answer("data.a.a == 1", raw=raw)))
    thread.start()
    thread.join()
    assert got == [False]


def test_a_panic_of_the_library_is_a_failure_of_the_filter() -> None:
    class Panic(BaseException):
        pass

    class Program:
        def execute(self, context: object) -> object:
            raise Panic("index out of bounds")

    got = ask(Filter("x", Program(), {}, by_key=False), look(event(), {}))
    assert got == Failed("Panic: index out of bounds")


@pytest.mark.parametrize(("policy", "taken"), [("match", [1]), ("noMatch", []), ("deadLetter", [])])
def test_an_error_is_reported_and_then_follows_on_filter_error(policy: str, taken: list[int]) -> None:
    reports: list[tuple[int, Webhook, Event, str]] = []
    hook = webhook(filter="data.a > 3", onFilterError=policy)
    router = Router([(hook, 1)], event_sets={}, tenants={}, on_filter_error=lambda *report: reports.append(report))
    seen = event(data={"a": "x"})
    for count in (1, 2):
        assert list(router.match(seen)) == taken
        assert len(reports) == count
    target, reported, about, text = reports[0]
    assert (target, reported, about) == (1, hook, seen)
    assert "TypeError" in text


def test_an_error_that_the_routing_key_decides_is_still_reported_for_each_event() -> None:
    reports: list[str] = []
    router = Router(
        [(webhook(filter="1 / event.severity == 1"), 1)],
        event_sets={},
        tenants={},
        on_filter_error=lambda target, hook, event, text: reports.append(text),
    )
    assert [list(router.match(event(severity=0))) for _ in range(3)] == [[1]] * 3
    assert len(reports) == 3


def test_an_error_in_one_rule_is_none_when_another_rule_lets_the_event_in() -> None:
    reports: list[str] = []
    rules = [{"name": "broken", "filter": "data.a > 3"}, {"name": "fine", "filter": 'data.a == "x"'}]
    router = Router(
        [(webhook(rules=rules, onFilterError="deadLetter"), 1), (webhook(rules=rules[:1], filter='data.a == "y"'), 2)],
        event_sets={},
        tenants={},
        on_filter_error=lambda target, hook, event, text: reports.append(text),
    )
    assert list(router.match(event(data={"a": "x"}))) == [1]
    assert reports == []


def test_the_first_of_two_errors_is_the_one_reported() -> None:
    reports: list[str] = []
    router = Router(
        [(webhook(rules=[{"name": "r", "filter": "data.a > 3"}], filter="1 / data.zero == 1"), 1)],
        event_sets={},
        tenants={},
        on_filter_error=lambda target, hook, event, text: reports.append(text),
    )
    assert list(router.match(event(data={"a": "x", "zero": 0}))) == [1]
    assert len(reports) == 1
    assert reports[0].startswith("TypeError")


@pytest.mark.parametrize(
    ("text", "yes", "no"),
    [
        ("event.offset == 7", {"offset": 7}, {"offset": 8}),
        ('event.type == "auth.login" && data.a == 1', {"data": {"a": 1}}, {"data": {"a": 2}}),
        ('event == event && key == "k"', {"key": b"k"}, {"key": b"l"}),
        ("event.type == headers.h", {"headers": (("h", b"auth.login"),)}, {}),
    ],
)
def test_events_with_one_routing_key_are_told_apart_by_what_else_the_filter_names(
    text: str, yes: dict[str, Any], no: dict[str, Any]
) -> None:
    router = Router([(webhook(filter=text), 1)], event_sets={}, tenants={})
    assert [list(router.match(event(**fields))) for fields in (yes, no, yes, no)] == [[1], [], [1], []]


def test_filters_of_one_event_see_only_what_they_name() -> None:
    hooks = [
        webhook("a", filter="data.a == 1"),
        webhook("b", filter="data.b.c == 2"),
        webhook("all", filter="size(data) == 3"),
    ]
    seen = event(data={"a": 1, "b": {"c": 2, "d": 3}, "e": 4})
    router = Router([(hook, hook.name) for hook in hooks], event_sets={}, tenants={})
    assert list(router.match(seen)) == ["a", "b", "all"]
