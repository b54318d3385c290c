"""The receiver over real sockets: what a sender sees of each behaviour, and what is kept as evidence."""

from __future__ import annotations

import asyncio
import base64
import errno
import gzip
import hashlib
import hmac
import io
import json
import socket
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest

from forwarder.cli import behaviour as b
from forwarder.cli.arrivals import Arrival
from forwarder.cli.receiver import Receiver
from forwarder.errors import ForwarderError

BODY = b'[{"id":"a"},{"id":"b"}]'
HEADERS = {
    "Content-Type": "application/json",
    "Forwarder-Batch-Id": "fb_1",
    "Forwarder-Attempt": "1",
    "Forwarder-Events": "2",
    "Forwarder-Cluster": "test",
    "Forwarder-Offsets": "t/0:4-5",
}


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    timeout = aiohttp.ClientTimeout(total=5.0)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        yield session


async def _post(client: aiohttp.ClientSession, url: str, body: bytes = BODY, **headers: str) -> int:
    async with client.post(url, data=io.BytesIO(body), headers={**HEADERS, **headers}) as response:
        await response.read()
        return response.status


def _stalwart(key: str, body: bytes) -> str:
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()


async def test_a_request_is_kept_with_what_its_headers_say(client: aiohttp.ClientSession) -> None:
    async with Receiver() as receiver:
        assert await _post(client, receiver.url, **{"Forwarder-Discarded": "expired=3"}) == 200
    (arrival,) = receiver.arrivals
    assert (arrival.batch_id, arrival.attempt, arrival.count) == ("fb_1", 1, 2)
    assert (arrival.status, arrival.accepted, arrival.verified) == (200, True, None)
    assert arrival.ids == ["a", "b"]
    assert arrival.discarded == {"expired": 3}
    assert (receiver.tally.events, receiver.tally.new, receiver.tally.repeated) == (2, 2, 0)


async def test_a_repeat_is_counted_by_identity_not_by_batch(client: aiohttp.ClientSession) -> None:
    async with Receiver() as receiver:
        await _post(client, receiver.url)
        await _post(client, receiver.url, **{"Forwarder-Batch-Id": "fb_2", "Forwarder-Offsets": "t/0:5-6"})
    assert [(arrival.new, arrival.repeated) for arrival in receiver.arrivals] == [(2, 0), (1, 1)]


async def test_signatures_are_checked_also_under_gzip(client: aiohttp.ClientSession) -> None:
    async with Receiver(keys=["new", "old"]) as receiver:
        assert await _post(client, receiver.url, **{"X-Signature": _stalwart("old", BODY)}) == 200
        packed = gzip.compress(BODY)
        signed = {"X-Signature": _stalwart("new", packed), "Content-Encoding": "gzip"}
        assert await _post(client, receiver.url, packed, **signed) == 200
        assert await _post(client, receiver.url, BODY + b" ", **{"X-Signature": _stalwart("new", BODY)}) == 401
        assert await _post(client, receiver.url) == 401
    assert [arrival.verified for arrival in receiver.arrivals] == [True, True, False, False]
    assert "missing" in receiver.arrivals[3].reason
    assert (receiver.tally.signatures, receiver.tally.accepted) == (2, 2)


async def test_dead_refuses_connections_cuts_open_ones_and_keeps_its_port(client: aiohttp.ClientSession) -> None:
    async with Receiver() as receiver:
        url, port = receiver.url, receiver.port
        assert await _post(client, url) == 200
        await receiver.behave(b.Dead())
        assert _connect(port) == errno.ECONNREFUSED
        with pytest.raises(aiohttp.ClientConnectionError):
            await _post(client, url)  # over the connection that was open
        with pytest.raises(ForwarderError, match=f"127.0.0.1:{port}: it is in use"):
            await Receiver(port=port).start()
        await receiver.behave(b.Ok())
        assert receiver.url == url
        assert await _post(client, url) == 200


async def test_a_receiver_that_starts_dead_comes_back_by_itself(client: aiohttp.ClientSession) -> None:
    async with Receiver(behaviour=b.Dead(0.2)) as receiver:
        assert _connect(receiver.port) == errno.ECONNREFUSED
        await _until(lambda: _connect(receiver.port) == 0)
        assert await _post(client, receiver.url) == 200


async def test_death_is_possible_while_requests_hang(client: aiohttp.ClientSession) -> None:
    async with Receiver(behaviour=b.Hang()) as receiver:
        hanging = asyncio.create_task(_post(client, receiver.url))
        await _until(lambda: len(receiver.arrivals) == 1)
        await receiver.behave(b.Dead())
        with pytest.raises(aiohttp.ClientError):
            await hanging
    assert not receiver.arrivals[0].accepted


async def test_a_new_behaviour_ends_the_wait_of_a_slow_answer(client: aiohttp.ClientSession) -> None:
    async with Receiver(behaviour=b.Slow(3600.0)) as receiver:
        slow = asyncio.create_task(_post(client, receiver.url))
        await asyncio.sleep(0.05)
        await receiver.behave(b.Ok())
        assert await slow == 200


