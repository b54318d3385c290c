"""Deliveries through proxies of every kind: who resolves, who is trusted, who is blamed."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from forwarder.clock import SystemClock
from forwarder.deliver.client import Client
from forwarder.deliver.request import Request
from forwarder.deliver.resolver import Found
from forwarder.deliver.sender import Prepared, Sender
from forwarder.model.attempt import Failure, Fault, Response
from forwarder.settings.process import Egress
from forwarder.settings.tls import Tls
from tests.integration.deliver.proxies import connect_proxy, socks_proxy
from tests.integration.deliver.servers import answer, receiver
from tests.support.process import free_port
from tests.unit.deliver.make import batch, event, webhook

PUBLIC = "93.184.215.14"
PASSWORD = {"@type": "Value", "secret": "hunter2"}


async def public(host: str, family: socket.AddressFamily) -> list[Found]:
    """Everything is at one public address, but for the proxy's own name."""
    return [(socket.AF_INET, "127.0.0.1" if host in ("proxy.example", "127.0.0.1") else PUBLIC)]


class Trust:
    """One authority for the receiver, another one for the proxy."""

    def __init__(self, folder: Path) -> None:
        self.receiver, self.receiver_file = self._made(folder / "receiver.pem", "siem.example")
        self.proxy, self.proxy_file = self._made(folder / "proxy.pem", "proxy.example")

    def _made(self, path: Path, name: str) -> tuple[ssl.SSLContext, str]:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(path))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(context)
        return context, str(path)


@pytest.fixture
def trust(tmp_path: Path) -> Iterator[Trust]:
    yield Trust(tmp_path)


async def post(egress: dict[str, Any], url: str, ca: str | None = None, *, limit: float = 3.0) -> Response | Failure:
    client = Client(Egress.model_validate(egress), SystemClock(), public)
    exchange = await client.post(Request(url, {}, b"{}", limit, limit, Tls(ca_file=ca)))
    await client.close()
    return exchange.result


def fault(result: Response | Failure) -> Fault:
    assert isinstance(result, Failure), result
    return result.fault


class TestHttp:
    async def test_an_https_proxy_is_trusted_by_its_own_authority_not_by_the_webhooks(self, trust: Trust) -> None:
        async with (
            receiver(answer(), trust.receiver) as server,
            connect_proxy(("127.0.0.1", server.port), trust=trust.proxy) as proxy,
        ):
            way = {"proxy": f"https://proxy.example:{proxy.port}"}
            good = await post({**way, "proxyCaFile": trust.proxy_file}, "https://siem.example/", trust.receiver_file)
            blind = await post(way, "https://siem.example/", trust.receiver_file)
        assert isinstance(good, Response)
        assert fault(blind) is Fault.WAY_OUT
        assert proxy.asked[0].startswith("CONNECT siem.example:443 ")

    async def test_an_authority_that_cannot_be_read_is_the_ways_fault(self, tmp_path: Path) -> None:
        (tmp_path / "ca.pem").write_text("no certificate")
        way = {"proxy": "https://127.0.0.1:9", "proxyCaFile": str(tmp_path / "ca.pem")}
        assert fault(await post(way, "https://siem.example/")) is Fault.WAY_OUT

    async def test_the_login_goes_to_the_proxy_and_never_to_the_receiver(self, trust: Trust) -> None:
        async with receiver(answer(), trust.receiver) as server, connect_proxy(("127.0.0.1", server.port)) as proxy:
            way = {"proxy": f"http://127.0.0.1:{proxy.port}", "proxyUsername": "me", "proxyPassword": PASSWORD}
            assert isinstance(await post(way, "https://siem.example/", trust.receiver_file), Response)
        assert proxy.logins == ["Proxy-Authorization: Basic bWU6aHVudGVyMg=="]
        assert not [name for name in server.requests[0].headers if name.lower().startswith("proxy")]

    @pytest.mark.parametrize(("status", "blamed"), [(407, Fault.WAY_OUT), (403, Fault.WAY_OUT), (500, Fault.WAY_OUT),
                                                    (502, Fault.UNREACHABLE), (504, Fault.UNREACHABLE)])  # fmt: skip
    async def test_the_receiver_is_blamed_only_for_what_the_proxy_says_of_it(self, status: int, blamed: Fault) -> None:
        async with connect_proxy(("127.0.0.1", 1), status=status) as proxy:
            assert fault(await post({"proxy": f"http://127.0.0.1:{proxy.port}"}, "https://siem.example/")) is blamed

    async def test_a_login_that_is_wanted_for_a_plain_request_is_no_answer_of_the_receiver(self) -> None:
        async with receiver(answer(407)) as proxy:
            assert (
                fault(await post({"proxy": f"http://127.0.0.1:{proxy.port}"}, "http://siem.example/")) is Fault.WAY_OUT
            )


