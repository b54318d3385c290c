"""What `forwarder egress` prints: the guard, where connections start, where they go. Resolves names; connects nothing."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from forwarder.deliver.egress import RANGES, literal_address
from forwarder.deliver.judge import Judgement, judged
from forwarder.deliver.proxy import Proxy, proxy_of
from forwarder.deliver.resolver import Lookup, SystemLookup
from forwarder.deliver.source import source_for
from forwarder.settings.process import Egress, Settings
from forwarder.settings.webhook import Webhook

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Guard:
    """The settings as they work. `refused` is empty when the guard is off."""

    on: bool
    refused: Mapping[str, Sequence[str]]
    allow: Sequence[str]
    deny: Sequence[str]
    proxy: str
    resolving: str
    source_address: Sequence[str]


@dataclass(frozen=True, slots=True)
class Target:
    """One address that is connected to; `source` is the local address on the way there, empty when there is no route."""

    webhook: str
    what: str
    host: str
    port: int
    address: str
    allowed: bool
    why: str
    source: str


@dataclass(frozen=True, slots=True)
class Facts:
    """`sources` are the local addresses of all routes that are used."""

    guard: Guard
    sources: Sequence[str]
    targets: Sequence[Target]


def facts_of(settings: Settings) -> Facts:
    """Runs an event loop of its own."""
    targets = asyncio.run(_targets(settings))
    sources = sorted({target.source for target in targets if target.source})
    return Facts(_guard(settings.egress), sources, targets)


def judge_all(targets: Sequence[str], egress: Egress) -> list[Judgement]:
    """A verdict on each. Runs an event loop of its own."""
    return asyncio.run(_judge_all(targets, egress))


async def _judge_all(targets: Sequence[str], egress: Egress) -> list[Judgement]:
    lookup, proxy = SystemLookup().lookup, proxy_of(egress)
    proxied = proxy is not None and proxy.resolves
    found = await asyncio.gather(*(judged(target, egress, lookup, proxied=proxied) for target in targets))
    return [one for several in found for one in several]


async def _targets(settings: Settings) -> list[Target]:
    lookup, egress, proxy = SystemLookup().lookup, settings.egress, proxy_of(settings.egress)
    via = await _proxy_targets(proxy, egress, lookup) if proxy is not None else []
    urls = [(hook.name, what, url) for hook in settings.webhooks if hook.enable for what, url in _urls(hook)]
    found = await asyncio.gather(*(_of(*named, egress, lookup, proxy) for named in urls))
    return via + [one for several in found for one in several]


async def _of(webhook: str, what: str, url: str, egress: Egress, lookup: Lookup, proxy: Proxy | None) -> list[Target]:
    parts = urlsplit(url)
    port = parts.port or _PORTS.get(parts.scheme, 0)
    found = await judged(url, egress, lookup, proxied=proxy is not None and proxy.resolves)
    return [
        Target(
            webhook, what, one.host, port, one.address, one.allowed, one.why,
            "" if proxy is not None or not one.allowed else local_address(one.address, egress),
        )
        for one in found
    ]  # fmt: skip


async def _proxy_targets(proxy: Proxy, egress: Egress, lookup: Lookup) -> list[Target]:
    literal = literal_address(proxy.host)
    try:
        found = [str(literal)] if literal else [address for _, address in await lookup(proxy.host, socket.AF_UNSPEC)]
    except OSError:
        return [Target("-", "proxy", proxy.host, proxy.port, "", False, "the proxy's name does not resolve", "")]
    why = "the proxy is not judged"
    return [Target("-", "proxy", proxy.host, proxy.port, one, True, why, local_address(one, egress)) for one in found]


def local_address(address: str, egress: Egress) -> str:
    """The address that a connection there starts from: the configured one, else what the routes say. Empty without a route.

    A UDP socket that is connected sends nothing; the system only chooses its route (connect(2)).
    """
    ipv6 = ":" in address
    if egress.source_address:
        return source_for(ipv6, egress) or ""
    try:
        with socket.socket(socket.AF_INET6 if ipv6 else socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect((address, 9))
            return str(sock.getsockname()[0])
    except OSError:
        return ""


def _urls(webhook: Webhook) -> Iterator[tuple[str, str]]:
    """Everything that the webhook connects to: where it delivers, and where it logs in."""
    yield "delivery", webhook.url
    for name, value in dict(webhook.http_auth).items():
        if name.endswith("url") and isinstance(value, str):
            yield "login", value


def _guard(egress: Egress) -> Guard:
    refused: dict[str, list[str]] = {}
    for kind, networks in RANGES if egress.guard else ():
        refused.setdefault(kind.value, []).extend(networks)
    proxy = proxy_of(egress)
    resolving = ""
    if proxy is not None:
        resolving = (
            "it resolves names: only addresses in URLs are judged" if proxy.resolves else "names are resolved here"
        )
    return Guard(
        on=egress.guard,
        refused=refused,
        allow=egress.allow,
        deny=egress.deny,
        proxy=proxy.url if proxy else "",
        resolving=resolving,
        source_address=egress.source_address,
    )
