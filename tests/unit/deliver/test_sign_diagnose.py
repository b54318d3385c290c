"""Why a signature fails: each cause is told from the others, with what would make it hold."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forwarder.deliver.compress import CODINGS
from forwarder.deliver.sign.diagnose import Candidate, Case, Cause, Diagnosis
from forwarder.deliver.sign.engine import sign
from forwarder.deliver.sign.keys import read_key
from forwarder.deliver.sign.message import Message
from forwarder.deliver.sign.scheme import Encoding
from forwarder.deliver.sign.schemes import SCHEMES
from forwarder.deliver.sign.variants import variants
from forwarder.settings.signature import KeyState

NOW = 1_700_000_000.0
KEY, OTHER = "whsec_" + "QUJD" * 8, "whsec_" + "REVG" * 8
BODY = '{"b": 1, "a": ["é", "/"]}'.encode()
URL = "https://siem.example/hook"
EVERY = pytest.mark.parametrize("name", SCHEMES)


def sent(name: str, key: str = KEY, body: bytes = BODY, now: float = NOW, url: str = URL) -> Message:
    scheme = SCHEMES[name]
    read = read_key(key, scheme.algorithms, scheme.key_form)
    seen = {"content-type": "application/json", "forwarder-batch-id": "fb_x"}
    made = sign(scheme, [(read.kid, read)], Message("fb_x", "", body, url=url, headers=seen), now)
    return Message("", "", body, url=url, headers=seen | {header.lower(): value for header, value in made})


def told(name: str, message: Message, *more: Candidate, key: str = KEY, now: float = NOW) -> Diagnosis:
    return Case(SCHEMES[name], (Candidate("key 1", key), *more), message, now, 300.0).diagnose()


@EVERY
class TestEveryScheme:
    def test_a_signature_that_holds_names_its_key(self, name: str) -> None:
        assert told(name, sent(name)) == Diagnosis(Cause.OK, "the signature holds, by key 1", "key 1")
        found = told(name, sent(name), Candidate("key 2", KEY), key=OTHER)
        assert (found.cause, found.key) == (Cause.OK, "key 2")

    def test_a_body_that_lost_its_line_break(self, name: str) -> None:
        found = told(name, replace(sent(name, body=BODY + b"\n"), body=BODY))
        assert (found.cause, found.variant) == (Cause.CHANGED_BODY, "with a line break at its end")
        assert found.key == "key 1"

    def test_json_that_was_written_anew(self, name: str) -> None:
        changed = json.dumps(json.loads(BODY), indent=2, sort_keys=True).encode()
        compact = sent(name, body='{"a":["é","/"],"b":1}'.encode())
        found = told(name, replace(compact, body=changed))
        assert (found.cause, found.variant) == (Cause.CHANGED_BODY, "as JSON without spaces")

    @pytest.mark.parametrize("coding", CODINGS)
    def test_a_body_that_was_unpacked(self, name: str, coding: str) -> None:
        packed = sent(name, body=CODINGS[coding](BODY))
        found = told(name, replace(packed, body=BODY))
        assert (found.cause, found.variant) == (Cause.CHANGED_BODY, f"compressed with {coding}, as it was sent")

    def test_a_key_of_another_webhook(self, name: str) -> None:
        found = told(name, sent(name, OTHER), Candidate("key 1 of webhook b", OTHER, own=False))
        assert (found.cause, found.key) == (Cause.WRONG_KEY, "key 1 of webhook b")

    @pytest.mark.parametrize("state", [KeyState.EXPIRED, KeyState.UPCOMING])
    def test_a_key_out_of_its_time(self, name: str, state: KeyState) -> None:
        found = told(name, sent(name, OTHER), Candidate("key old", OTHER, state))
        assert (found.cause, found.key) == (Cause.KEY_OUT_OF_TIME, "key old")

    def test_a_key_that_is_there_twice_counts_while_one_of_them_is_valid(self, name: str) -> None:
        found = told(name, sent(name, OTHER), Candidate("old", OTHER, KeyState.EXPIRED), Candidate("new", OTHER))
        assert (found.cause, found.key) == (Cause.OK, "new")

    def test_a_key_with_white_space_around_it(self, name: str) -> None:
        found = told(name, sent(name), key=f"  {KEY}\n")
        assert found.cause is Cause.NO_KEY if name == "standard-webhooks" else found.cause is Cause.WRONG_KEY

    def test_another_scheme(self, name: str) -> None:
        other = "github" if name != "github" else "stripe"
        found = told(other, sent(name))
        assert (found.cause, found.text) == (Cause.OTHER_SCHEME, f"it is signed by the scheme {name}, not {other}")

    def test_nothing_at_all(self, name: str) -> None:
        found = told(name, Message("", "", BODY, url=URL))
        assert found.cause is Cause.MISSING_HEADER and "there is no" in found.text

    def test_an_unknown_key_over_an_unknown_body_is_no_guess(self, name: str) -> None:
        assert told(name, sent(name, OTHER)).cause is Cause.MISMATCH

    def test_no_key_is_told(self, name: str) -> None:
        cases = [sent(name), sent(name, OTHER), replace(sent(name), body=b"x"), Message("", "", BODY)]
        for message in cases:
            found = told(name, message, Candidate("key 2", OTHER, own=False))
            assert KEY not in repr(found) and OTHER not in repr(found)
        assert KEY not in repr(Case(SCHEMES[name], (Candidate("key 1", KEY),), cases[0], NOW, 300.0))

    @settings(max_examples=25)
    @given(body=st.binary(max_size=40), headers=st.dictionaries(st.text(max_size=20), st.text(max_size=40), max_size=3))
    def test_no_request_breaks_it(self, name: str, body: bytes, headers: dict[str, str]) -> None:
        names = [header for header in sent(name).headers if header.startswith(("x-", "web", "sig", "str", "con"))]
        message = Message("", "", body, url=URL, headers=headers | dict(zip(names, headers.values(), strict=False)))
        assert not told(name, message).holds


@pytest.mark.parametrize("name", ["standard-webhooks", "stripe", "slack", "rfc9421"])
@pytest.mark.parametrize(("passed", "where"), [(4000, "4000 s in the past"), (-400, "400 s in the future")])
def test_a_clock_that_is_wrong_is_told_in_seconds(name: str, passed: float, where: str) -> None:
    found = told(name, sent(name), now=NOW + passed)
    assert (found.cause, found.late, found.key) == (Cause.CLOCK_SKEW, passed, "key 1")
    assert where in found.text


@pytest.mark.parametrize(("name", "header"), [("stalwart", "x-signature"), ("sift-stack", "x-sift-signature")])
def test_hexadecimal_for_base64_and_the_other_way_round(name: str, header: str) -> None:
    message, scheme = sent(name), SCHEMES[name]
    signature = scheme.encoding.read(message.headers[header])  # type: ignore[union-attr]
    assert signature is not None
    for other in Encoding:
        text = other.write(signature)
        if text != message.headers[header]:
            found = told(name, replace(message, headers={**message.headers, header: text}))
            assert found.cause is Cause.ENCODING and other.value in found.text


@pytest.mark.parametrize(
    ("signing", "given", "label"),
    [
        (KEY.removeprefix("whsec_"), KEY, "whsec_ taken off and the rest used as plain text"),
        ("QUJD", "QUJD\n", "without the white space"),
        ("k\n", "k", "with a line break at its end"),
    ],
)
def test_a_key_that_was_misread_is_told_how(signing: str, given: str, label: str) -> None:
    found = told("github", sent("github", signing), key=given)
    assert found.cause is Cause.WRONG_KEY and label in found.text


def test_a_standard_webhooks_key_used_as_text() -> None:
    scheme: Any = SCHEMES["standard-webhooks"]
    plain = read_key(KEY, (scheme.algorithms[0],))
    made = sign(scheme, [("k", plain)], Message("fb_x", "", BODY), NOW)
    message = Message("", "", BODY, headers={header.lower(): value for header, value in made})
    found = told("standard-webhooks", message)
    assert found.cause is Cause.WRONG_KEY and "used as plain text, whsec_ included" in found.text


def test_a_changed_body_is_certain_where_a_digest_is_signed() -> None:
    found = told("rfc9421", replace(sent("rfc9421"), body=b"something else"))
    assert found.cause is Cause.CHANGED_BODY and "nor of any usual change" in found.text


@pytest.mark.parametrize("name", ["github", "standard-webhooks"])
def test_a_body_that_was_cut_shows_in_its_length(name: str) -> None:
    message = sent(name)
    whole = {**message.headers, "content-length": str(len(BODY))}
    found = told(name, replace(message, headers=whole, body=BODY[:7]))
    assert found.cause is Cause.CHANGED_BODY
    assert found.text.endswith(f"it has 7 bytes, and Content-Length says {len(BODY)}")
    assert told(name, replace(message, headers=whole, body=BODY[::-1])).cause is Cause.MISMATCH


@pytest.mark.parametrize("seen", ["http://siem.example/hook", "https://siem.example:8443/hook"])
def test_a_proxy_that_changed_the_url(seen: str) -> None:
    found = told("rfc9421", replace(sent("rfc9421"), url=seen))
    assert found.cause is Cause.CHANGED_URL and "https://siem.example" in found.text


def test_headers_of_another_scheme_are_pointed_at_where_no_key_fits() -> None:
    found = told("stripe", sent("github", OTHER))
    assert found.cause is Cause.MISSING_HEADER and found.text.endswith("; the request has the headers of github")


def test_a_key_that_cannot_be_used_is_said() -> None:
    found = told("standard-webhooks", sent("standard-webhooks"), key="whsec_?")
    assert found.cause is Cause.NO_KEY and "key 1: the signature key is not whsec_ and base64" in found.text


@settings(max_examples=50)
@given(
    st.one_of(
        st.binary(max_size=50),
        st.recursive(st.none() | st.integers() | st.text(), st.lists).map(lambda v: json.dumps(v).encode()),
    )
)
def test_variants_are_all_different_and_never_the_body_itself(body: bytes) -> None:
    found = [other for _, other in variants(body)]
    assert body not in found and len(found) == len(set(found))
