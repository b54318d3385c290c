"""Which addresses a webhook may be connected to. Pure: judges addresses, never names; resolver and client ask it.

Ranges are those of the IANA special-purpose address registries (RFC 6890 and its updates) and the metadata services of the
large clouds.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from forwarder.settings.process import Egress

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class Special(Enum):
    """Why an address is refused. The value is text for people."""

    DENIED = "denied by egress.deny"
    UNREADABLE = "not an address"
    METADATA = "a cloud metadata address"
    LOOPBACK = "a loopback address"
    PRIVATE = "a private address"
    SHARED = "a shared carrier address (CGNAT)"
    LINK_LOCAL = "a link-local address"
    MULTICAST = "a multicast address"
    UNSPECIFIED = "the unspecified address"
    BENCHMARKING = "a benchmarking address"
    DOCUMENTATION = "a documentation address"
    TUNNEL = "a tunnel address (6to4, Teredo)"
    RESERVED = "a reserved address"


_RANGES: tuple[tuple[Special, tuple[str, ...]], ...] = (
    (
        Special.METADATA,
        ("169.254.169.254/32", "169.254.170.2/32", "168.63.129.16/32", "100.100.100.200/32", "192.0.0.192/32",
         "fd00:ec2::254/128", "fd20:ce::254/128"),
    ),
    (Special.LOOPBACK, ("127.0.0.0/8", "::1/128")),
    (Special.PRIVATE, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fec0::/10")),
    (Special.SHARED, ("100.64.0.0/10",)),
    (Special.LINK_LOCAL, ("169.254.0.0/16", "fe80::/10")),
    (Special.MULTICAST, ("224.0.0.0/4", "ff00::/8")),
    (Special.UNSPECIFIED, ("0.0.0.0/8", "::/128")),
    (Special.BENCHMARKING, ("198.18.0.0/15", "2001:2::/48")),
    (Special.DOCUMENTATION, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20")),
    (Special.TUNNEL, ("192.88.99.0/24", "2002::/16", "2001::/32")),
    (Special.RESERVED, ("192.0.0.0/24", "240.0.0.0/4", "::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "5f00::/16")),
)  # fmt: skip
_SPECIAL = tuple((kind, ip_network(text)) for kind, texts in _RANGES for text in texts)
_NAT64 = IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Allowed:
    """The address may be connected to."""


@dataclass(frozen=True, slots=True)
class Denied:
    """The address is refused."""

    reason: Special


class EgressDenied(OSError):
    """No permitted address. An OSError, so that the libraries in between pass it on as a failed connection."""

    def __init__(self, host: str, reason: Special) -> None:
        super().__init__(f"{host} is {reason.value}")
        self.reason = reason
        self.text = f"{host} is {reason.value}; egress.allow can permit it"


def verdict_of(address: str | Address, egress: Egress) -> Allowed | Denied:
    """Judge one address. `deny` beats `allow` beats the special ranges; `guard: false` leaves only `deny`.

    An IPv4 address inside an IPv6 one (mapped, RFC 4291; NAT64, RFC 6052) is judged as what it leads to.
    """
    try:
        outer = ip_address(address) if isinstance(address, str) else address
    except ValueError:
        return Denied(Special.UNREADABLE)
    forms = (outer, _embedded(outer)) if _embedded(outer) else (outer,)
    if any(form in network for form in forms for network in _networks(egress.deny)):
        return Denied(Special.DENIED)
    if not egress.guard or any(form in network for form in forms for network in _networks(egress.allow)):
        return Allowed()
    target = forms[-1]
    for kind, network in _SPECIAL:
        if target in network:
            return Denied(kind)
    return Allowed()


@lru_cache(maxsize=4096)
def literal_address(host: str) -> Address | None:
    """The address that a URL's host spells out, or None for a name.

    Also the old forms of inet_aton(3) (`2130706433`, `0x7f.1`, `017700000001`), which a resolver would take for addresses.
    """
    text = host.strip("[]").rstrip(".")
    try:
        return ip_address(text)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(text))
    except (OSError, UnicodeError):
        return None


@lru_cache(maxsize=64)
def _networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ip_network(text, strict=False) for text in texts)


def _embedded(address: Address) -> IPv4Address | None:
    if isinstance(address, IPv4Address):
        return None
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped
