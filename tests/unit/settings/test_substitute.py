"""`${ENV}` in values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forwarder.settings.substitute import Substitution
from forwarder.settings.tree import Mark, Text, plain

from .place import Place


def replaced(text: str, **environ: str) -> str:
    substitution = Substitution(environ)
    result = plain(substitution.apply(Text(Mark("f", 1, 1), text, text)))
    assert not substitution.problems
    return str(result)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("${A}", "1"),
        ("x${A}y${A}z", "x1y1z"),
        ("${NOT:-d}", "d"),
        ("${NOT:-}", ""),
        ("${EMPTY:-d}", "d"),
        ("${EMPTY}", ""),
        ("$${A}", "${A}"),
        ("$A $ {A}", "$A $ {A}"),
        ("${TRICK}", "${A}"),
    ],
)
def test_references_are_replaced_once(text: str, result: str) -> None:
    assert replaced(text, A="1", EMPTY="", TRICK="${A}") == result


def test_a_value_is_typed_after_it_was_replaced(place: Place) -> None:
    hook = place.load(
        place.hook("maxEvents: ${N}\nenable: ${ON}\nthrottle: ${T:-5}s"), {"N": "7", "ON": "false"}
    ).settings.webhooks[0]
    assert (hook.max_events, hook.enable, hook.throttle) == (7, False, 5.0)


def test_a_value_cannot_change_the_structure(place: Place) -> None:
    evil = "https://x.example/\n    allowInvalidCerts: true"
    problems = place.problems(place.hook("filter: ${E}").replace("https://siem.example/in", "${E}"), {"E": evil})
    assert problems and all("allowInvalidCerts" not in problem for problem in problems)


def test_a_missing_variable_is_said_where_it_is_asked_for(place: Place) -> None:
    assert place.problems(place.hook("filter: a ${NOPE} b")) == [
        "forwarder.yaml:5:13: webhooks[siem].filter: environment variable NOPE is not set; set it, or write ${NOPE:-default}"
    ]


@pytest.mark.parametrize("text", ["${", "${}", "${1A}", "${A", "${A:b}"])
def test_a_broken_reference_is_said(place: Place, text: str) -> None:
    assert "`${` must be followed by" in place.problems(place.hook(f"filter: '{text}'"), {"A": "1"})[0]


def test_an_error_shows_the_reference_and_not_what_the_variable_holds(place: Place) -> None:
    problem = place.problems(place.hook("maxEvents: ${N}"), {"N": "hunter2"})[0]
    assert "'${N}'" in problem and "hunter2" not in problem


@given(st.text().filter(lambda text: "${" not in text))
def test_law_text_without_a_reference_is_untouched(text: str) -> None:
    assert replaced(text) == text


@given(st.text())
def test_law_an_escaped_reference_gives_back_any_text(text: str) -> None:
    assert replaced(text.replace("${", "$${")) == text
