"""No secret comes through, wherever it hides; what is harmless stays readable."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forwarder.observe.redact import MASK, Redactor, tells

SECRET = 'pa"ss wörd/+1\\x'


@pytest.fixture
def redactor() -> Redactor:
    known = Redactor()
    known.register(SECRET)
    return known


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        quote(SECRET, safe=""),
        base64.b64encode(SECRET.encode()).decode(),
        json.dumps(SECRET),
        json.dumps(SECRET, ensure_ascii=True),
        repr(SECRET),
        f"a{SECRET}b{SECRET}",
    ],
    ids=["plain", "percent-encoded", "base64", "json", "ascii-json", "repr", "twice"],
)
def test_a_known_secret_is_masked_however_it_is_written(redactor: Redactor, written: str) -> None:
    shown = redactor.text(f"cannot log in with {written} today")
    assert MASK in shown
    assert shown.startswith("cannot log in with ") and shown.endswith(" today")
    for form in (SECRET, "ss w", base64.b64encode(SECRET.encode()).decode()[:8], "%22ss"):
        assert form not in shown


@given(st.lists(st.text(min_size=4, max_size=12), min_size=1, max_size=20), st.text(max_size=20), st.data())
def test_no_registered_secret_survives_in_any_text(secrets: list[str], around: str, data: st.DataObject) -> None:
    known = Redactor()
    for secret in secrets:
        known.register(secret)
    chosen = data.draw(st.lists(st.sampled_from(secrets), max_size=4))
    shown = known._known(around.join(chosen) + around)
    without_masks = shown.split(MASK)
    assert not any(secret in part for secret in secrets for part in without_masks)


@given(st.text(max_size=60))
def test_text_without_secrets_is_left_alone(text: str) -> None:
    known = Redactor()
    known.register("a secret that is not in there")
    assert known._known(text) == text


def test_a_secret_that_is_registered_later_is_masked_in_texts_seen_before() -> None:
    known = Redactor()
    assert known.text("rotated-in") == "rotated-in"
    known.register("rotated-in")
    assert known.text("rotated-in") == MASK


@pytest.mark.parametrize(
    "piece", ["a", "a://", "a:", "basic ", "token", "token=", "://@", "x@", "whsec_", "-", '"'], ids=repr
)
def test_text_made_to_be_slow_is_not(piece: str) -> None:
    """A receiver chooses what stands in an error; quadratic patterns would take minutes here (see the timeout)."""
    known = Redactor()
    known.register("aaaa-secret")
    assert known.text("://" + piece * (200_000 // len(piece)) + " end")


def test_registering_again_keeps_what_is_remembered() -> None:
    known = Redactor()
    known.register("hunter2-hunter2")
    known.text("siem")
    known.register("hunter2-hunter2")
    assert known._seen == {"siem": "siem"}


def test_what_is_remembered_is_bounded() -> None:
    known = Redactor()
    for number in range(20_000):
        known.text(f"batch {number}")
    assert len(known._seen) <= 4096


def test_a_longer_secret_wins_over_its_own_beginning() -> None:
    known = Redactor()
    known.register("hunter2")
    known.register("hunter2-and-more")
    assert known.text("<hunter2-and-more> <hunter2>") == f"<{MASK}> <{MASK}>"


def test_a_very_short_secret_is_masked_where_it_is_the_whole_text() -> None:
    known = Redactor()
    known.register("abc")
    known.register("")
    assert known.text("abc") == MASK
    assert known.text("abcdef") == "abcdef"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://user:pw@host.example/in?key=1&b=2#f", "https://***@host.example/in?***#f"),
        ("to https://host.example/in failed", "to https://host.example/in failed"),
        ("see 'https://host.example/?t=abc', then", "see 'https://host.example/?***', then"),
        ("https://host/a@b?x", "https://host/a@b?***"),
        ("kafka://u:p@k:9092", "kafka://***@k:9092"),
        ("https://a:b@h/ https://c:d@i/", "https://***@h/ https://***@i/"),
    ],
)
def test_urls_lose_user_information_and_query(text: str, shown: str) -> None:
    assert Redactor().text(text) == shown


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("('Authorization', 'Bearer eyJhbGciOi.J9')", "eyJhbGciOi"),
        ("key whsec_MfKQ9r8GKYqrTwjU is wrong", "MfKQ9r8"),
        ('{"password": "tr0ub4dor", "user": "x"}', "tr0ub4dor"),
        ("{'sasl_plain_password': b'tr0ub4dor'}", "tr0ub4dor"),
        ("api_key=abcdef&x=1", "abcdef"),
        ("Set-Cookie: sid=abcdef; Path=/", "abcdef"),
        ('token = "two words"', "words"),
    ],
)
def test_credentials_that_nobody_registered_are_masked(text: str, hidden: str) -> None:
    shown = Redactor().text(text)
    assert hidden not in shown
    assert MASK in shown


@pytest.mark.parametrize(
    "text",
    [
        "environment variable SIEM_TOKEN is not set or empty",
        "secret file /run/secrets/token: No such file or directory",
        "Basic authentication is required",
        "connection to 10.0.0.1:9092 refused",
        "secrets are re-read when the file changes",
        "webhook siem: 12:30:01 retry in 5 s, class=http_5xx",
    ],
)
def test_what_helps_and_harms_nobody_stays(text: str) -> None:
    assert Redactor().text(text) == text


@pytest.mark.parametrize(
    "name", ["Authorization", "bearerToken", "api_key", "apiKey", "signatureKey", "password", "Set-Cookie", "secret"]
)
def test_names_that_tell(name: str) -> None:
    assert tells(name)
    assert Redactor().value({name: "x"}) == {name: MASK}


@pytest.mark.parametrize(
    "name", ["tokenFile", "secret_file_path", "variableName", "webhook", "batch_id", "key", "secret_errors"]
)
def test_names_that_do_not_tell(name: str) -> None:
    assert not tells(name)


def test_nested_values_are_searched_and_objects_are_shown_as_text(redactor: Redactor) -> None:
    class Odd:
        def __str__(self) -> str:
            return f"<{SECRET}>"

    value = {"a": [1, ("b", SECRET)], "headers": {"Authorization": "x"}, "odd": Odd(), "bytes": SECRET.encode()}
    shown = redactor.value(value)
    assert shown == {"a": [1, ["b", MASK]], "headers": {"Authorization": MASK}, "odd": f"<{MASK}>", "bytes": MASK}


def test_a_value_that_cannot_be_shown_or_ends_nowhere_does_no_harm() -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("no")

    endless: list[object] = []
    endless.append(endless)
    assert Redactor().value(Broken()) == "<Broken>"
    assert "..." in str(Redactor().value(endless))


def test_the_cost_does_not_grow_with_the_number_of_secrets() -> None:
    """Only secrets that begin with the characters at hand are compared."""
    compared = 0

    class Counting(str):
        def startswith(self, *args: object) -> bool:
            nonlocal compared
            compared += 1
            return super().startswith(*args)  # type: ignore[arg-type]

    known = Redactor()
    for number in range(5000):
        known.register(f"{number:05d}-secret")
    known._known(Counting("attempt finished for webhook siem after 0.123 seconds, 17 events"))
    assert compared < 10


def test_what_is_forgotten_is_shown_again_and_the_others_stay_hidden() -> None:
    redactor = Redactor()
    for secret in ("hunter2-one", "hunter2-two", "abc", "hunter2/one"):
        redactor.register(secret)
    assert redactor.knows("hunter2-one")
    redactor.forget("hunter2-one")
    redactor.forget("abc")
    redactor.forget("never known")
    assert not redactor.knows("hunter2-one")
    assert redactor.text("hunter2-one hunter2-two hunter2/one hunter2%2Fone") == "hunter2-one *** *** ***"
    assert redactor.text("abc") == "abc"


def test_a_form_that_is_a_secret_itself_is_not_forgotten_with_it() -> None:
    redactor = Redactor()
    redactor.register("a b c d")
    redactor.register("a%20b%20c%20d")
    redactor.forget("a b c d")
    assert redactor.text("x a%20b%20c%20d") == "x ***"
