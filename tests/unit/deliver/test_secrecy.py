"""No secret shows in a repr, a preview or an echoed answer; sealing fails closed."""

from __future__ import annotations

from typing import Any

import pytest

from forwarder.clock import ManualClock
from forwarder.deliver.client import Client
from forwarder.deliver.credentials import Credentials
from forwarder.deliver.redact import describe, scrubbed, shown_url
from forwarder.deliver.request import Request
from forwarder.deliver.sender import Sender
from forwarder.deliver.sign.message import Message
from forwarder.deliver.sign.schemes import SCHEMES
from forwarder.model.attempt import Failure, Fault, Response
from forwarder.settings.process import Egress
from forwarder.settings.secrets import SecretUnavailable
from tests.unit.deliver.make import batch, event, secret, webhook

AUTHS: list[dict[str, Any]] = [
    {"@type": "Unauthenticated"},
    {"@type": "Basic", "username": "anna", "secret": secret("hunter2-auth")},
    {"@type": "Bearer", "bearerToken": secret("hunter2-auth")},
    {"@type": "Header", "name": "X-Api-Key", "value": secret("hunter2-auth")},
]
UNSET = {"@type": "EnvironmentVariable", "variableName": "FORWARDER_TEST_UNSET"}
KEY = "aHVudGVyMi1zaWduYXR1cmU="


def sender(**settings: Any) -> Sender:
    clock = ManualClock()
    return Sender(webhook(**settings), Client(Egress(), clock), "prod", clock)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("auth", AUTHS, ids=lambda auth: auth["@type"])
async def test_a_preview_shows_the_request_without_any_secret(scheme: str, auth: dict[str, Any]) -> None:
    making = sender(
        url="https://user-part.example/hook?token=hunter2-url",
        httpAuth=auth,
        httpHeaders={"X-Plain": "seen", "X-Own": secret("hunter2-own")},
        signature={"scheme": scheme, "keys": [secret(KEY)]},
    )
    shown = await making.preview(making.prepare(batch(event(b'{"a":1}'))))
    assert "hunter2" not in shown
    assert KEY not in shown
    assert "aHVudGVyMi1hdXRo" not in shown  # hunter2-auth in base64
    assert shown.startswith("POST https://user-part.example/hook?***\n")
    for line in ("X-Plain: seen", "X-Own: ***", "Forwarder-Test: true", "Forwarder-Offsets: topic/0:0", '[{"a":1}]'):
        assert line in shown.splitlines()


@pytest.mark.parametrize(
    "settings",
    [
        {"httpAuth": {"@type": "Bearer", "bearerToken": UNSET}},
        {"signatureKey": UNSET},
        {"httpHeaders": {"X-Own": UNSET}},
        {"signature": {"scheme": "standard-webhooks", "keys": [secret("not base64!")]}},
    ],
    ids=["auth", "signature", "header", "unusable key"],
)
async def test_an_attempt_that_cannot_be_sealed_is_not_sent(settings: dict[str, Any]) -> None:
    making = sender(**settings)
    attempt = await making.attempt(making.prepare(batch(event())), 1, {})
    assert isinstance(attempt.result, Failure)
    assert attempt.result.fault is Fault.CREDENTIALS
    assert "not base64!" not in attempt.result.text


def test_a_signature_key_may_hold_line_breaks() -> None:
    signed = Credentials(webhook(signatureKey=secret("two\nlines"))).sign(Message("fb_x", "", b""), 0.0)
    assert [name for name, _ in signed] == ["X-Signature"]


def test_a_plain_header_with_a_line_break_is_refused() -> None:
    with pytest.raises(SecretUnavailable, match="X-Own holds a line break"):
        Credentials(webhook(httpHeaders={"X-Own": "a\r\nX-Injected: b"})).seal()


def test_echoed_secrets_are_blotted_out_of_the_answer() -> None:
    secrets = Credentials(
        webhook(httpAuth=AUTHS[1], signatureKey=secret("hunter2-key"), httpHeaders={"X-Own": secret("hunter2-own")})
    ).values()
    answer = Response(400, {"x-echo": "hunter2-own"}, b"you sent hunter2-auth and hunter2-key")
    assert scrubbed(answer, secrets) == Response(400, {"x-echo": "***"}, b"you sent *** and ***")


def test_a_request_shows_nothing_of_itself_in_repr() -> None:
    shown = repr(Request("https://h/?hunter2", {"Authorization": "hunter2"}, b"hunter2", 1.0, 1.0))
    assert "hunter2" not in shown


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://anna:hunter2@h.example:8443/p?k=hunter2#hunter2", "https://h.example:8443/p?***"),
        ("http://h.example", "http://h.example/"),
        ("https://[2001:db8::1]:1/x", "https://[2001:db8::1]:1/x"),
    ],
)
def test_a_url_is_shown_without_what_may_be_secret(url: str, shown: str) -> None:
    assert shown_url(url) == shown


async def test_a_preview_shows_no_address_of_a_chat_whatever_the_format() -> None:
    making = sender(url="https://hooks.slack.com/services/T/B/hunter2", payload={"format": "json"})
    shown = await making.preview(making.prepare(batch(event(b'{"a":1}'))))
    assert shown.startswith("POST https://hooks.slack.com/***\n")


def test_of_a_url_that_is_itself_a_secret_only_the_host_is_shown() -> None:
    assert shown_url("https://hooks.slack.com/services/T/B/hunter2", secret=True) == "https://hooks.slack.com/***"
    assert shown_url("https://h.example/", secret=True) == "https://h.example/"


def test_a_long_body_is_cut() -> None:
    request = Request("https://h/", {}, b"", 1.0, 1.0)
    assert describe(request, b"x" * 30, limit=10).endswith("xxxxxxxxxx ... and 20 bytes more")
