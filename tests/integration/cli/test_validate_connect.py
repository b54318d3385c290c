"""`forwarder validate --connect`: each target's own fault is named, nothing is sent, no topic is made."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from forwarder.cli.connect import Reached, check_webhook
from forwarder.cli.receiver import Receiver
from forwarder.clock import SystemClock
from forwarder.deliver.client import Client
from forwarder.settings.process import Egress
from forwarder.settings.webhook import Webhook
from tests.integration.deliver.proxies import connect_proxy
from tests.support.forwarder import ForwarderProcess, write_config
from tests.support.kafka import RealKafka
from tests.support.process import free_port
from tests.support.topics import Topics

LOOPBACK = Egress(allow=("127.0.0.0/8", "::1/128"))


async def check(url: str, egress: Egress = LOOPBACK, **more: Any) -> Reached:
    webhook = Webhook.model_validate({"name": "w", "url": url, "allowPlainHttp": True, **more})
    client = Client(egress, SystemClock())
    try:
        return await check_webhook(webhook, client)
    finally:
        await client.close()


@asynccontextmanager
async def tls_receiver(folder: Path) -> AsyncIterator[tuple[Receiver, str]]:
    """A receiver for `localhost` behind a private authority; and that authority's file."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    async with Receiver(tls=context) as receiver:
        yield receiver, str(folder / "ca.pem")


async def test_a_receiver_that_listens_is_ok_and_gets_no_request() -> None:
    async with Receiver() as receiver:
        reached = await check(receiver.url)
    assert (reached.ok, reached.kind, reached.target) == (True, "ok", "webhook w")
    assert receiver.tally.requests == 0


def login(port: int) -> dict[str, Any]:
    secret = {"@type": "Value", "secret": "hunter2"}
    return {"@type": "Login", "url": f"http://127.0.0.1:{port}/", "username": "u", "secret": secret}


async def test_where_a_webhook_logs_in_is_reached_too_and_nobody_logs_in() -> None:
    async with Receiver() as receiver, Receiver() as door:
        reached = await check(receiver.url, httpAuth=login(door.port))
        assert (reached.ok, reached.kind) == (True, "ok")
        assert f"; login at 127.0.0.1:{door.port}" in reached.text
        assert door.tally.requests == 0
        away = await check(receiver.url, httpAuth=login(free_port()))
    assert (away.ok, away.kind) == (False, "refused")
    assert away.text.startswith("login at 127.0.0.1: ")


async def test_a_port_where_nobody_listens_is_refused() -> None:
    reached = await check(f"http://127.0.0.1:{free_port()}/")
    assert (reached.ok, reached.kind) == (False, "refused")


async def test_a_name_that_does_not_resolve_is_dns() -> None:
    assert (await check("https://nobody.invalid/")).kind == "dns"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "169.254.169.254"])
async def test_the_guard_is_asked_before_anything_is_connected(host: str) -> None:
    reached = await check(f"http://{host}:{free_port()}/", Egress())
    assert (reached.ok, reached.kind) == (False, "egress_denied")
    assert "egress.allow" in reached.text


async def test_a_certificate_of_an_unknown_authority_is_tls(tmp_path: Path) -> None:
    async with tls_receiver(tmp_path) as (receiver, _):
        reached = await check(f"https://localhost:{receiver.port}/")
    assert (reached.ok, reached.kind) == (False, "tls")
    assert "not trusted" in reached.text


async def test_the_webhooks_own_authority_is_used(tmp_path: Path) -> None:
    async with tls_receiver(tmp_path) as (receiver, authority):
        reached = await check(f"https://localhost:{receiver.port}/", tls={"caFile": authority})
        wrong_name = await check(f"https://127.0.0.1:{receiver.port}/", tls={"caFile": authority})
        told_name = await check(
            f"https://127.0.0.1:{receiver.port}/", tls={"caFile": authority, "serverName": "localhost"}
        )
    assert (reached.ok, wrong_name.kind, told_name.ok) == (True, "tls", True)
    assert "TLSv1.3" in reached.text