async def test_a_sender_that_gives_up_on_a_slow_one_delivered_nothing_and_on_a_late_one_everything(
    client: aiohttp.ClientSession,
) -> None:
    hurry = aiohttp.ClientTimeout(total=0.2)
    async with Receiver(behaviour=b.Slow(3600.0)) as receiver:
        with pytest.raises(TimeoutError):
            await client.post(receiver.url, data=BODY, headers=HEADERS, timeout=hurry)
        await _until(lambda: len(receiver.arrivals) == 1)
        await receiver.behave(b.Late(3600.0))
        with pytest.raises(TimeoutError):
            await client.post(receiver.url, data=BODY, headers=HEADERS, timeout=hurry)
        await receiver.behave(b.Ok())
        assert await _post(client, receiver.url) == 200
    assert [(arrival.accepted, arrival.new, arrival.repeated) for arrival in receiver.arrivals] == [
        (False, 0, 0),
        (True, 2, 0),
        (True, 0, 2),
    ]


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (b.HalfWay(), aiohttp.ClientPayloadError),
        (b.Garbage(), aiohttp.ClientError),
        (b.Dribble(0.01), TimeoutError),
        (b.Endless(), TimeoutError),
        (b.Hang(), TimeoutError),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, type) else value.__name__,
)
async def test_broken_answers_look_broken_and_the_next_request_is_served(
    client: aiohttp.ClientSession, behaviour: b.Behaviour, error: type[Exception]
) -> None:
    async with Receiver(behaviour=behaviour) as receiver:
        with pytest.raises(error):
            async with client.post(receiver.url, data=BODY, timeout=aiohttp.ClientTimeout(total=0.4)) as response:
                async for _ in response.content.iter_any():
                    pass
        await receiver.behave(b.Ok())
        assert await _post(client, receiver.url) == 200


async def test_refusals_carry_their_status_and_retry_after(client: aiohttp.ClientSession) -> None:
    async with Receiver(behaviour=b.Status(429, "7")) as receiver:
        async with client.post(receiver.url, data=BODY) as response:
            assert (response.status, response.headers["Retry-After"]) == (429, "7")
        await receiver.behave(b.Refuse(b'"b"'))
        assert await _post(client, receiver.url) == 400
        assert await _post(client, receiver.url, b'[{"id":"a"}]') == 200
        await receiver.behave(b.Flaky(0.5))
        statuses = {await _post(client, receiver.url) for _ in range(40)}
        assert statuses == {200, 503}


async def test_the_behaviour_changes_over_http(client: aiohttp.ClientSession) -> None:
    async with Receiver() as receiver:
        control = receiver.url + "_behaviour"
        async with client.put(control, data="status:503") as response:
            assert response.status == 202
        await _until(lambda: receiver.behaviour == b.Status(503))
        assert await _post(client, receiver.url) == 503
        async with client.put(control, data="sleepy") as response:
            assert response.status == 400
            assert "slow:2s" in await response.text()
        async with client.get(control) as response:
            assert (await response.json())["tally"]["requests"] == 1
        async with client.put(control, data="dead") as response:
            assert response.status == 202
        await _until(lambda: _connect(receiver.port) == errno.ECONNREFUSED)


async def test_the_journal_has_every_accepted_request_before_its_answer(
    client: aiohttp.ClientSession, tmp_path: Path
) -> None:
    journal = tmp_path / "journal"
    async with Receiver(journal=journal, behaviour=b.Late(3600.0)) as receiver:
        waiting = asyncio.create_task(_post(client, receiver.url))
        await _until(lambda: journal.read_bytes().endswith(b"\n"))
        assert not waiting.done()
        await receiver.behave(b.Status(500))
        await waiting
        await _post(client, receiver.url)
    (line,) = [json.loads(line) for line in journal.read_text().splitlines()]
    assert line.pop("at") == pytest.approx(time.time(), abs=3600)
    assert line == {
        "batch": "fb_1", "attempt": 1, "cluster": "test", "offsets": "t/0:4-5", "ids": ["a", "b"], "repeated": 0,
    }  # fmt: skip


async def test_requests_that_are_not_forwarders_are_taken_too(client: aiohttp.ClientSession) -> None:
    seen: list[Arrival] = []
    async with Receiver(on_arrival=seen.append, keep=1) as receiver:
        async with client.post(receiver.url + "some/path?x=1", data=b"\xff\x00") as response:
            assert response.status == 200
        async with client.post(receiver.url, data=b"{}", headers={"Forwarder-Offsets": "nonsense"}) as response:
            assert response.status == 200
    assert len(seen) == 2
    assert len(receiver.arrivals) == 1
    assert "topic/partition" in seen[1].reason


async def test_a_body_larger_than_a_default_server_takes_is_read_whole(client: aiohttp.ClientSession) -> None:
    async with Receiver(behaviour=b.Limit(5 * 1024 * 1024)) as receiver:
        assert await _post(client, receiver.url, b"x" * (5 * 1024 * 1024)) == 200
        assert await _post(client, receiver.url, b"x" * (5 * 1024 * 1024 + 1)) == 413


async def test_closing_leaves_no_listener_behind() -> None:
    receiver = Receiver()
    await receiver.start()
    await receiver.close()
    assert _connect(receiver.port) == errno.ECONNREFUSED


def _connect(port: int) -> int:
    """0, or the error number of a new connection."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port))


async def _until(true: Callable[[], bool], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.01)
