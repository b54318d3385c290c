"""What a receiver really gets."""

from __future__ import annotations

import asyncio
import gc
import json
import re

import pytest
from standardwebhooks import Webhook as Reference

from forwarder.cli.arrivals import unpacked
from forwarder.deliver.payload.provider import Body
from forwarder.deliver.sign.schemes import STALWART
from forwarder.deliver.sign.verify import Verified, verify
from forwarder.model.attempt import DiscardReason, Response
from tests.integration.deliver.conftest import Making
from tests.integration.deliver.servers import Received, Script, answer, headers_only, raw, receiver
from tests.unit.deliver.make import batch, event, secret

BATCH = batch(event(b'{"a":1}', 5), event(b'{"a":2}', 6))


async def test_one_request_carries_the_batch_its_identity_and_its_place(sender: Making) -> None:
    async with receiver(answer(200, b"thanks")) as server:
        sending = sender(server.port, httpHeaders={"X-Own": "own"}, signatureKey=secret("k3y"))
        prepared = sending.prepare(BATCH)
        attempt = await sending.attempt(prepared, 2, {DiscardReason.EXPIRED: 3})
    [request] = server.requests
    assert request.line == "POST /hook?k=v HTTP/1.1"
    assert request.body == b'[{"a":1},{"a":2}]'
    signature = request.headers.pop("X-Signature")
    assert verify(STALWART, ["k3y"], {"X-Signature": signature}, request.body, 0.0) == Verified(0)
    assert re.fullmatch(r"forwarder/\d+\.\d+\.\d+", request.headers.pop("User-Agent"))
    assert request.headers == {
        "Host": f"127.0.0.1:{server.port}",
        "Content-Type": "application/json",
        "Content-Length": "17",
        "X-Own": "own",
        "Forwarder-Batch-Id": prepared.batch_id,
        "Forwarder-Attempt": "2",
        "Forwarder-Events": "2",
        "Forwarder-Offsets": "topic/0:5-6",
        "Forwarder-Cluster": "prod",
        "Forwarder-Discarded": "expired=3",
    }
    assert attempt.result == Response(200, {"content-length": "6"}, b"thanks")
    assert (attempt.batch_id, attempt.number, attempt.sent_bytes) == (prepared.batch_id, 2, 17)
    assert attempt.seconds > 0


async def test_a_retry_repeats_bytes_and_id_and_is_signed_anew(sender: Making) -> None:
    key = "whsec_" + "QUJD" * 8
    async with receiver(answer(503)) as server:
        sending = sender(server.port, signature={"scheme": "standard-webhooks", "keys": [secret(key)]})
        prepared = sending.prepare(BATCH)
        await sending.attempt(prepared, 1, {})
        await asyncio.sleep(1.1)  # the scheme's timestamp counts whole seconds
        await sending.attempt(prepared, 2, {})
    first, second = server.requests
    assert first.body == second.body
    for name in ("Webhook-Id", "Forwarder-Batch-Id", "Forwarder-Offsets"):
        assert first.headers[name] == second.headers[name]
    assert first.headers["Webhook-Id"] == prepared.batch_id
    assert first.headers["Webhook-Timestamp"] != second.headers["Webhook-Timestamp"]
    for request in (first, second):
        assert Reference(key).verify(request.body, request.headers) == [{"a": 1}, {"a": 2}]


async def test_a_frozen_batch_keeps_its_bytes_and_id_when_the_settings_change(sender: Making) -> None:
    async with receiver(answer(503)) as server:
        before, after = sender(server.port), sender(server.port, payload={"format": "ndjson"})
        prepared = before.prepare(BATCH)
        await before.attempt(prepared, 1, {})
        await after.attempt(prepared, 2, {})
    first, second = server.requests
    assert first.body == second.body
    for name in ("Content-Type", "Forwarder-Batch-Id"):
        assert first.headers[name] == second.headers[name]


async def test_a_batch_that_waits_for_its_endpoint_holds_no_second_copy(sender: Making) -> None:
    async with receiver(answer(503)) as server:
        sending = sender(server.port)
        prepared = sending.prepare(BATCH)
        await sending.attempt(prepared, 1, {})
    assert not [held for held in gc.get_referents(prepared) if isinstance(held, Body)]


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
async def test_the_coding_is_told_and_the_signature_covers_the_bytes_that_were_sent(
    sender: Making, coding: str
) -> None:
    async with receiver(answer()) as server:
        sending = sender(server.port, compression=coding, signatureKey=secret("k3y"))
        big = batch(event(json.dumps("x" * 200_000).encode()))
        attempts = [await sending.attempt(sending.prepare(some), 1, {}) for some in (BATCH, big)]
    small, large = server.requests
    assert {request.headers["Content-Encoding"] for request in server.requests} == {coding}
    assert unpacked(small.body, coding) == b'[{"a":1},{"a":2}]'
    assert len(json.loads(unpacked(large.body, coding))[0]) == 200_000
    assert [attempt.sent_bytes for attempt in attempts] == [len(small.body), len(large.body)]
    signed = {"X-Signature": small.headers["X-Signature"]}
    assert verify(STALWART, ["k3y"], signed, small.body, 0.0) == Verified(0)