class TestSocks:
    async def test_the_proxy_is_told_an_address_that_was_judged_here(self, trust: Trust) -> None:
        async with receiver(answer(), trust.receiver) as server, socks_proxy(("127.0.0.1", server.port)) as proxy:
            way = {"proxy": f"socks5://127.0.0.1:{proxy.port}"}
            assert isinstance(await post(way, "https://siem.example/", trust.receiver_file), Response)
            assert isinstance(await post(way, "http://siem.example:8080/"), Failure | Response)
        assert proxy.asked == [f"{PUBLIC}:443", f"{PUBLIC}:8080"]

    async def test_a_name_that_leads_inside_is_not_asked_of_the_proxy(self) -> None:
        async def inside(host: str, family: socket.AddressFamily) -> list[Found]:
            return [(socket.AF_INET, "10.0.0.1")]

        async with socks_proxy(("127.0.0.1", 1)) as proxy:
            client = Client(Egress(proxy=f"socks5://127.0.0.1:{proxy.port}"), SystemClock(), inside)
            exchange = await client.post(Request("https://siem.example/", {}, b"", 3, 3))
            await client.close()
        assert fault(exchange.result) is Fault.EGRESS
        assert proxy.asked == proxy.peers == []

    async def test_with_socks5h_the_proxy_is_told_the_name(self, trust: Trust) -> None:
        async with receiver(answer(), trust.receiver) as server, socks_proxy(("127.0.0.1", server.port)) as proxy:
            way = {"proxy": f"socks5h://127.0.0.1:{proxy.port}"}
            assert isinstance(await post(way, "https://siem.example/", trust.receiver_file), Response)
        assert proxy.asked == ["siem.example:443"]

    async def test_the_login_is_given_and_a_wrong_one_is_the_ways_fault(self, trust: Trust) -> None:
        async with (
            receiver(answer(), trust.receiver) as server,
            socks_proxy(("127.0.0.1", server.port), login="me:hunter2") as proxy,
        ):
            way = {"proxy": f"socks5://127.0.0.1:{proxy.port}"}
            named = {**way, "proxyUsername": "me", "proxyPassword": PASSWORD}
            good = await post(named, "https://siem.example/", trust.receiver_file)
            proxy.login = "me:another"
            assert fault(await post(named, "https://siem.example/")) is Fault.WAY_OUT
            assert fault(await post(way, "https://siem.example/")) is Fault.WAY_OUT
        assert isinstance(good, Response)

    @pytest.mark.parametrize(("reply", "blamed"), [(1, Fault.WAY_OUT), (2, Fault.WAY_OUT), (7, Fault.WAY_OUT),
                                                   (3, Fault.UNREACHABLE), (4, Fault.UNREACHABLE), (5, Fault.REFUSED)])  # fmt: skip
    async def test_replies_tell_whom_to_blame(self, reply: int, blamed: Fault) -> None:
        async with socks_proxy(("127.0.0.1", 1), reply=reply) as proxy:
            assert fault(await post({"proxy": f"socks5://127.0.0.1:{proxy.port}"}, "https://siem.example/")) is blamed


@pytest.mark.parametrize("scheme", ["http", "https", "socks5", "socks5h"])
class TestBroken:
    async def test_a_proxy_that_is_not_there_is_the_ways_fault(self, scheme: str) -> None:
        assert (
            fault(await post({"proxy": f"{scheme}://127.0.0.1:{free_port()}"}, "https://siem.example/"))
            is Fault.WAY_OUT
        )

    async def test_a_proxy_that_says_nothing_is_the_ways_fault(self, scheme: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            way = {"proxy": f"{scheme}://127.0.0.1:{silent.getsockname()[1]}"}
            found = fault(await post(way, "https://siem.example/", limit=0.3))
        assert found is (Fault.CONNECT_TIMEOUT if scheme == "http" else Fault.WAY_OUT)

    async def test_a_login_that_does_not_get_out_is_the_ways_fault_too(self, scheme: str) -> None:
        client = Client(Egress(proxy=f"{scheme}://127.0.0.1:{free_port()}"), SystemClock(), public)
        login = {
            "@type": "Login",
            "url": "https://login.example/",
            "username": "me",
            "secret": PASSWORD,
            "tokenPath": "t",
        }
        sender = Sender(webhook(httpAuth=login, timeout=3), client, "prod", SystemClock())
        prepared = sender.prepare(batch(event()))
        assert isinstance(prepared, Prepared)
        result = (await sender.attempt(prepared, 1, {})).result
        await client.close()
        assert isinstance(result, Failure)
        assert result.fault is Fault.WAY_OUT
        assert result.text.startswith("login at login.example")

    async def test_a_password_that_cannot_be_read_is_the_ways_fault(self, scheme: str) -> None:
        secret = {"@type": "EnvironmentVariable", "variableName": "NOT_THERE_AT_ALL"}
        way = {"proxy": f"{scheme}://127.0.0.1:9", "proxyUsername": "me", "proxyPassword": secret}
        assert fault(await post(way, "https://siem.example/")) is Fault.WAY_OUT


class TestSourceAddress:
    async def test_connections_start_from_it(self) -> None:
        async with connect_proxy(("127.0.0.1", 1), status=502) as seen:
            egress = {"allow": ["127.0.0.0/8"], "sourceAddress": "127.0.0.9"}
            await post({**egress, "proxy": f"http://127.0.0.1:{seen.port}"}, "https://siem.example/")
            await post(egress, f"http://127.0.0.1:{seen.port}/")
        async with socks_proxy(("127.0.0.1", 1), reply=1) as socks:
            await post({**egress, "proxy": f"socks5://127.0.0.1:{socks.port}"}, "https://siem.example/")
        assert seen.peers + socks.peers == ["127.0.0.9"] * 3

    @pytest.mark.parametrize("source", ["192.0.2.77", "::1"])
    async def test_one_that_cannot_be_used_is_the_ways_fault(self, source: str) -> None:
        async with receiver(answer()) as server:
            egress = {"allow": ["127.0.0.0/8"], "sourceAddress": source}
            for host in ("127.0.0.1", "proxy.example"):
                assert fault(await post(egress, f"http://{host}:{server.port}/")) is Fault.WAY_OUT
        assert server.connections == 0
