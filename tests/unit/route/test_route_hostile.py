"""A hostile filter or event is bounded and named; it never holds up the others for long."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forwarder.route.asking import REST, SLOW_SECONDS, Patience
from forwarder.route.check import check_filter
from forwarder.route.patterns import MAX_STATES, states
from forwarder.route.router import Router
from tests.unit.route.examples import event, webhook


@pytest.mark.parametrize(
    ("pattern", "most"),
    [
        ("", 0),
        ("abc", 3),
        ("^a.c$", 3),
        ("(a+)+$", 2),
        ("a{3}", 3),
        ("a{2,5}", 5),
        ("a{2,}", 2),
        ("(ab|cd){10}", 50),
        ("((a{10}){10}){10}", 1110),
        ("[^]a-z]{4}", 40),
        (r"[\]\w]x", 11),
        (r"\p{Letter}\d", 20),
        (r"\x{1F600}\.", 2),
        ("(?i)a(?:b)(?P<n>c)", 7),
        ("a{,3}", 5),
        ("(", 0),
    ],
)
def test_the_states_of_a_pattern_are_estimated_with_repeats_written_out(pattern: str, most: int) -> None:
    assert states(pattern) == most


@given(st.text(alphabet="ab.*+?{}()[]\\^$|0123456789,-pxw", max_size=60))
def test_any_text_has_an_estimate(pattern: str) -> None:
    assert states(pattern) >= 0


@given(st.integers(1, 400), st.integers(1, 5))
def test_repeats_multiply(first: int, second: int) -> None:
    assert states(f"(a{{{first}}}){{{second}}}") == (first + 1) * second


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"data.a.matches('(a?){{{MAX_STATES}}}')", "1:16: the pattern has 1000 states"),
        ("data.a.matches(r'(\\w{1,60})')", "1:16: the pattern has 601 states"),
        ("data.a.matches(data.b)", "1:8: write TEXT.matches('pattern') with the pattern in quotes"),
        ("data.a.matches('x' + data.b)", "1:8: write TEXT.matches('pattern')"),
        ("matches(data.a, 'x')", "1:1: write TEXT.matches('pattern')"),
    ],
)
def test_a_pattern_that_could_hold_up_the_line_is_refused_with_its_place(text: str, said: str) -> None:
    assert (check_filter(text) or "").startswith(said)


@pytest.mark.parametrize(
    "text",
    [
        "data.a.matches('(?i)^[a-z0-9-]{1,40}\\\\.example\\\\.(com|net)$')",
        "data.ip.matches(r'^(\\d{1,3}\\.){3}\\d{1,3}$')",
        "data.matches == 1",
    ],
)
def test_usual_patterns_pass(text: str) -> None:
    assert check_filter(text) is None


class Watch:
    """A steady clock by hand: each look at it costs the next of `costs` (seconds)."""

    def __init__(self) -> None:
        self.now = 0.0
        self.costs: list[float] = []

    def __call__(self) -> float:
        self.now += self.costs.pop(0) if self.costs else 0.0
        return self.now


def router(watch: Watch, errors: list[str], **given: Any) -> Router[str]:
    hooks = [webhook("slow", filter="data.a == 1", **given), webhook("quick", filter="data.b == 1"), webhook("all")]
    pairs = [(hook, hook.name) for hook in hooks]
    return Router(
        pairs,
        event_sets={},
        tenants={},
        on_filter_error=lambda name, hook, seen, text: errors.append(f"{name}: {text}"),
        now=watch,
    )


BOTH = event(data={"a": 1, "b": 1})
NEITHER = event(data={"a": 2, "b": 2})


def test_a_filter_that_was_slow_once_is_put_off_and_its_webhook_follows_on_filter_error() -> None:
    watch, errors = Watch(), []
    chosen = router(watch, errors, onFilterError="noMatch")
    watch.costs = [0, 0, 0.2]  # start, look, slow's filter
    assert chosen.match(BOTH) == ["slow", "quick", "all"]
    assert chosen.match(BOTH) == ["quick", "all"]
    assert errors == ["slow: put off for 1.8 s, because one event took 0.20 s before"]
    watch.now += REST * 0.2
    assert chosen.match(BOTH) == ["slow", "quick", "all"]


def test_while_it_is_put_off_the_default_takes_one_event_too_many_rather_than_one_too_few() -> None:
    watch, errors = Watch(), []
    chosen = router(watch, errors)
    watch.costs = [0, 0, 0.2]
    chosen.match(NEITHER)
    assert chosen.match(NEITHER) == ["slow", "all"]


def test_an_event_that_is_slow_to_look_at_puts_off_all_who_look_and_nobody_else() -> None:
    watch, errors = Watch(), []
    chosen = router(watch, errors, onFilterError="noMatch")
    watch.costs = [0, 1.0]
    assert chosen.match(BOTH) == ["slow", "quick", "all"]
    assert chosen.match(NEITHER) == ["quick", "all"], "the one asks for noMatch, the other for match"
    assert [text.partition(":")[0] for text in errors] == ["quick", "slow", "quick"]


def test_a_slow_filter_takes_no_more_than_a_tenth_of_the_time() -> None:
    patience, now, spent = Patience(), 0.0, 0.0
    while now < 1000:
        if not patience.put_off("w", now):
            now, spent = now + 0.3, spent + 0.3
            patience.took(["w"], now, 0.3)
        now += 0.01
    assert spent <= 100 + 0.3


def test_what_takes_less_than_the_limit_is_never_put_off() -> None:
    patience = Patience()
    patience.took(["w"], 1.0, SLOW_SECONDS)
    assert patience.put_off("w", 1.0) == ""


def test_a_record_of_a_megabyte_under_the_costliest_pattern_allowed_is_answered() -> None:
    pattern = f"(a?){{{MAX_STATES // 2}}}b"
    text = f"data.a.matches('{pattern}')"
    assert check_filter(text) is None or states(pattern) > MAX_STATES
    hook = webhook("w", filter=f"data.a.matches('(a?){{{MAX_STATES // 2 - 1}}}b')")
    chosen = Router([(hook, "w")], event_sets={}, tenants={})
    seen = event(data={"a": "a" * 1_000_000})
    assert json.loads(seen.value or b"")["a"].startswith("aa")
    assert chosen.match(seen) == []
