"""Mistakes in a filter that are told at load, with their place."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forwarder.route.filters import check_filter


@pytest.mark.parametrize(
    "text",
    [
        'event.type == "auth.login" && event.severity >= 4',
        'data.resources.exists(r, r.tags.exists(t, t == "pci"))',
        'has(event.time) && event.time.getHours("Europe/Berlin") > 18',
        'event.time > timestamp("2024-01-01T00:00:00Z") + duration("1h30m")',
        "data.a.map(x, x * 2).filter(y, y > 3).size() > 0",
        'type(data.a) == string && data.a.matches("(?i)root")',
        "int(event.id) > 3",
        "true // for everybody: evnt.typ",
        '"evnt.type" != event.type && r"data\\." != "it\'s"',
        "data.evnt.tpe == 1 && data.event.nothing == 2",
    ],
)
def test_a_good_filter_has_no_mistake(text: str) -> None:
    assert check_filter(text) is None


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ["empty"]),
        ("  \n", ["empty"]),
        ("event.type ==", ["1:14:", "the end"]),
        ('event.type = "x"', ["1:12:", "write == instead of ="]),
        ("true and false", ["1:6:", "write && instead of and"]),
        ("true &&\n  )", ["2:3:"]),
        ("evnt.type == 'x'", ["1:1:", "unknown name evnt", "did you mean event?", "data, headers, key"]),
        ("true ||\n  dat.x", ["2:3:", "did you mean data?"]),
        ("event.tpe == 'x'", ["1:1:", "unknown field event.tpe", "did you mean type?"]),
        ("event['sevrity'] > 3", ["did you mean severity?"]),
        (".event.type == 'x'", ["without the leading dot"]),
        ("event.type.lowerAscii() == 'x'", ["1:12:", "unknown function lowerAscii"]),
        ("data.x.startWith('y')", ["1:8:", "did you mean startsWith?"]),
        ("data.l.exits(q, q == 1)", ["1:8:", "did you mean exists?"]),
        ("data.l.exists(event, event == 1)", ["1:15:", "the name event is taken"]),
        ("event.type", ["true or false", "str"]),
        ("event.severity + 1", ["true or false", "int"]),
        ("event.severity > '4'", ["types"]),
        ("key > 4", ["types"]),
        ("data.a.matches('(')", ["1:16:", "regex"]),
        ("event.time > timestamp('yesterday')", ["1:24:", "timestamp"]),
        ("event.time - event.time > duration('1 hour')", ["1:36:", "duration"]),
        ("data.l.all(x, data.l.all(y, data.l.all(z, z == x)))", ["2 deep", "3 deep"]),
        ("(" * 200 + "true" + ")" * 200, ["too deep"]),
        ("'" + "é" * 2048 + "' == key", ["4096 bytes", "4105"]),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, parts: list[str]) -> None:
    problem = check_filter(text)
    assert problem is not None
    assert [part for part in parts if part not in problem] == []
    assert "\n" not in problem


def test_the_longest_filter_is_accepted() -> None:
    text = "key == ''"
    assert check_filter(text + " " * (4096 - len(text))) is None
    assert check_filter(text + " " * (4097 - len(text))) is not None


WORDS = [
    "event",
    "data",
    ".type",
    ".exists(",
    "x",
    ",",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "==",
    "=",
    "&&",
    "!",
    "?",
    ":",
    "'a'",
]
WORDS += [
    '"b',
    "1",
    "2.5",
    "1u",
    "//",
    "\\",
    "\n",
    " in ",
    "null",
    "é",
    "\x00",
    "r'",
    "'''",
    "matches(",
    "timestamp(",
    "`",
]


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=14).map("".join) | st.text(max_size=20))
def test_no_text_makes_the_check_itself_fail(text: str) -> None:
    problem = check_filter(text)
    assert problem is None or problem.strip()
