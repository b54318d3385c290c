"""What a login's answer says: the token wherever it stands, how long it holds, and clear words where there is none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forwarder.deliver.auth.answer import Granted, Refused, read
from forwarder.deliver.auth.path import find, parse
from forwarder.model.attempt import Response
from forwarder.settings.auth import Login
from tests.unit.deliver.auth_rig import LOGIN

NOW = 1_700_000_000.0


def said(document: Any, headers: dict[str, str] | None = None, status: int = 200, **auth: Any) -> Granted | Refused:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return read(Login.model_validate({**LOGIN, **auth}), Response(status, headers or {}, body), NOW)


def lifetime_of(answer: Granted | Refused) -> float:
    assert isinstance(answer, Granted), answer
    return answer.lifetime


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"access_token": "t"}, ""),
        ({"accessToken": "t"}, ""),
        ({"token": "t", "user": {"token": "u"}}, ""),
        ({"data": {"access_token": "t"}}, ""),
        ({"result": {"jwt": "t"}}, ""),
        ({"data": {"access_token": "t"}, "token": "u"}, "data.access_token"),
        ({"data": {"access.token": "t"}}, 'data["access.token"]'),
        ({"tokens": [{"value": "t"}, {"value": "u"}]}, "tokens[0].value"),
        ([{"t": "t"}], "[0].t"),
    ],
)
def test_the_token_is_found(document: Any, path: str) -> None:
    assert said(document, tokenPath=path) == Granted("t", 3600.0)


def test_a_token_that_is_the_whole_answer_is_found_in_its_brackets() -> None:
    assert isinstance(said("t"), Refused)


@pytest.mark.parametrize(
    ("more", "auth", "lifetime"),
    [
        ({"expires_in": 60}, {}, 60),
        ({"expires_in": "60"}, {}, 60),
        ({"expiresIn": 60.5}, {}, 60.5),
        ({"ttl": {"s": 7}}, {"expiresInPath": "ttl.s"}, 7),
        ({"end": NOW + 90}, {"expiresAtPath": "end"}, 90),
        ({"end": (NOW + 90) * 1000}, {"expiresAtPath": "end"}, 90),
        ({"end": "2023-11-14T22:14:50Z"}, {"expiresAtPath": "end"}, 90),
        ({"end": "2023-11-14T23:14:50+01:00"}, {"expiresAtPath": "end"}, 90),
        ({}, {"lifetime": "5m"}, 300),
        ({"expires_in": None}, {"lifetime": "5m"}, 300),
        ({"expires_in": True}, {"lifetime": "5m"}, 300),
        ({"expires_in": "soon"}, {"lifetime": "5m"}, 300),
        ({"expires_in": {"a": 1}}, {"lifetime": "5m"}, 300),
        ({"end": "2023-11-14T22:14:50"}, {"expiresAtPath": "end", "lifetime": "5m"}, 300),
        ({"end": "tomorrow"}, {"expiresAtPath": "end", "lifetime": "5m"}, 300),
        ({"end": "gone", "expires_in": 60}, {"expiresAtPath": "end"}, 60),
    ],
)
def test_the_lifetime_is_what_the_answer_says_and_else_what_is_configured(
    more: dict[str, Any], auth: dict[str, Any], lifetime: float
) -> None:
    assert lifetime_of(said({"token": "t", **more}, **auth)) == pytest.approx(lifetime)


def test_a_moment_is_measured_by_the_servers_own_clock() -> None:
    late = {"date": "Tue, 14 Nov 2023 23:13:20 GMT"}  # an hour ahead of ours
    assert lifetime_of(said({"token": "t", "end": NOW + 3690}, late, expiresAtPath="end")) == pytest.approx(90)
    assert lifetime_of(said({"token": "t", "end": NOW + 90}, {"date": "?"}, expiresAtPath="end")) == pytest.approx(90)


@pytest.mark.parametrize(
    ("document", "text"),
    [
        (b"<html>hunter2", "is not JSON"),
        (b"", "is not JSON"),
        (b"[" * 5000, "is not JSON"),
        (b'{"token": "' + b"x" * 70_000, "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        ({}, "without a token"),
        ({"Token": "hunter2"}, "without a token"),
        ({"token": ""}, "is no token"),
        ({"token": ["hunter2"]}, "is no token"),
        ({"token": 7}, "is no token"),
        ({"token": "hunter2\r\nX-Injected: 1"}, "is no token"),
        ({"token": "h\u00fcnter2"}, "is no token"),
    ],
)
def test_an_answer_without_a_usable_token_is_refused_and_not_quoted(document: Any, text: str) -> None:
    refused = said(document)
    assert isinstance(refused, Refused)
    assert text in refused.text
    assert "hunter2" not in refused.text
    assert not refused.passing


@pytest.mark.parametrize(
    ("status", "passing"),
    [(400, False), (401, False), (404, False), (301, False), (408, True), (429, True), (503, True)],
)
def test_a_status_says_whether_it_passes(status: int, passing: bool) -> None:
    refused = said({"error": "hunter2"}, status=status)
    assert isinstance(refused, Refused)
    assert refused.passing is passing
    assert refused.text.startswith(f"answered {status}")
    assert "hunter2" not in refused.text


def test_the_words_of_oauth_are_repeated() -> None:
    assert said({"error": "invalid_client"}, status=401) == Refused("answered 401 (invalid_client)")


@given(
    st.binary(max_size=300), st.integers(100, 599), st.dictionaries(st.sampled_from(["date", "retry-after"]), st.text())
)
def test_no_answer_raises(body: bytes, status: int, headers: dict[str, str]) -> None:
    said(body, headers, status, expiresAtPath="a", expiresInPath="b")


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "token"]), inner, max_size=3)
    ),
)


@given(JSON)
def test_no_document_raises(document: Any) -> None:
    said(document, expiresAtPath="a", expiresInPath="b")


@pytest.mark.parametrize(
    "text", [".a", "a..b", "a.", "a[", "a[x]", "a[-1]", 'a["b]', "a b", "a[0]b", '["a"]b', "a.[0]"]
)
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse(text)


@given(st.lists(st.text(min_size=1) | st.integers(0, 999), max_size=5))
def test_every_place_has_a_path(steps: list[str | int]) -> None:
    document: Any = "here"
    for step in reversed(steps):
        document = {step: document} if isinstance(step, str) else [*[None] * step, document]
    written = "".join(f"[{json.dumps(step)}]" for step in steps)
    assert find(document, parse(written)) == "here"
