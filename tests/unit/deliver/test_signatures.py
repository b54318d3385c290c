"""Every signature scheme: against independent implementations, and what a receiver is told when it does not hold."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook as Reference

from forwarder.deliver.sign.engine import sign
from forwarder.deliver.sign.keys import read_key
from forwarder.deliver.sign.message import Message
from forwarder.deliver.sign.scheme import Encoding, KeyUnusable, Scheme
from forwarder.deliver.sign.schemes import GITHUB, SCHEMES, STALWART, STANDARD_WEBHOOKS, scheme_of
from forwarder.deliver.sign.verify import Reason, Rejected, Result, Verified, verify
from forwarder.settings.signature import Signature

NOW = 1_700_000_000.75
URL = "https://siem.example/hook?k=v"
OLD, NEW = "whsec_" + base64.b64encode(b"o" * 24).decode(), "whsec_" + base64.b64encode(b"n" * 24).decode()
PRIVATE = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
PUBLIC = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
BODY = '[{"a":"é"}]'.encode()


def custom(**settings: Any) -> Scheme:
    made = scheme_of(Signature.model_validate({"scheme": "custom", "header": "X-Own", **settings}))
    assert isinstance(made, Scheme)
    return made


ALL: dict[str, Any] = {
    **SCHEMES,
    "rfc9421 with everything": scheme_of(
        Signature(
            scheme="rfc9421",
            components=("@method", "@authority", "@path", "@query", "content-digest", "content-type", "content-length"),
            expires=60.0,
            nonce=True,
            tag="siem",
        )
    ),
    "custom in milliseconds": custom(
        content="{id}|{timestamp}|{sentAt}|{url}|{body}",
        value="ts={timestamp};{signature}",
        separator=" ",
        timestampUnit="ms",
        idHeader="X-Id",
        sentAtHeader="X-Sent-At",
        algorithm="hmac-sha512",
        encoding="base64url",
    ),
    "custom with a date": custom(
        content="{method} {path}\n{timestamp}\n{body}",
        timestampHeader="X-At",
        timestampUnit="rfc3339",
        keyEncoding="whsec",
    ),
    "sift with SHA-1": scheme_of(Signature(scheme="sift", algorithm="hmac-sha1")),
}
EVERY = pytest.mark.parametrize("scheme", ALL.values(), ids=ALL)
SHAPED = pytest.mark.parametrize(
    "scheme",
    [s for s in ALL.values() if isinstance(s, Scheme)],
    ids=[n for n, s in ALL.items() if isinstance(s, Scheme)],
)


def signed(scheme: Any, *keys: str, body: bytes = BODY, now: float = NOW, batch_id: str = "fb_abc") -> dict[str, str]:
    read = [read_key(key, scheme.algorithms, scheme.key_form) for key in keys]
    seen = {"content-type": "application/json", "forwarder-batch-id": batch_id}
    message = Message(batch_id, "", body, "2026-01-31T12:00:00.000Z", "POST", URL, seen)
    made = sign(scheme, [(key.kid, key) for key in read], message, now)
    return {"Content-Type": "application/json", "Forwarder-Batch-Id": batch_id, **dict(made)}


def judged(scheme: Any, keys: list[str], headers: dict[str, str], body: bytes = BODY, now: float = NOW) -> Result:
    return verify(scheme, keys, headers, body, now, url=URL)


def written(scheme: Any) -> set[str]:
    """The headers that this scheme writes."""
    return set(signed(scheme, NEW)) - {"Content-Type", "Forwarder-Batch-Id"}


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
    "scheme", [s for s in ALL.values() if not isinstance(s, Scheme) or s.separator], ids=lambda scheme: str(scheme.name)
)
@pytest.mark.parametrize("reader", [OLD, NEW])
def test_while_two_keys_overlap_either_verifies(scheme: Any, reader: str) -> None:
    assert judged(scheme, [reader], signed(scheme, NEW, OLD)) == Verified(0)


def test_stalwart_is_base64_over_the_body_with_the_newest_key() -> None:
    expected = base64.b64encode(hmac.digest(b"new", BODY, hashlib.sha256)).decode()
    assert signed(STALWART, "new", "old")["X-Signature"] == expected


def test_github_is_the_documented_example() -> None:
    """The example on GitHub's page "Validating webhook deliveries"."""
    headers = signed(GITHUB, "It's a Secret to Everybody", body=b"Hello, World!")
    wanted = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert headers["X-Hub-Signature-256"] == wanted


