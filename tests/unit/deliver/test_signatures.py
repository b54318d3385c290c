"""Every signature scheme: against independent implementations, and what a receiver is told when it does not hold."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook as Reference

from forwarder.deliver.sign.engine import sign
from forwarder.deliver.sign.scheme import KeyUnusable, Scheme
from forwarder.deliver.sign.schemes import GITHUB, SCHEMES, STALWART, STANDARD_WEBHOOKS
from forwarder.deliver.sign.verify import Reason, Rejected, Verified, verify

NOW = 1_700_000_000.75
OLD, NEW = "whsec_" + base64.b64encode(b"o" * 24).decode(), "whsec_" + base64.b64encode(b"n" * 24).decode()
BODY = '[{"a":"é"}]'.encode()

EVERY = pytest.mark.parametrize("scheme", SCHEMES.values(), ids=SCHEMES)


def signed(scheme: Scheme, *keys: str, body: bytes = BODY, now: float = NOW) -> dict[str, str]:
    return dict(sign(scheme, keys, "fb_abc", now, body))


@EVERY
class TestEveryScheme:
    @given(body=st.binary(max_size=200), batch_id=st.from_regex(r"fb_[a-z2-7]{32}", fullmatch=True))
    def test_what_was_signed_is_verified(self, scheme: Scheme, body: bytes, batch_id: str) -> None:
        headers = dict(sign(scheme, [NEW], batch_id, NOW, body))
        assert verify(scheme, [NEW], headers, body, NOW) == Verified(0)

    def test_signing_is_deterministic(self, scheme: Scheme) -> None:
        assert signed(scheme, NEW, OLD) == signed(scheme, NEW, OLD)

    def test_header_names_may_come_in_any_case(self, scheme: Scheme) -> None:
        headers = {name.lower(): value for name, value in signed(scheme, NEW).items()}
        assert verify(scheme, [NEW], headers, BODY, NOW) == Verified(0)

    def test_a_receiver_that_already_knows_the_next_key_verifies_with_the_old_one(self, scheme: Scheme) -> None:
        assert verify(scheme, [NEW, OLD], signed(scheme, OLD), BODY, NOW) == Verified(1)

    def test_a_changed_body_is_noticed(self, scheme: Scheme) -> None:
        assert verify(scheme, [NEW], signed(scheme, NEW), BODY + b" ", NOW) == Rejected(Reason.MISMATCH)

    def test_another_key_is_noticed(self, scheme: Scheme) -> None:
        assert verify(scheme, [OLD], signed(scheme, NEW), BODY, NOW) == Rejected(Reason.MISMATCH)

    def test_each_header_is_required(self, scheme: Scheme) -> None:
        for name in signed(scheme, NEW):
            rest = {other: value for other, value in signed(scheme, NEW).items() if other != name}
            assert verify(scheme, [NEW], rest, BODY, NOW) == Rejected(Reason.NO_HEADER), name

    def test_nonsense_is_called_malformed(self, scheme: Scheme) -> None:
        headers = signed(scheme, NEW) | {scheme.signature_header: "not a signature!"}
        assert verify(scheme, [NEW], headers, BODY, NOW) == Rejected(Reason.MALFORMED)

    def test_a_right_signature_in_another_encoding_is_explained(self, scheme: Scheme) -> None:
        mac = scheme.encoding.read(signed(scheme, NEW)[scheme.signature_header].removeprefix(scheme.prefix))
        assert mac is not None
        [other] = [encoding for encoding in type(scheme.encoding) if encoding is not scheme.encoding]
        headers = signed(scheme, NEW) | {scheme.signature_header: scheme.prefix + other.write(mac)}
        assert verify(scheme, [NEW], headers, BODY, NOW) == Rejected(Reason.ENCODING)

    def test_an_empty_key_is_refused(self, scheme: Scheme) -> None:
        with pytest.raises(KeyUnusable):
            signed(scheme, "")


def test_stalwart_is_base64_over_the_body_with_the_newest_key() -> None:
    expected = base64.b64encode(hmac.digest(b"new", BODY, hashlib.sha256)).decode()
    assert signed(STALWART, "new", "old") == {"X-Signature": expected}


def test_github_is_the_documented_example() -> None:
    """The example on GitHub's page "Validating webhook deliveries"."""
    assert signed(GITHUB, "It's a Secret to Everybody", body=b"Hello, World!") == {
        "X-Hub-Signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    }


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
    assert verify(STANDARD_WEBHOOKS, [OLD], headers, BODY, NOW) == Verified(0)


@pytest.mark.parametrize("key", [NEW.removeprefix("whsec_"), NEW.rstrip("=")])
def test_a_standard_webhooks_key_may_lack_prefix_or_padding(key: str) -> None:
    assert signed(STANDARD_WEBHOOKS, key) == signed(STANDARD_WEBHOOKS, NEW)


def test_a_standard_webhooks_key_that_is_not_base64_is_refused_without_being_shown() -> None:
    with pytest.raises(KeyUnusable) as caught:
        signed(STANDARD_WEBHOOKS, "whsec_hunter2!")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("late", "result"), [(300, Verified(0)), (302, Rejected(Reason.SKEW)), (-301, Rejected(Reason.SKEW))]
)
def test_the_timestamp_must_be_near(late: float, result: Verified | Rejected) -> None:
    assert verify(STANDARD_WEBHOOKS, [NEW], signed(STANDARD_WEBHOOKS, NEW), BODY, int(NOW) + late) == result


@pytest.mark.parametrize("text", ["soon", "-1", "1" * 400, "١٢٣"])
def test_a_strange_timestamp_is_malformed(text: str) -> None:
    headers = signed(STANDARD_WEBHOOKS, NEW) | {"Webhook-Timestamp": text}
    assert verify(STANDARD_WEBHOOKS, [NEW], headers, BODY, NOW) == Rejected(Reason.MALFORMED)


def test_another_id_or_time_breaks_the_signature() -> None:
    for name, value in (("Webhook-Id", "fb_other"), ("Webhook-Timestamp", str(int(NOW) + 1))):
        headers = signed(STANDARD_WEBHOOKS, NEW) | {name: value}
        assert verify(STANDARD_WEBHOOKS, [NEW], headers, BODY, NOW) == Rejected(Reason.MISMATCH)
