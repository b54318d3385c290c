"""The harness's own parts: what a run believes must be true before anybody judges by it."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import hmac
import json
import random
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.chaos.control import call
from tests.chaos.events import make
from tests.chaos.fleet import fleet
from tests.chaos.harvest import add_books, letter
from tests.chaos.http import Request
from tests.chaos.journal import Journal, Tail, read_lines
from tests.chaos.payload import Unreadable, events_of, signature_ok
from tests.chaos.progress import Missing
from tests.chaos.receiver import Endpoint, Receiver
from tests.chaos.scene import Ports
from tests.support.kafka import ROOT


def events(count: int, *, poison: bool = False) -> list[dict[str, Any]]:
    rng = random.Random(1)
    found = [json.loads(make(rng, f"e{n}", "cloudevents").value) for n in range(count)]
    for event in found:
        event["data"]["poison"] = poison
    return found


def body(*some: dict[str, Any]) -> bytes:
    return json.dumps(some).encode()


# -- journal


def test_a_tail_gives_each_whole_line_once_and_a_half_line_when_it_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "j.jsonl"
    tail = Tail(file)
    assert list(tail.new()) == []
    file.write_bytes(b'{"a":1}\n{"a":')
    assert list(tail.new()) == [{"a": 1}]
    with file.open("ab") as more:
        more.write(b"2}\n")
    assert list(tail.new()) == [{"a": 2}] and list(tail.new()) == []


# -- payloads


def test_every_format_gives_the_producers_own_events() -> None:
    one, two = events(2)
    wrapped = json.dumps({"events": [{"id": "x", "type": "t", "data": one}]}).encode()
    assert events_of("json", Request({}, body(one, two))) == [one, two]
    assert events_of("ndjson", Request({}, json.dumps(one).encode() + b"\n" + json.dumps(two).encode() + b"\n")) == [
        one,
        two,
    ]
    assert events_of("stalwart", Request({}, wrapped)) == [one]
    assert events_of("json", Request({"content-encoding": "gzip"}, gzip.compress(body(one)))) == [one]


@pytest.mark.parametrize("content", [b"", b"{", b"[", b"3", b"\xff", b"null"])
def test_a_body_that_is_not_what_the_format_says_is_unreadable(content: bytes) -> None:
    for form in ("json", "stalwart"):
        with pytest.raises(Unreadable):
            events_of(form, Request({}, content))


def test_signatures_hold_only_for_the_same_bytes_and_key() -> None:
    content, key = b"[]", "secret"
    mac = hmac.new(key.encode(), content, hashlib.sha256)
    plain = {"x-signature": base64.b64encode(mac.digest()).decode()}
    github = {"x-hub-signature-256": "sha256=" + mac.hexdigest()}
    raw = base64.b64encode(b"standard").decode()
    signed = hmac.new(b"standard", b"id.7." + content, hashlib.sha256).digest()
    standard = {
        "webhook-id": "id", "webhook-timestamp": "7", "webhook-signature": "v1,no v1," + base64.b64encode(signed).decode(),
    }  # fmt: skip
    for scheme, secret, headers in (
        ("stalwart", key, plain), ("github", key, github), ("standard-webhooks", "whsec_" + raw, standard),
    ):  # fmt: skip
        spec = {"scheme": scheme, "key": secret}
        assert signature_ok(spec, Request(headers, content))
        assert not signature_ok(spec, Request(headers, content + b" "))
        assert not signature_ok(spec, Request({}, content))
    assert signature_ok(None, Request({}, content))


# -- the receiver


@asynccontextmanager
async def receiving(tmp_path: Path, **more: Any) -> AsyncIterator[tuple[str, int, Path]]:
    """URL, control port and journal of a receiver with one webhook `h`, whose sender gives up after half a second."""
    ports, journal = Ports(), tmp_path / "r.jsonl"
    control, port = ports.take(), ports.take()
    entry = {"name": "h", "port": port, "format": "json", "timeout": 0.5, "signature": None, "most": 0, "poison": False}
    receiver = Receiver({"endpoints": [entry | more]}, Journal(journal))
    running = asyncio.create_task(receiver.run(control))
    async with asyncio.timeout(5.0):
        while True:
            try:
                await call(control, {"do": "status"})
                break
            except OSError:
                await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{port}/", control, journal
    await call(control, {"do": "end"})
    await running


async def post(url: str, content: bytes, timeout: float = 0.5) -> int:
    """The status; 0 when there was no whole answer in time."""
    headers = {
        "Forwarder-Batch-Id": "b1",
        "Forwarder-Attempt": "2",
        "Forwarder-Events": "1",
        "Forwarder-Offsets": "t/0:1",
    }
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(timeout)) as session,
            session.post(url, data=content, headers=headers) as response,
        ):
            await response.read()
            return response.status
    except (aiohttp.ClientError, TimeoutError):
        return 0


async def test_what_was_accepted_is_on_disk_before_the_answer(tmp_path: Path) -> None:
    async with receiving(tmp_path) as (url, _, journal):
        assert await post(url, body(*events(1))) == 200
        (line,) = read_lines(journal)
    assert (line["ids"], line["accepted"], line["told"], line["status"]) == (["e0"], True, True, 200)
    assert (line["batch_id"], line["attempt"], line["count"], line["offsets"]) == ("b1", 2, 1, "t/0:1")


@pytest.mark.parametrize("kind", ["late-200", "half-answer", "no-answer", "dribble"])
async def test_an_answer_that_did_not_arrive_is_accepted_and_not_told(tmp_path: Path, kind: str) -> None:
    async with receiving(tmp_path) as (url, control, journal):
        await call(control, {"do": "behave", "webhook": "h", "mode": {"kind": kind}})
        assert await post(url, body(*events(1))) == 0
        lines = list(read_lines(journal))
    assert lines and all(line["accepted"] and not line["told"] for line in lines)


@pytest.mark.parametrize("kind", ["hang", "half-read", "refuse"])
async def test_what_was_not_taken_is_not_accepted(tmp_path: Path, kind: str) -> None:
    async with receiving(tmp_path) as (url, control, journal):
        await call(control, {"do": "behave", "webhook": "h", "mode": {"kind": kind}})
        assert await post(url, body(*events(1))) == 0
        assert not [line for line in read_lines(journal) if line["accepted"]]
        await call(control, {"do": "heal"})
        assert await post(url, body(*events(1)), timeout=5.0) == 200


async def test_a_receiver_that_refuses_large_batches_or_poison_takes_the_rest(tmp_path: Path) -> None:
    async with receiving(tmp_path, most=3, poison=True) as (url, _, journal):
        assert await post(url, body(*events(4)), timeout=5.0) == 413
        assert await post(url, body(*events(1, poison=True)), timeout=5.0) == 400
        assert await post(url, body(*events(3)), timeout=5.0) == 200
        assert [line["accepted"] for line in read_lines(journal)] == [False, False, True]


async def test_retry_after_is_said_in_seconds_or_as_a_date(tmp_path: Path) -> None:
    async with receiving(tmp_path) as (url, control, _):
        for date in (False, True):
            mode = {"kind": "retry-after", "seconds": 2, "date": date}
            await call(control, {"do": "behave", "webhook": "h", "mode": mode})
            async with aiohttp.ClientSession() as session, session.post(url, data=b"[]") as response:
                assert response.status == 429
                assert response.headers["Retry-After"].endswith("GMT" if date else "2")


def test_an_endpoint_is_made_from_what_the_run_writes_for_it() -> None:
    from tests.chaos.run import _endpoint

    for hook in fleet():
        made = Endpoint(**_endpoint(hook, 1))  # type: ignore[arg-type]
        assert made.name == hook.name and (made.signature is not None) == ("signatureKey" in hook.mode.settings)


# -- what is missing, and the harvest


def test_what_is_missing_is_what_somebody_wants_and_has_not_taken(tmp_path: Path) -> None:
    (tmp_path / "received").mkdir()
    produced, received = Journal(tmp_path / "produced.jsonl"), Journal(tmp_path / "received" / "r.jsonl")
    facts = {"topic": "orders", "type": "auth.allow", "tenant": "t1", "severity": 6, "poison": False, "t": 1.0}
    missing = Missing(tmp_path)
    for number in range(3):
        produced.write(facts | {"id": f"e{number}"})
    produced.write(facts | {"id": "gone", "aborted": True})
    everything = "h00-plain"
    assert missing.look()[everything] == 3
    received.write({"webhook": everything, "ids": ["e0", "e1"], "accepted": True})
    received.write({"webhook": everything, "ids": ["e2"], "accepted": False})
    assert missing.look()[everything] == 1
    produced.write({"lost_topic": "orders", "t": 2.0})
    assert missing.look() == {}
    produced.close()
    received.close()


def test_the_newest_record_of_a_partition_has_the_books_in_whole_names() -> None:
    books: dict[str, Any] = {}
    records = [
        (0, b'{"epoch":2,"seq":1,"books":{"h":{"r":5,"f":2,"d":1,"x":{"shed":1},"l":{"refused":1}},"~own":{"r":5}}}'),
        (0, b'{"epoch":1,"seq":9,"books":{"h":{"r":4,"f":4}}}'),
        (1, b'{"epoch":1,"seq":1}'),
        (2, None),
    ]
    add_books(books, "orders", records)
    account = {"read": 5, "filtered": 2, "delivered": 1, "pending": 0}
    assert books == {"h": {"orders/0": account | {"discarded": {"shed": 1}, "dead_lettered": {"refused": 1}}}}


def test_a_dead_letter_says_which_headers_it_lacks() -> None:
    headers = [("trace", b"1")] + [
        (f"forwarder-{key}", b"1") for key in ("reason", "topic", "partition", "offset", "attempts")
    ]
    line = letter(b'{"id":"e1"}', headers)
    assert (line["id"], line["topic"], line["partition"], line["offset"]) == ("e1", "1", 1, 1)
    assert line["missing_headers"] == ["cluster", "timestamp", "version", "webhook", "first-attempt", "last-attempt"]
    assert letter(b"[" * 5000, [])["id"] is None and letter(None, [])["id"] is None


# -- the clock


def test_a_launched_process_has_a_wall_clock_that_a_file_moves(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    code = (
        "import sys, time, pathlib\nfrom tests.chaos.launch import move_clock\nreal = time.time\n"
        "move_clock(pathlib.Path(sys.argv[1]))\n"
        "from forwarder.clock import SystemClock\nclock = SystemClock()\n"
        "print(abs(clock.wall() - real()) < 5)\npathlib.Path(sys.argv[1]).write_text('-600')\n"
        "deadline = real() + 20\n"
        "while clock.wall() > real() - 500 and real() < deadline: time.sleep(0.05)\n"
        "print(-605 < clock.wall() - real() < -595)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(file)], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True"]
    assert abs(time.time() - float(subprocess.check_output(["date", "+%s"]))) < 100, (
        "the system's own clock was not touched"
    )
