"""Signatures as a receiver really gets them: over the bytes on the wire, made anew for each attempt, never left out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from forwarder.cli.rawhttp import read_request
from forwarder.cli.receiver import Receiver as Listening
from forwarder.clock import SystemClock
from forwarder.deliver.payload.json_array import JsonArray
from forwarder.deliver.payload.provider import Body
from forwarder.deliver.sign.schemes import SCHEMES, scheme_of
from forwarder.deliver.sign.verify import Reason, Rejected, Result, Verified, verify
from forwarder.model.attempt import Failure, Fault, Response
from forwarder.settings.signature import Signature
from tests.integration.deliver.conftest import Making
from tests.integration.deliver.servers import Received, answer, receiver
from tests.unit.deliver.make import batch, event, secret

BATCH = batch(event('{"a":"é"}'.encode(), 5), event(b'{"a":2}', 6))
SHARED = "whsec_" + "QUJD" * 8
PRIVATE = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
PUBLIC = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="


def judged(request: Received, keys: list[str], scheme: Any, body: bytes | None = None) -> Result:
    """As `forwarder verify` does, from the request as it stood on the wire."""
    head = "\r\n".join([request.line, *(f"{name}: {value}" for name, value in request.headers.items()), "", ""])
    found = read_request(head.encode() + (request.body if body is None else body))
    url = found.url.replace("https://", "http://")
    now = SystemClock().wall()
    return verify(scheme, keys, found.headers, found.body, now, method=found.method, url=url)


@pytest.mark.parametrize("compression", ["none", "gzip"])
@pytest.mark.parametrize("name", SCHEMES)
async def test_what_arrives_is_what_was_signed(sender: Making, name: str, compression: str) -> None:
    async with receiver(answer(200)) as server:
        url = f"http://127.0.0.1:{server.port}/in/a%20b/ü?k=v&e=%2F"
        keys = [secret(SHARED)]
        sending = sender(url=url, compression=compression, signature={"scheme": name, "keys": keys})
        prepared = sending.prepare(BATCH)
        await sending.attempt(prepared, 1, {})
    [request] = server.requests
    assert judged(request, [SHARED], SCHEMES[name]) == Verified(0)
    assert judged(request, [SHARED], SCHEMES[name], request.body + b" ") == Rejected(Reason.MISMATCH)


@pytest.mark.parametrize("name", SCHEMES)
async def test_forwarder_listen_accepts_what_forwarder_sends_and_nothing_else(sender: Making, name: str) -> None:
    for key, status in ((SHARED, 200), ("whsec_" + "REVG" * 8, 401)):
        async with Listening(keys=[SHARED], scheme=name) as listening:
            sending = sender(url=f"{listening.url}in?k=v", signature={"scheme": name, "keys": [secret(key)]})
            attempt = await sending.attempt(sending.prepare(BATCH), 1, {})
        assert isinstance(attempt.result, Response) and attempt.result.status == status
        assert [arrival.verified for arrival in listening.arrivals] == [status == 200]


async def test_a_private_key_signs_and_its_public_half_checks(sender: Making) -> None:
    async with receiver(answer(200)) as server:
        for name in ("standard-webhooks", "rfc9421"):
            sending = sender(server.port, signature={"scheme": name, "keys": [secret(PRIVATE)]})
            await sending.attempt(sending.prepare(BATCH), 1, {})
    for request, name in zip(server.requests, ("standard-webhooks", "rfc9421"), strict=True):
        assert judged(request, [PUBLIC], SCHEMES[name]) == Verified(0)


async def test_sent_at_is_that_of_the_batch_on_every_attempt_and_is_signed(sender: Making) -> None:
    given = {
        "scheme": "sift-stack", "content": "{sentAt}.{timestamp}.{body}", "sentAtHeader": "X-Sent-At",
        "timestampHeader": "X-Timestamp", "timestampUnit": "ms",
    }  # fmt: skip
    async with receiver(answer(503)) as server:
        sending = sender(server.port, signature={**given, "keys": [secret("k")]})
        prepared = sending.prepare(BATCH)
        await sending.attempt(prepared, 1, {})
        await sending.attempt(prepared, 2, {})
    first, second = server.requests
    scheme = scheme_of(Signature.model_validate(given))
    assert first.headers["X-Sent-At"] == second.headers["X-Sent-At"]
    assert first.headers["X-Timestamp"] != second.headers["X-Timestamp"]
    for request in (first, second):
        assert judged(request, ["k"], scheme) == Verified(0)
    request.headers["X-Sent-At"] = "2026-01-01T00:00:00.000Z"
    assert judged(request, ["k"], scheme) == Rejected(Reason.MISMATCH)


@pytest.mark.parametrize(("told", "used"), [("2026-01-31T12:00:00+01:00", True), ("soon\r\nX-Injected: 1", False)])
async def test_a_body_that_tells_when_it_was_sent_and_its_signature_agree(
    sender: Making, monkeypatch: pytest.MonkeyPatch, told: str, used: bool
) -> None:
    monkeypatch.setattr(JsonArray, "render", lambda self, events: Body(b"[]", "application/json", sent_at=told))
    given = {"scheme": "sift-stack", "content": "{sentAt}.{body}", "sentAtHeader": "X-Sent-At"}
    async with receiver(answer(200)) as server:
        sending = sender(server.port, signature={**given, "keys": [secret("k")]})
        await sending.attempt(sending.prepare(BATCH), 1, {})
    [request] = server.requests
    assert (request.headers["X-Sent-At"] == told) is used and "X-Injected" not in request.headers
    assert judged(request, ["k"], scheme_of(Signature.model_validate(given))) == Verified(0)


async def test_headers_that_are_covered_are_those_that_are_sent(sender: Making) -> None:
    components = [
        "@method",
        "@path",
        "@query",
        "content-digest",
        "content-length",
        "content-encoding",
        "x-own",
        "user-agent",
    ]
    async with receiver(answer(200)) as server:
        sending = sender(
            server.port,
            compression="gzip",
            httpHeaders={"X-Own": secret("own")},
            signature={"scheme": "rfc9421", "components": components, "keys": [secret("k")]},
        )
        await sending.attempt(sending.prepare(BATCH), 1, {})
    [request] = server.requests
    assert judged(request, ["k"], SCHEMES["rfc9421"]) == Verified(0)
    request.headers["X-Own"] = "other"
    assert judged(request, ["k"], SCHEMES["rfc9421"]) == Rejected(Reason.MISMATCH)


def at(delta: timedelta) -> str:
    return (datetime.now(UTC) + delta).isoformat()


async def test_without_a_valid_key_nothing_is_sent(sender: Making) -> None:
    hour = timedelta(hours=1)
    keys = [{"key": secret("next"), "notBefore": at(hour)}, {"key": secret("old"), "notAfter": at(-hour)}]
    async with receiver(answer(200)) as server:
        sending = sender(server.port, signature={"scheme": "github", "keys": keys})
        attempt = await sending.attempt(sending.prepare(BATCH), 1, {})
    assert server.requests == []
    assert isinstance(attempt.result, Failure) and attempt.result.fault is Fault.CREDENTIALS
    assert "no signature key is valid now" in attempt.result.text


async def test_a_key_file_that_changes_counts_from_the_next_attempt(sender: Making, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("first\n")
    async with receiver(answer(503)) as server:
        sending = sender(server.port, signatureKey={"@type": "File", "filePath": str(path)})
        prepared = sending.prepare(BATCH)
        await sending.attempt(prepared, 1, {})
        path.write_text("second\n")
        await sending.attempt(prepared, 2, {})
    for request, key in zip(server.requests, ("first", "second"), strict=True):
        assert judged(request, [key], SCHEMES["stalwart"]) == Verified(0)
