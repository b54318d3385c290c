"""The text forms of a receiver's behaviours, and the answers that they lead to."""

from __future__ import annotations

import pytest

from forwarder.cli import behaviour as b
from forwarder.cli.behaviour import Answer, Behaviour, Manner, answer, parse_behaviour

FORMS: list[tuple[str, Behaviour]] = [
    ("ok", b.Ok()),
    ("slow:250ms", b.Slow(0.25)),
    ("dead", b.Dead()),
    ("dead:30s", b.Dead(30.0)),
    ("hang", b.Hang()),
    ("flaky:0.3", b.Flaky(0.3, 503)),
    ("flaky:1:500", b.Flaky(1.0, 500)),
    ("status:503", b.Status(503)),
    ("status:429:10", b.Status(429, "10")),
    ("refuse:poison", b.Refuse(b"poison", 400)),
    ("refuse:poison:422", b.Refuse(b"poison", 422)),
    ("limit:64KiB", b.Limit(65536)),
    ("half-way", b.HalfWay()),
    ("dribble:1s", b.Dribble(1.0)),
    ("endless", b.Endless()),
    ("garbage", b.Garbage()),
    ("late:5s", b.Late(5.0)),
]


@pytest.mark.parametrize(("text", "behaviour"), FORMS, ids=[text for text, _ in FORMS])
def test_each_form_is_read(text: str, behaviour: Behaviour) -> None:
    assert parse_behaviour(text) == behaviour


def test_every_form_of_the_help_text_is_read_and_every_behaviour_is_in_it() -> None:
    shown = {type(parse_behaviour(form)) for form in b.FORMS.split(", ")}
    assert shown == set(Behaviour.__args__) - {b.Judging}  # the demo's own, which has no text form


def test_one_that_judges_bodies_answers_in_its_own_words() -> None:
    refusal = Answer(400, accepted=False, body=b"invalid_payload")
    judging = b.Judging(lambda body: Answer(body=b"ok") if body else refusal)
    assert (answer(judging, b"x", 0.0).body, answer(judging, b"", 0.0)) == (b"ok", refusal)


@pytest.mark.parametrize(
    "text", ["", "sleepy", "slow", "slow:soon", "flaky:2", "status:99", "status:600", "refuse:", "ok:1", "limit:big"]
)
def test_what_is_no_behaviour_is_refused_with_the_accepted_forms(text: str) -> None:
    with pytest.raises(ValueError, match=r"slow:2s, dead, dead:30s"):
        parse_behaviour(text)


@pytest.mark.parametrize(
    ("behaviour", "body", "luck", "expected"),
    [
        (b.Ok(), b"x", 0.0, Answer()),
        (b.Flaky(0.3), b"x", 0.29, Answer(503, accepted=False)),
        (b.Flaky(0.3), b"x", 0.3, Answer()),
        (b.Refuse(b"bad"), b"so bad", 0.0, Answer(400, accepted=False)),
        (b.Refuse(b"bad"), b"good", 0.0, Answer()),
        (b.Limit(3), b"123", 0.0, Answer()),
        (b.Limit(3), b"1234", 0.0, Answer(413, accepted=False)),
        (b.Status(429, "7"), b"x", 0.0, Answer(429, accepted=False, headers={"Retry-After": "7"})),
        (b.Status(202), b"x", 0.0, Answer(202)),
        (b.Late(4.0), b"x", 0.0, Answer(delay_after=4.0)),
        (b.Slow(4.0), b"x", 0.0, Answer(delay_before=4.0)),
        (b.Hang(), b"x", 0.0, Answer(accepted=False, manner=Manner.NEVER)),
        (b.Dead(), b"x", 0.0, Answer(accepted=False, manner=Manner.NEVER)),
        (b.Garbage(), b"x", 0.0, Answer(accepted=False, manner=Manner.GARBAGE)),
        (b.HalfWay(), b"x", 0.0, Answer(manner=Manner.HALF_WAY)),
        (b.Dribble(0.5), b"x", 0.0, Answer(manner=Manner.DRIBBLE, interval=0.5)),
        (b.Endless(), b"x", 0.0, Answer(manner=Manner.ENDLESS)),
    ],
    ids=str,
)
def test_the_answer_follows_from_behaviour_body_and_luck(
    behaviour: Behaviour, body: bytes, luck: float, expected: Answer
) -> None:
    assert answer(behaviour, body, luck) == expected