async def test_a_body_of_many_megabytes_arrives_whole(sender: Making) -> None:
    async with receiver(answer()) as server:
        sending = sender(server.port)
        value = json.dumps("x" * 5_000_000).encode()
        attempt = await sending.attempt(sending.prepare(batch(event(value))), 1, {})
    assert server.requests[0].body == b"[" + value + b"]"
    assert attempt.result == Response(200, {"content-length": "2"}, b"ok")


async def test_connections_are_kept_alive(sender: Making) -> None:
    async with receiver(answer()) as server:
        sending = sender(server.port)
        attempts = [await sending.attempt(sending.prepare(BATCH), 1, {}) for _ in range(3)]
    assert server.connections == 1
    assert [attempt.reused_connection for attempt in attempts] == [False, True, True]


async def test_a_redirect_is_not_followed(sender: Making) -> None:
    async with receiver(answer()) as target:
        there = f"http://127.0.0.1:{target.port}/"
        async with receiver(answer(307, Location=there)) as server:
            sending = sender(server.port)
            attempt = await sending.attempt(sending.prepare(BATCH), 1, {})
    assert isinstance(attempt.result, Response)
    assert attempt.result.status == 307
    assert target.requests == []


@pytest.mark.parametrize("status", [204, 400, 413, 429, 503])
async def test_an_answer_is_passed_on_with_lower_case_headers(sender: Making, status: int) -> None:
    async with receiver(answer(status, b"", Retry_After="7")) as server:
        sending = sender(server.port)
        attempt = await sending.attempt(sending.prepare(BATCH), 1, {})
    assert attempt.result == Response(status, {"content-length": "0", "retry-after": "7"}, b"")
    assert attempt.outcome_class == f"http_{status // 100}xx"


async def test_a_secret_that_the_receiver_echoes_is_blotted_out(sender: Making) -> None:
    async def echo(request: Received, *streams: asyncio.StreamReader | asyncio.StreamWriter) -> None:
        await answer(401, request.headers["Authorization"].encode())(request, *streams)  # type: ignore[arg-type]

    async with receiver(echo) as server:
        sending = sender(server.port, httpAuth={"@type": "Bearer", "bearerToken": secret("hunter2")})
        attempt = await sending.attempt(sending.prepare(BATCH), 1, {})
    assert isinstance(attempt.result, Response)
    assert attempt.result.body == b"Bearer ***"


async def test_cookies_are_not_kept(sender: Making) -> None:
    async with receiver(answer(Set_Cookie="a=b")) as server:
        sending = sender(url=f"http://localhost:{server.port}/")
        for _ in range(2):
            await sending.attempt(sending.prepare(BATCH), 1, {})
    assert len(server.requests) == 2
    assert all("Cookie" not in request.headers for request in server.requests)


REFUSAL = b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"
BIG = batch(event(json.dumps("x" * 8_000_000).encode()))


async def test_an_answer_before_the_body_was_read_is_not_lost(sender: Making) -> None:
    """Receivers that refuse by size answer early; some then read nothing more and keep the connection open."""
    async with headers_only(raw(REFUSAL)) as server:
        sending = sender(server.port)
        attempt = await sending.attempt(sending.prepare(BIG), 1, {})
    assert isinstance(attempt.result, Response)
    assert attempt.result.status == 413
    assert server.heard < 8_000_000  # the rest was given up, not left to be written some day


async def test_a_receiver_that_reads_nothing_holds_nothing(sender: Making) -> None:
    async with headers_only(raw()) as server:
        sending = sender(server.port, timeout=0.3)
        attempt = await sending.attempt(sending.prepare(BIG), 1, {})
    assert attempt.outcome_class == "timeout"
    assert server.heard < 8_000_000


async def test_many_receivers_at_once_do_not_wait_for_each_other(sender: Making) -> None:
    gate = asyncio.Event()

    async def wait(request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gate.wait()
        await answer()(request, reader, writer)

    slow: Script = wait
    async with receiver(slow) as hanging, receiver(answer()) as healthy:
        to_slow, to_healthy = sender(hanging.port), sender(healthy.port)
        waiting = [asyncio.ensure_future(to_slow.attempt(to_slow.prepare(BATCH), 1, {})) for _ in range(150)]
        attempt = await to_healthy.attempt(to_healthy.prepare(BATCH), 1, {})
        assert not any(task.done() for task in waiting)
        gate.set()
        assert attempt.outcome_class == "http_2xx"
        assert {done.outcome_class for done in await asyncio.gather(*waiting)} == {"http_2xx"}
