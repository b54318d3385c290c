"""Several keys with times: who signs when, what a webhook does without a valid key, and which public keys are told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from forwarder.clock import ManualClock
from forwarder.deliver.client import Client
from forwarder.deliver.sender import Sender, Unsendable
from forwarder.deliver.sign.asymmetric import thumbprint
from forwarder.deliver.sign.jwks import LINGER_SECONDS, document
from forwarder.deliver.sign.message import Message
from forwarder.deliver.sign.scheme import KeyUnusable
from forwarder.deliver.sign.schemes import SCHEMES
from forwarder.deliver.sign.signer import Lifetime, Signer
from forwarder.deliver.sign.verify import Rejected, Verified, verify
from forwarder.deliver.verdict import judge
from forwarder.model.attempt import Failure, Fault
from forwarder.model.verdict import Pace, Retry
from forwarder.settings.process import Egress
from forwarder.settings.secrets import SecretUnavailable
from forwarder.settings.signature import KeyState, SigningKey, seconds
from tests.unit.deliver.make import batch, event, secret, webhook

START, END = "2026-01-01T00:00:00Z", "2026-02-01T01:00:00+01:00"
BEGIN, FINISH = seconds(START), seconds(END)
PRIVATE = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
UNSET = {"@type": "EnvironmentVariable", "variableName": "FORWARDER_TEST_UNSET"}
ROTATION: list[dict[str, Any]] = [
    {"key": secret("new"), "id": "new", "notBefore": START},
    {"key": secret("old"), "id": "old", "notAfter": END},
]
MESSAGE = Message("fb_x", "", b"[]", url="https://siem.example/hook")


def signer(*keys: dict[str, Any], scheme: str = "stripe") -> Signer:
    return Signer(webhook(signature={"scheme": scheme, "keys": list(keys)}))


def who(signing: Signer, now: float) -> list[str]:
    """The keys whose signature a receiver would accept."""
    headers = dict(signing.headers(MESSAGE, now))
    found = {key: verify(SCHEMES["stripe"], [key], headers, b"[]", now) for key in ("new", "old")}
    return [key for key, result in found.items() if result == Verified(0)]


@pytest.mark.parametrize(
    ("now", "signing"),
    [
        (BEGIN - 1, ["old"]),
        (BEGIN, ["new", "old"]),
        (FINISH - 1, ["new", "old"]),
        (FINISH, ["new"]),
    ],
    ids=["before", "the first second of the overlap", "the last one", "after"],
)
def test_each_key_signs_in_its_own_time_and_both_while_they_overlap(now: float, signing: list[str]) -> None:
    assert who(signer(*ROTATION), now) == signing


def test_a_scheme_with_one_signature_uses_the_newest_key_that_is_valid() -> None:
    signing = signer(*ROTATION, scheme="github")
    for now, key in ((BEGIN - 1, "old"), (BEGIN, "new")):
        headers = dict(signing.headers(MESSAGE, now))
        assert verify(SCHEMES["github"], [key], headers, b"[]", now) == Verified(0)


def test_states_are_counted() -> None:
    assert signer(*ROTATION).states(BEGIN - 1) == {KeyState.ACTIVE: 1, KeyState.UPCOMING: 1, KeyState.EXPIRED: 0}
    assert signer(*ROTATION).states(FINISH) == {KeyState.ACTIVE: 1, KeyState.UPCOMING: 0, KeyState.EXPIRED: 1}


def test_a_plain_secret_and_signature_key_are_keys_for_ever_the_latter_being_the_newest() -> None:
    signing = Signer(webhook(signatureKey=secret("new"), signature={"scheme": "stripe", "keys": [secret("old")]}))
    assert who(signing, 0.0) == ["new", "old"]
    assert list(signing.lifetimes()) == []


@pytest.mark.parametrize(
    ("keys", "now", "said"),
    [
        (ROTATION[:1], BEGIN - 1, "the next one begins at 2026-01-01T00:00:00Z"),
        (ROTATION[1:], FINISH, r"the last one expired at 2026-02-01T01:00:00\+01:00"),
    ],
)
def test_without_a_valid_key_nothing_is_signed(keys: list[dict[str, Any]], now: float, said: str) -> None:
    with pytest.raises(KeyUnusable, match=f"no signature key is valid now: {said}"):
        signer(*keys).headers(MESSAGE, now)


async def test_without_a_valid_key_the_batch_waits_for_a_person_instead_of_going_out_unsigned() -> None:
    clock = ManualClock()
    hook = webhook(signature={"scheme": "stripe", "keys": [{"key": secret("k"), "notBefore": "2999-01-01T00:00:00Z"}]})
    sender = Sender(hook, Client(Egress(), clock), "prod", clock)
    prepared = sender.prepare(batch(event()))
    assert not isinstance(prepared, Unsendable)
    attempt = await sender.attempt(prepared, 1, {})
    assert isinstance(attempt.result, Failure) and attempt.result.fault is Fault.CREDENTIALS
    verdict = judge(attempt.result, events=1, webhook=hook, now_wall=0.0)
    assert isinstance(verdict, Retry) and verdict.pace is Pace.SLOW


def test_the_secret_of_a_key_that_is_not_valid_now_is_not_even_read() -> None:
    signing = signer(ROTATION[0], {"key": UNSET, "notAfter": START})
    assert who(signing, BEGIN) == ["new"]
    with pytest.raises(SecretUnavailable):
        signing.headers(MESSAGE, BEGIN - 1)


def test_lifetimes_name_keys_by_id_or_by_fingerprint_and_leave_out_those_that_cannot_be_read() -> None:
    unnamed = {"key": secret("hunter2"), "notAfter": END}
    found = list(signer(*ROTATION, unnamed, {"key": UNSET, "notAfter": END}).lifetimes())
    assert found == [Lifetime("old", FINISH), Lifetime("f52fbd32", FINISH)]


def test_a_key_with_times_shows_nothing_of_itself() -> None:
    assert "hunter2" not in repr(SigningKey.model_validate({"key": secret("hunter2"), "id": "a"}))


class TestJwks:
    """RFC 7517, RFC 8037."""

    def test_public_keys_are_told_once_and_nothing_private(self) -> None:
        keys = [{"key": secret(PRIVATE), "id": "2026"}, secret("whsec_" + "QUJD" * 8), secret(PRIVATE)]
        hooks = [webhook(name=name, signature={"scheme": "standard-webhooks", "keys": keys}) for name in ("a", "b")]
        found = document(hooks, 0.0)["keys"]
        x = "1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4"
        assert found == [
            {"crv": "Ed25519", "kty": "OKP", "x": x, "kid": kid, "alg": "EdDSA", "use": "sig"}
            for kid in ("2026", thumbprint({"kty": "OKP", "crv": "Ed25519", "x": x}))
        ]
        assert "6Xb" not in json.dumps(found)

    def test_a_key_is_told_before_it_signs_and_a_while_after(self) -> None:
        key = {"key": secret(PRIVATE), "notBefore": START, "notAfter": END}
        hook = webhook(signature={"scheme": "rfc9421", "keys": [key]})
        for now, told in ((0.0, 1), (FINISH + LINGER_SECONDS - 1, 1), (FINISH + LINGER_SECONDS, 0)):
            assert len(document([hook], now)["keys"]) == told

    def test_keys_that_cannot_be_read_and_webhooks_without_keys_are_left_out(self) -> None:
        hooks = [webhook(), webhook(signature={"scheme": "rfc9421", "keys": [UNSET, secret("whsk_?")]})]
        assert document(hooks, 0.0) == {"keys": []}

    def test_a_thumbprint_is_that_of_the_rfc(self) -> None:
        """RFC 8037, appendix A.3."""
        jwk = {"crv": "Ed25519", "kty": "OKP", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
        assert thumbprint(jwk) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_what_a_key_signed_no_other_verifies() -> None:
    headers = dict(signer(*ROTATION).headers(MESSAGE, BEGIN))
    assert isinstance(verify(SCHEMES["stripe"], ["other"], headers, b"[]", BEGIN), Rejected)
