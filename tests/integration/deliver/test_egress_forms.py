"""Every form of an address, through the very client: which addresses does it try to connect to?"""

from __future__ import annotations

import errno
import socket
from pathlib import Path
from typing import Any

import pytest

from forwarder.cli import egress_table
from forwarder.clock import SystemClock
from forwarder.deliver import connector
from forwarder.deliver.client import Client
from forwarder.deliver.egress import Allowed, verdict_of
from forwarder.deliver.judge import judged
from forwarder.deliver.request import Request
from forwarder.deliver.resolver import Found
from forwarder.model.attempt import Failure, Fault
from forwarder.settings.process import Egress

DOCUMENT = Path(__file__).parents[3] / "docs" / "egress.md"
PUBLIC = "93.184.215.14"


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that a socket was made for. None of them is connected: the packets would leave this machine."""
    found: list[str] = []

    def refuse(sock: socket.socket, target: str, egress: Egress) -> None:
        sock.close()
        found.append(target)
        raise OSError(errno.ECONNREFUSED, "not in a test")

    monkeypatch.setattr(connector, "start_from", refuse)
    return found


async def sent(client: Client, url: str, *, fresh: bool = False) -> Failure:
    exchange = await client.post(Request(url, {}, b"{}", 5.0, 5.0), fresh=fresh)
    assert isinstance(exchange.result, Failure)
    return exchange.result


@pytest.mark.parametrize("form", [form for form, _ in egress_table.FORMS])
async def test_only_permitted_addresses_are_tried(form: str, tried: list[str]) -> None:
    expected = [one.address for one in await judged(form, Egress(), egress_table.lookup) if one.allowed]
    client = Client(Egress(), SystemClock(), egress_table.lookup)
    result = await sent(client, form)
    await client.close()
    assert sorted(set(tried)) == sorted(expected)
    assert all(verdict_of(address, Egress()) == Allowed() for address in tried)
    if not expected:
        assert result.fault in (Fault.EGRESS, Fault.PROTOCOL)


async def test_without_the_guard_the_same_forms_would_be_connected(tried: list[str]) -> None:
    """The control: it is the guard that keeps them from it, not the test."""
    client = Client(Egress(guard=False), SystemClock(), egress_table.lookup)
    for form in ("https://127.0.0.1/", "https://①②⑦.⓪.⓪.①/", "https://localtest.me/", "https://[::ffff:127.0.0.1]/"):
        tried.clear()
        await sent(client, form)
        assert tried, form
    await client.close()


def test_the_table_has_at_least_sixty_forms_and_is_up_to_date() -> None:
    assert len({form for form, _ in egress_table.FORMS}) >= 60
    assert egress_table.replaced(DOCUMENT.read_text("utf-8")) == DOCUMENT.read_text("utf-8")


class Rebinding:
    """A name service that says something harmless first and something inside from then on."""

    def __init__(self) -> None:
        self.asked = 0

    async def __call__(self, host: str, family: socket.AddressFamily) -> list[Found]:
        self.asked += 1
        return [(socket.AF_INET, PUBLIC if self.asked == 1 else "169.254.169.254")]


async def test_a_name_that_changes_its_mind_gains_nothing(tried: list[str]) -> None:
    lookup = Rebinding()
    client = Client(Egress(), SystemClock(), lookup)
    first = await sent(client, "https://rebind.example/", fresh=True)
    second = await sent(client, "https://rebind.example/", fresh=True)
    await client.close()
    assert (first.fault, second.fault) == (Fault.REFUSED, Fault.EGRESS)
    assert tried == [PUBLIC]
    assert lookup.asked == 2


async def test_the_socket_itself_is_judged_whatever_a_resolver_said(
    tried: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def blind(self: Any, host: str, port: int, traces: Any = None) -> list[dict[str, Any]]:
        return [{"hostname": host, "host": "10.0.0.1", "port": port, "family": 2, "proto": 0, "flags": 0}]

    monkeypatch.setattr(connector.GuardedConnector, "_resolve_host", blind)
    client = Client(Egress(), SystemClock(), egress_table.lookup)
    assert (await sent(client, "https://siem.example/")).fault is Fault.EGRESS
    await client.close()
    assert tried == []


async def test_the_address_that_a_socks_proxy_is_told_is_judged_whatever_a_resolver_said(
    tried: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def through(*given: Any) -> socket.socket:
        tried.append(given[1])
        raise OSError(errno.ECONNREFUSED, "not in a test")

    async def blind(self: Any, host: str, port: int, traces: Any = None) -> list[dict[str, Any]]:
        return [{"hostname": host, "host": "10.0.0.1", "port": port, "family": 2, "proto": 0, "flags": 0}]

    monkeypatch.setattr(connector, "through_socks", through)
    client = Client(Egress(proxy="socks5://127.0.0.1:9"), SystemClock(), egress_table.lookup)
    assert (await sent(client, "https://siem.example/", fresh=True)).fault is Fault.REFUSED
    assert PUBLIC in tried and "10.0.0.1" not in tried
    tried.clear()
    monkeypatch.setattr(connector.GuardedConnector, "_resolve_host", blind)
    assert (await sent(client, "https://siem.example/", fresh=True)).fault is Fault.EGRESS
    await client.close()
    assert tried == []


@pytest.mark.parametrize("scheme", ["http", "https", "socks5h"])
@pytest.mark.parametrize("form", ["https://127.1/", "https://[::ffff:a00:1]/", "https://localhost/", "https://%31%32%37.0.0.1/",
                                  "https://metadata.google.internal/", "http://169.254.169.254/"])  # fmt: skip
async def test_what_a_url_spells_out_is_refused_before_a_proxy_is_asked(
    scheme: str, form: str, tried: list[str]
) -> None:
    client = Client(Egress(proxy=f"{scheme}://127.0.0.1:9"), SystemClock(), egress_table.lookup)
    assert (await sent(client, form)).fault is Fault.EGRESS
    await client.close()
    assert tried == []