async def test_a_port_that_speaks_no_tls_is_tls() -> None:
    async with Receiver() as receiver:
        assert (await check(f"https://127.0.0.1:{receiver.port}/")).kind == "tls"


async def test_a_file_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    reached = await check("https://localhost/", tls={"caFile": str(tmp_path / "ca.pem")})
    assert reached.kind == "tls"
    assert "caFile" in reached.text


async def test_a_handshake_that_never_ends_is_given_up() -> None:
    """The kernel takes the connection; nobody ever says a word on it."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        reached = await check(f"https://127.0.0.1:{silent.getsockname()[1]}/", connectTimeout="300ms")
    assert reached.kind == "connect_timeout"


async def test_a_disabled_webhook_is_not_asked() -> None:
    reached = await check("https://nobody.invalid/", enable=False)
    assert (reached.ok, reached.kind) == (True, "disabled")


async def test_behind_a_proxy_the_tunnel_and_the_receivers_tls_are_checked(tmp_path: Path) -> None:
    async with (
        tls_receiver(tmp_path) as (receiver, authority),
        connect_proxy(("127.0.0.1", receiver.port)) as proxy,
    ):
        way = Egress(proxy=f"http://127.0.0.1:{proxy.port}")
        reached = await check("https://siem.invalid/", way, tls={"caFile": authority, "serverName": "localhost"})
        plain = await check("http://siem.invalid/", way)
        gone = await check("https://siem.invalid/", Egress(proxy=f"http://127.0.0.1:{free_port()}"))
    assert (reached.ok, plain.ok) == (True, True)
    assert "TLSv1.3" in reached.text and "through the proxy" in reached.text
    assert "what lies behind it is not checked" in plain.text
    assert (gone.ok, gone.kind) == (False, "way_out_failed")
    assert receiver.tally.requests == 0


async def test_the_source_address_is_used() -> None:
    async with connect_proxy(("127.0.0.1", 1)) as seen:
        egress = Egress(allow=("127.0.0.0/8",), source_address=("127.0.0.9",))
        assert (await check(f"http://127.0.0.1:{seen.port}/", egress)).ok
        await asyncio.sleep(0.1)
        assert not (
            await check(f"http://[::1]:{seen.port}/", LOOPBACK.model_copy(update={"source_address": ("127.0.0.9",)}))
        ).ok


def run(config: Path) -> tuple[int, str]:
    process = ForwarderProcess(config, command=("validate", "--connect"))
    process.start()
    return process.process.wait(60), process.process.output()


def test_kafka_that_is_not_there_is_told_beside_the_webhooks(tmp_path: Path) -> None:
    port = free_port()
    code, said = run(write_config(
        tmp_path, brokers=f"127.0.0.1:{port}", sources=["falco"], webhooks=[{"name": "w", "url": f"http://127.0.0.1:{port}/"}],
    ))  # fmt: skip
    assert code == 1
    assert f"nothing listens on 127.0.0.1:{port}" in said
    assert "webhook w  refused" in said


async def test_topics_are_looked_for_and_none_is_made(tmp_path: Path, kafka: RealKafka) -> None:
    topics = Topics(kafka.bootstrap)
    there, nowhere = await topics.create(partitions=2), Topics.unique("nowhere")
    before = await topics.names()
    config = write_config(tmp_path, brokers=kafka.bootstrap, sources=[there, nowhere], webhooks=[])
    code, said = await asyncio.to_thread(run, config)
    assert code == 1
    found = {line.split()[1]: line.split(maxsplit=2)[2] for line in said.splitlines() if line.startswith("topic ")}
    assert found[there].startswith("ok")
    assert found[nowhere].startswith("kafka")
    assert "does not exist" in found[nowhere]
    assert await topics.names() == before
