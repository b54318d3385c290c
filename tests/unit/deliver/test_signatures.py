"""Every signature scheme: against independent implementations, and what a receiver is told when it does not hold."""

from __future__ import annotations

import base64
import hmac
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forwarder.deliver.sign.scheme import Encoding, KeyUnusable, Scheme
from forwarder.deliver.sign.schemes import SCHEMES, STANDARD_WEBHOOKS, scheme_of
from forwarder.deliver.sign.verify import Reason, Rejected, Result, Verified
from forwarder.settings.signature import Signature
from tests.unit.deliver.sign_rig import (
    ALL,
    BODY,
    EVERY,
    NEW,
    NOW,
    OLD,
    SHAPED,
    custom,
    judged,
    signed,
    written,
)


@EVERY
class TestEveryScheme:
    @settings(max_examples=40)
    @given(body=st.binary(max_size=200), batch_id=st.from_regex(r"fb_[a-z2-7]{32}", fullmatch=True))
    def test_what_was_signed_is_verified(self, scheme: Any, body: bytes, batch_id: str) -> None:
        headers = signed(scheme, NEW, body=body, batch_id=batch_id)
        assert judged(scheme, [NEW], headers, body) == Verified(0)

    @settings(max_examples=40)
    @given(data=st.data())
    def test_any_change_of_the_body_is_refused(self, scheme: Any, data: st.DataObject) -> None:
        body = data.draw(st.binary(min_size=1, max_size=60))
        other = data.draw(st.binary(max_size=60).filter(lambda found: found != body))
        assert judged(scheme, [NEW], signed(scheme, NEW, body=body), other) == Rejected(Reason.MISMATCH)

    @settings(max_examples=40)
    @given(data=st.data())
    def test_any_change_of_a_header_that_was_written_is_refused(self, scheme: Any, data: st.DataObject) -> None:
        headers = signed(scheme, NEW)
        name = data.draw(st.sampled_from(sorted(written(scheme))))
        place = data.draw(st.integers(0, len(headers[name]) - 1))
        character = data.draw(st.characters(min_codepoint=33, max_codepoint=126))
        value = headers[name][:place] + character + headers[name][place + 1 :]
        if value != headers[name]:
            assert isinstance(judged(scheme, [NEW], headers | {name: value}), Rejected), value

    @settings(max_examples=40)
    @given(key=st.binary(min_size=24, max_size=64))
    def test_any_other_key_is_refused(self, scheme: Any, key: bytes) -> None:
        text = "whsec_" + base64.b64encode(key).decode()
        if text != NEW:
            assert judged(scheme, [text], signed(scheme, NEW)) == Rejected(Reason.MISMATCH)

    def test_signing_is_deterministic(self, scheme: Any) -> None:
        assert signed(scheme, NEW, OLD) == signed(scheme, NEW, OLD)

    def test_header_names_may_come_in_any_case(self, scheme: Any) -> None:
        headers = {name.lower(): value for name, value in signed(scheme, NEW).items()}
        assert judged(scheme, [NEW], headers) == Verified(0)

    def test_a_receiver_that_already_knows_the_next_key_verifies_with_the_old_one(self, scheme: Any) -> None:
        assert judged(scheme, [NEW, OLD], signed(scheme, OLD)) == Verified(1)

    def test_each_header_is_required(self, scheme: Any) -> None:
        headers = signed(scheme, NEW)
        for name in written(scheme):
            rest = {other: value for other, value in headers.items() if other != name}
            assert judged(scheme, [NEW], rest) == Rejected(Reason.NO_HEADER), name

    def test_an_empty_key_is_refused(self, scheme: Any) -> None:
        with pytest.raises(KeyUnusable):
            signed(scheme, "")


@SHAPED
class TestSchemesWithOneHeader:
    def test_nonsense_is_called_malformed(self, scheme: Scheme) -> None:
        headers = signed(scheme, NEW) | {scheme.signature_header: "not a signature!"}
        assert judged(scheme, [NEW], headers) == Rejected(Reason.MALFORMED)

    def test_a_right_signature_in_another_encoding_is_explained(self, scheme: Scheme) -> None:
        headers = signed(scheme, NEW)
        prefix = next(iter(scheme.prefixes.values()))
        value = headers[scheme.signature_header]
        text = value[value.rindex(prefix or ";") + 1 :] if ";" in value else value.removeprefix(prefix)
        text = text.rsplit(prefix, 1)[-1] if prefix else text
        mac = scheme.encoding.read(text)
        assert mac is not None
        for other in Encoding:
            if other is not scheme.encoding and other.write(mac) != text:
                wrong = headers | {scheme.signature_header: value.replace(text, other.write(mac))}
                assert judged(scheme, [NEW], wrong) == Rejected(Reason.ENCODING), other


