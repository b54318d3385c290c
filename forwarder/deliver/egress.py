"""Which addresses a webhook may be connected to. Pure: judges addresses, never names; resolver and client ask it.

Ranges are those of the IANA special-purpose address registries (RFC 6890 and its updates) and the metadata services of the
large clouds. Whatever else IANA has not given out as global unicast (IPv6: all but 2000::/3) is refused as reserved.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import unquote

from forwarder.deliver.embedded import Embedding, embedded
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
    TUNNEL = "a tunnel address (6to4, Teredo, ISATAP)"
    TRANSLATED = "an IPv4 address inside an IPv6 one (mapped, compatible, translated, NAT64)"
    RESERVED = "a reserved address"
    LOCAL_NAME = "a name of the local machine or of a metadata service"


RANGES: tuple[tuple[Special, tuple[str, ...]], ...] = (
    (
        Special.METADATA,
        ("169.254.169.254/32", "169.254.169.253/32", "169.254.169.123/32", "169.254.170.2/32", "169.254.170.23/32",
         "169.254.0.23/32", "168.63.129.16/32", "100.100.100.200/32", "192.0.0.192/32",
         "fd00:ec2::254/128", "fd00:ec2::253/128", "fd00:ec2::123/128", "fd00:ec2::23/128", "fd20:ce::254/128"),
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
    (Special.TRANSLATED, ("::ffff:0:0/96", "::/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48")),
    (Special.RESERVED, ("192.0.0.0/24", "240.0.0.0/4", "100::/64", "2001::/23", "5f00::/16")),
)  # fmt: skip
_SPECIAL = tuple((kind, ip_network(text)) for kind, texts in RANGES for text in texts)
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_LOCAL_NAMES = ("localhost", "metadata", "metadata.google.internal", "instance-data", "instance-data.ec2.internal")


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

    An IPv4 address inside an IPv6 one must be permitted itself, and the form around it too: by `allow` only (a mapped one is the
    same host, so allowing the IPv4 address is enough). A metadata address is allowed only by an entry of its own (/32, /128).
    """
    try:
        outer = ip_address(address) if isinstance(address, str) else address
    except ValueError:
        return Denied(Special.UNREADABLE)
    form, inner = embedded(outer)
    if any(one in network for one in (outer, *inner) for network in _networks(egress.deny)):
        return Denied(Special.DENIED)
    if not egress.guard:
        return Allowed()
    allow = _networks(egress.allow)
    inside = next((kind for one in inner if (kind := _refused(one, allow)) is not None), None)
    around = None if _same_host(form, inner, allow) else _refused(outer, allow) or _hidden(form, outer, allow)
    kind = (around or inside) if around is Special.TUNNEL else (inside or around)
    return Allowed() if kind is None else Denied(kind)


def local_name(host: str) -> bool:
    """Whether a name means the local machine (RFC 6761) or a cloud's metadata service, whoever resolves it."""
    name = host.lower().rstrip(".")
    return name in _LOCAL_NAMES or name.endswith(".localhost")


@lru_cache(maxsize=4096)
def literal_address(host: str) -> Address | None:
    """The address that a URL's host spells out, or None for a name.

    Also the old forms of inet_aton(3) (`2130706433`, `0x7f.1`, `017700000001`), which a resolver would take for addresses, and
    percent-encoded ones, which a proxy might decode.
    """
    text = unquote(host).strip("[]").rstrip(".")
    try:
        return ip_address(text)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(text))
    except (OSError, UnicodeError, ValueError):
        return None


def _refused(address: Address, allow: tuple[Network, ...]) -> Special | None:
    """Why the address itself is refused, whatever it leads to."""
    kind = _kind(address)
    if kind is None or any(address in network for network in allow if _may_open(network, kind)):
        return None
    return kind


def _kind(address: Address) -> Special | None:
    for kind, network in _SPECIAL:
        if address in network:
            return kind
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return Special.RESERVED
    return None


def _may_open(network: Network, kind: Special) -> bool:
    return kind is not Special.METADATA or network.prefixlen == network.max_prefixlen


def _hidden(form: Embedding | None, outer: Address, allow: tuple[Network, ...]) -> Special | None:
    """An ISATAP address has the prefix of an ordinary one: it is known by its last 64 bits alone."""
    if form is not Embedding.ISATAP or any(outer in network for network in allow):
        return None
    return Special.TUNNEL


def _same_host(form: Embedding | None, inner: tuple[IPv4Address, ...], allow: tuple[Network, ...]) -> bool:
    """A mapped address is connected to over IPv4: who allows the one allows the other."""
    return form is Embedding.MAPPED and any(one in network for one in inner for network in allow)


@lru_cache(maxsize=64)
def _networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ip_network(text, strict=False) for text in texts)
