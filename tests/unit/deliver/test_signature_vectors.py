"""Signature schemes against independent implementations and published vectors; and keys that may or may not be used."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from typing import Any

import pytest
from standardwebhooks import Webhook as Reference

from forwarder.deliver.sign.keys import read_key
from forwarder.deliver.sign.scheme import KeyUnusable, Scheme
from forwarder.deliver.sign.schemes import GITHUB, SCHEMES, STALWART, STANDARD_WEBHOOKS
from forwarder.deliver.sign.verify import Verified, verify
from tests.unit.deliver.sign_rig import (
    ALL,
    BODY,
    NEW,
    NOW,
    OLD,
    PRIVATE,
    PUBLIC,
    judged,
    signed,
)


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