@pytest.mark.parametrize(
    ("late", "result"), [(300, Verified(0)), (302, Rejected(Reason.SKEW)), (-301, Rejected(Reason.SKEW))]
)
@pytest.mark.parametrize("name", ["standard-webhooks", "stripe", "slack", "rfc9421"])
def test_the_timestamp_must_be_near(name: str, late: float, result: Result) -> None:
    found = judged(SCHEMES[name], [NEW], signed(SCHEMES[name], NEW), now=int(NOW) + late)
    assert found == result
    assert not isinstance(found, Rejected) or found.late == late


def test_an_rfc9421_signature_ends_when_it_says() -> None:
    scheme = ALL["rfc9421 with everything"]
    assert judged(scheme, [NEW], signed(scheme, NEW), now=NOW + 59) == Verified(0)
    assert judged(scheme, [NEW], signed(scheme, NEW), now=NOW + 60.5) == Rejected(Reason.SKEW)


@pytest.mark.parametrize("text", ["soon", "-1", "1" * 400, "١٢٣"])
def test_a_strange_timestamp_is_malformed(text: str) -> None:
    headers = signed(STANDARD_WEBHOOKS, NEW) | {"Webhook-Timestamp": text}
    assert judged(STANDARD_WEBHOOKS, [NEW], headers) == Rejected(Reason.MALFORMED)


def test_another_id_or_time_breaks_the_signature() -> None:
    for name, value in (("Webhook-Id", "fb_other"), ("Webhook-Timestamp", str(int(NOW) + 1))):
        headers = signed(STANDARD_WEBHOOKS, NEW) | {name: value}
        assert judged(STANDARD_WEBHOOKS, [NEW], headers) == Rejected(Reason.MISMATCH)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"scheme": "custom"}, "header: is missing"),
        ({"content": "{ids}.{body}"}, r"content: \{ids\} is no variable here; known: \{id\}"),
        ({"content": "{body"}, "content: a single `{` stands at character 1"),
        ({"value": "v1"}, r"value: must hold \{signature\} once"),
        ({"value": "{body}{signature}"}, r"value: \{body\} is no variable here"),
        ({"scheme": "sift", "algorithm": "hmac-sha512"}, "algorithm: sift knows"),
    ],
)
def test_a_scheme_that_cannot_be_made_says_which_field_is_wrong(settings: dict[str, Any], said: str) -> None:
    given = {"scheme": "custom", "header": "X-Own"} | settings
    if settings == {"scheme": "custom"}:
        del given["header"]
    with pytest.raises(ValueError, match=f"^{said}"):
        scheme_of(Signature.model_validate(given))


def test_what_the_request_tells_must_stand_in_the_header_too() -> None:
    scheme = custom(value="{method} {path} {signature}")
    headers = signed(scheme, "k")
    assert headers["X-Own"].startswith("POST /hook?k=v ")
    assert judged(scheme, ["k"], headers) == Verified(0)
    other = headers | {"X-Own": headers["X-Own"].replace("POST", "GET")}
    assert judged(scheme, ["k"], other) == Rejected(Reason.MALFORMED)


@pytest.mark.parametrize("name", ["sentAt", "SentAt", "sent_at"])
def test_sent_at_is_found_in_the_body_where_no_header_tells_it(name: str) -> None:
    scheme = custom(content="{sentAt}.{body}")
    body = b'{"%b":"2026-01-31T12:00:00.000Z"}' % name.encode()
    headers = signed(scheme, "k", body=body)
    assert judged(scheme, ["k"], headers, body) == Verified(0)
    for other in (b'{"%b":1}' % name.encode(), b"[]", b"\xff"):
        assert judged(scheme, ["k"], headers, other) == Rejected(Reason.MISMATCH)


@EVERY
def test_headers_that_are_no_utf_8_are_refused_and_break_nothing(scheme: Any) -> None:
    headers = signed(scheme, NEW)
    for name in written(scheme):
        assert isinstance(judged(scheme, [NEW], headers | {name: headers[name] + "\udcff"}), Rejected)


def test_braces_are_written_twice() -> None:
    scheme = custom(content='{{"b":"{body}"}}', value="{{{signature}}}")
    headers = signed(scheme, "k")
    mac = hmac.digest(b"k", b'{"b":"' + BODY + b'"}', "sha256").hex()
    assert headers["X-Own"] == "{" + mac + "}"
    assert judged(scheme, ["k"], headers) == Verified(0)