def test_slack_is_the_documented_example() -> None:
    """The example on Slack's page "Verifying requests from Slack"."""
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
        b"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com"
        b"%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14"
        b"d10d2c447fce8b6703c"
    )
    headers = signed(SCHEMES["slack"], "8f742231b10e8888abcd99yyyzzz85a5", body=body, now=1531420618)
    assert headers["X-Slack-Request-Timestamp"] == "1531420618"
    assert headers["X-Slack-Signature"] == "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"


def test_stripe_keeps_the_whole_secret_and_lists_the_keys() -> None:
    macs = [hmac.digest(key.encode(), b"1700000000." + BODY, "sha256").hex() for key in (NEW, OLD)]
    assert signed(SCHEMES["stripe"], NEW, OLD)["Stripe-Signature"] == f"t=1700000000,v1={macs[0]},v1={macs[1]}"


def test_standard_webhooks_with_an_ed25519_key_is_the_vector_of_its_reference_server() -> None:
    """Svix, `test_asymmetric_key_signing`: the key pair, the message and the signature."""
    headers = signed(
        STANDARD_WEBHOOKS,
        PRIVATE,
        body=b'{"test": 2432232314}',
        now=1614265330,
        batch_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
    )
    assert headers["Webhook-Signature"] == (
        "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
    )
    assert verify(STANDARD_WEBHOOKS, [PUBLIC], headers, b'{"test": 2432232314}', 1614265330) == Verified(0)


@pytest.mark.parametrize("reader", [PUBLIC, PRIVATE, NEW])
def test_keys_of_both_kinds_sign_one_request(reader: str) -> None:
    assert judged(STANDARD_WEBHOOKS, [reader], signed(STANDARD_WEBHOOKS, PRIVATE, NEW)) == Verified(0)


@pytest.mark.parametrize("reader", [OLD, NEW])
def test_standard_webhooks_satisfies_the_reference_library_with_either_key(reader: str) -> None:
    headers = signed(STANDARD_WEBHOOKS, NEW, OLD, now=time.time())
    assert Reference(reader).verify(BODY, headers) == [{"a": "é"}]


def test_standard_webhooks_accepts_what_the_reference_library_signs() -> None:
    from datetime import UTC, datetime

    moment = datetime.fromtimestamp(NOW, UTC)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(NOW)),
        "webhook-signature": "v1a,xyz " + Reference(OLD).sign("msg_1", moment, BODY.decode()),
    }
    assert judged(STANDARD_WEBHOOKS, [OLD], headers) == Verified(0)


@pytest.mark.parametrize("key", [NEW.removeprefix("whsec_"), NEW.rstrip("=")])
def test_a_standard_webhooks_key_may_lack_prefix_or_padding(key: str) -> None:
    assert signed(STANDARD_WEBHOOKS, key) == signed(STANDARD_WEBHOOKS, NEW)


@pytest.mark.parametrize(
    "key",
    [
        "whsec_hunter2!",
        "whsk_hunter2!",
        "whsk_aHVudGVyMg==",
        "-----BEGIN PRIVATE KEY-----\nhunter2\n",
        PRIVATE[:-6] + "AAAA==",
    ],
)
def test_a_standard_webhooks_key_that_cannot_be_used_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(KeyUnusable) as caught:
        signed(STANDARD_WEBHOOKS, key)
    assert "hunter2" not in str(caught.value) and "aHVudGVyMg" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_key_pair_whose_halves_do_not_belong_together_is_refused() -> None:
    pair = base64.b64decode(PRIVATE.removeprefix("whsk_"))
    with pytest.raises(KeyUnusable, match="halves"):
        signed(STANDARD_WEBHOOKS, "whsk_" + base64.b64encode(pair[:32] + bytes(32)).decode())
    assert signed(STANDARD_WEBHOOKS, "whsk_" + base64.b64encode(pair[:32]).decode()) == signed(
        STANDARD_WEBHOOKS, PRIVATE
    )


def test_a_public_key_signs_nothing() -> None:
    with pytest.raises(KeyUnusable, match="public key"):
        signed(STANDARD_WEBHOOKS, PUBLIC)


@pytest.mark.parametrize("key", [NEW, PRIVATE, PUBLIC])
def test_a_key_shows_nothing_of_itself(key: str) -> None:
    shown = repr(read_key(key, STANDARD_WEBHOOKS.algorithms, STANDARD_WEBHOOKS.key_form))
    assert "nnnn" not in shown and key[10:20] not in shown


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
