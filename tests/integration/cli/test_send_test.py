"""`forwarder send-test` against receivers that are really there: the way of real events, marked as a test, no secret printed."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from forwarder.cli.behaviour import Status
from forwarder.cli.receiver import Receiver

KEY = "sesame-open-0815-and-more"
TOKEN = "token-of-the-webhook-4711"


def write(folder: Path, url: str, *, key: str = KEY, **webhook: Any) -> Path:
    settings = {
        "sources": [
            {"topic": "falco", "preset": "falco"}, {"topic": "mixed", "preset": "auto"},
            {"topic": "mail", "preset": "stalwart"},
        ],
        "egress": {"allow": ["127.0.0.0/8"]},
        "webhooks": [{
            "name": "siem", "url": url, "allowPlainHttp": True, "signatureKey": {"@type": "Value", "secret": key},
            "httpAuth": {"@type": "Bearer", "bearerToken": {"@type": "Value", "secret": TOKEN}},
            "sources": ["falco", "mail"], **webhook,
        }],
    }  # fmt: skip
    path = folder / "forwarder.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path


async def send(config: Path, *options: str, name: str = "siem") -> tuple[int, str, str]:
    """Exit code, stdout, stderr of the real command."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "forwarder", "send-test", name, "-c", str(config), *options,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={key: value for key, value in os.environ.items() if not key.startswith("FORWARDER_")},
    )  # fmt: skip
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_one_event_of_each_preset_arrives_signed_and_marked(tmp_path: Path) -> None:
    async with Receiver(keys=(KEY,)) as receiver:
        code, out, _ = await send(write(tmp_path, receiver.url))
    assert code == 0, out
    assert [arrival.verified for arrival in receiver.arrivals] == [True, True]
    assert [arrival.headers["forwarder-test"] for arrival in receiver.arrivals] == ["true", "true"]
    assert [arrival.headers["authorization"] for arrival in receiver.arrivals] == [f"Bearer {TOKEN}"] * 2
    assert [arrival.events[0].get("rule") or arrival.events[0]["type"] for arrival in receiver.arrivals] == [
        "Terminal shell in container", "auth.failed",
    ]  # fmt: skip
    assert out.count("accepted") == 2


async def test_auto_stands_for_several_formats(tmp_path: Path) -> None:
    async with Receiver(keys=(KEY,)) as receiver:
        code, out, _ = await send(write(tmp_path, receiver.url, sources=["mixed"]), "-o", "json")
    assert code == 0
    assert [trial["preset"] for trial in json.loads(out)] == [
        "falco (read with auto)", "ocsf (read with auto)", "cloudevents (read with auto)",
    ]  # fmt: skip
    assert len(receiver.arrivals) == 3


async def test_the_same_test_again_is_no_repetition(tmp_path: Path) -> None:
    async with Receiver(keys=(KEY,)) as receiver:
        config = write(tmp_path, receiver.url)
        await send(config)
        await send(config)
    assert len({arrival.batch_id for arrival in receiver.arrivals}) == 4
    assert receiver.tally.repeated == 0


@pytest.mark.parametrize("form", ["table", "json"])
async def test_no_secret_is_printed_even_when_the_receiver_echoes_it(tmp_path: Path, form: str) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = f"you sent {TOKEN} and {KEY}".encode()
        writer.write(
            b"HTTP/1.1 200 OK\r\nX-Echo: %b\r\nContent-Length: %d\r\n\r\n%b" % (TOKEN.encode(), len(body), body)
        )
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        code, out, err = await send(write(tmp_path, f"http://127.0.0.1:{port}/"), "-o", form)
    assert code == 0
    assert "you sent ***" in out
    for secret in (TOKEN, KEY):
        assert secret not in out + err


async def test_a_refusal_is_shown_with_what_the_service_would_do(tmp_path: Path) -> None:
    async with Receiver(keys=(KEY,), behaviour=Status(503, "7")) as receiver:
        code, out, _ = await send(write(tmp_path, receiver.url, sources=["falco"]))
    assert code == 1
    assert "HTTP 503" in out
    assert "NOT accepted; the service would retry" in out


async def test_a_wrong_key_is_refused_by_the_receiver(tmp_path: Path) -> None:
    async with Receiver(keys=("quite another key",)) as receiver:
        code, out, _ = await send(write(tmp_path, receiver.url, sources=["falco"]))
    assert code == 1
    assert "HTTP 401" in out


async def test_the_egress_guard_holds_for_tests_too(tmp_path: Path) -> None:
    async with Receiver(keys=(KEY,)) as receiver:
        config = write(tmp_path, receiver.url, sources=["falco"])
        config.write_text(config.read_text().replace("127.0.0.0/8", "10.0.0.0/8"))
        code, out, _ = await send(config)
    assert code == 1
    assert "egress_denied" in out
    assert receiver.tally.requests == 0


async def test_a_dry_run_prints_the_request_and_sends_nothing(tmp_path: Path) -> None:
    async with Receiver(keys=(KEY,)) as receiver:
        code, out, _ = await send(write(tmp_path, receiver.url), "--dry-run")
    assert code == 0
    assert out.count(f"POST {receiver.url}") == 2
    assert out.count("Authorization: ***") == 2
    assert TOKEN not in out
    assert receiver.tally.requests == 0


async def test_an_unknown_webhook_gets_a_suggestion(tmp_path: Path) -> None:
    code, out, err = await send(write(tmp_path, "http://127.0.0.1:9/"), name="seim")
    assert (code, out) == (1, "")
    assert err == "forwarder: there is no webhook 'seim' (did you mean `siem`?); there are: siem\n"
