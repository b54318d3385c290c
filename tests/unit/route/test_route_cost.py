"""What a look-up costs: it grows with the webhooks that match, and what is remembered stays bounded."""

from __future__ import annotations

from typing import Any

import pytest

from forwarder.model.event import Event
from forwarder.route import router as routing
from forwarder.route.router import Router
from forwarder.settings.webhook import Webhook
from tests.unit.route.examples import event, webhook

MANY = 1000


def routed(hooks: list[Webhook]) -> Router[str]:
    return Router([(hook, hook.name) for hook in hooks], event_sets={}, tenants={})


def each(**template: Any) -> list[Webhook]:
    """MANY webhooks; `{n}` in a text becomes the webhook's number."""

    def filled(value: Any, n: int) -> Any:
        if isinstance(value, str):
            return value.replace("{n}", str(n))
        if isinstance(value, list):
            return [filled(item, n) for item in value]
        if isinstance(value, dict):
            return {key: filled(item, n) for key, item in value.items()}
        return value

    return [webhook(f"w-{n}", **filled(template, n)) for n in range(MANY)]


@pytest.mark.parametrize(
    ("template", "seen"),
    [
        ({"eventsPolicy": "include", "events": ["type.{n}"]}, event("type.417")),
        ({"eventsPolicy": "include", "events": ["area{n}.*"]}, event("area417.login")),
        ({"eventsPolicy": "include", "events": ["*.end{n}"]}, event("a.end417")),
        ({"eventsPolicy": "include", "events": ["area{n}.*.failed"]}, event("area417.login.failed")),
        ({"tenants": ["tenant-{n}"]}, event(tenant="tenant-417")),
        ({"sources": ["topic-{n}"]}, event(topic="topic-417")),
        ({"rules": [{"name": "r", "events": ["type.{n}"]}]}, event("type.417")),
        (
            {"rules": [{"name": "r", "tenants": ["t{n}"]}, {"name": "s", "events": ["x{n}"]}]},
            event("x417", tenant="no"),
        ),
        ({"tenants": ["t{n}"], "eventsPolicy": "include", "events": ["same"]}, event("same", tenant="t417")),
    ],
)
def test_one_match_among_a_thousand_examines_no_more_than_a_few(template: dict[str, Any], seen: Event) -> None:
    router = routed(each(**template))
    assert router.match(seen) == ("w-417",)
    assert router.checks <= 12, "area41 and area4 begin like area417; nothing else may be looked at"
    before = router.checks
    assert router.match(seen) == ("w-417",)
    assert router.checks == before, "the second look-up is remembered"


def test_an_event_for_nobody_examines_no_webhook() -> None:
    router = routed(each(eventsPolicy="include", events=["type.{n}"]))
    assert router.match(event("elsewhere")) == ()
    assert router.checks == 0


def test_a_filter_is_asked_only_after_everything_cheaper_said_yes() -> None:
    asked: list[str] = []
    hooks = each(tenants=["t{n}"], filter="1 / data.zero == {n}")
    router = Router(
        [(hook, hook.name) for hook in hooks],
        event_sets={},
        tenants={},
        on_filter_error=lambda name, hook, event, text: asked.append(name),
    )
    router.match(event(tenant="t417", data={"zero": 0}))
    assert asked == ["w-417"]


def test_types_without_end_are_forgotten_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routing, "MAX_KEYS", 100)
    router = routed([webhook("w", eventsPolicy="include", events=["new.*"])])
    for n in range(1000):
        assert router.match(event(f"new.{n}")) == ("w",)
        assert router.remembered <= 100
    assert router.remembered > 0


def test_combinations_without_end_are_forgotten_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routing, "MAX_PLAN_BYTES", 50_000)
    names = [chr(ord("a") + n) for n in range(10)]
    router = routed([webhook(f"w-{name}", eventsPolicy="include", events=[f"*{name}*x"]) for name in names])
    kept = []
    for combination in range(1024):
        letters = "".join(name for n, name in enumerate(names) if combination >> n & 1)
        assert router.match(event(letters + "x")) == tuple(f"w-{name}" for name in letters)
        kept.append(router.remembered)
    assert max(kept) < 200, "each combination is a plan of its own, and plans have a bound in bytes"


def test_a_very_long_type_is_matched_but_not_remembered() -> None:
    router = routed([webhook("w", eventsPolicy="include", events=["long.*", "*a*b*c*d*e*zzz"])])
    for _ in range(3):
        assert router.match(event("long." + "x" * 2_000_000)) == ("w",)
        assert router.match(event("abcde" * 400_000)) == ()
    assert router.remembered == 0


def test_unlike_events_with_the_same_answer_share_it() -> None:
    router = routed(each())
    assert router.match(event("a")) is router.match(event("b", tenant="other"))
    assert router.checks == MANY, "a thousand places are filled once, not once for each type"


def test_a_filter_on_the_routing_key_alone_is_evaluated_once() -> None:
    router = routed([webhook("w", filter='event.type == "a" && event.severity >= 4'), webhook("v")])
    first = router.match(event("a", severity=5))
    assert first == ("w", "v")
    assert router.match(event("a", severity=5)) is first
    assert router.match(event("a", severity=3)) == ("v",)
    assert router.match(event("b", severity=5)) == ("v",)


def test_a_value_is_not_parsed_for_a_filter_that_does_not_look_at_it() -> None:
    errors: list[str] = []
    router = Router(
        [
            (webhook("w", filter="event.offset == 7"), "w"),
            (webhook("v", filter="data.a == 1", onFilterError="noMatch"), "v"),
        ],
        event_sets={},
        tenants={},
        on_filter_error=lambda name, hook, event, text: errors.append(f"{name} {text}"),
    )
    assert router.match(event(raw=b'{"a": 1e999}')) == ["w"]
    assert len(errors) == 1
    assert errors[0].startswith("v data: ")
