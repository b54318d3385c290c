"""IPv4 addresses inside IPv6 ones: which form, and where they lead. Pure; permits and refuses nothing."""

from __future__ import annotations

from enum import Enum
from ipaddress import IPv4Address, IPv6Address, IPv6Network


class Embedding(Enum):
    """How an IPv6 address holds an IPv4 one, with the specification that says so."""

    MAPPED = "RFC 4291, section 2.5.5.2"
    COMPATIBLE = "RFC 4291, section 2.5.5.1"
    TRANSLATED = "RFC 2765, section 2.1"
    NAT64 = "RFC 6052, section 2.1"
    NAT64_LOCAL = "RFC 8215"
    SIX_TO_FOUR = "RFC 3056, section 2"
    TEREDO = "RFC 4380, section 4"
    ISATAP = "RFC 5214, section 6.1"


_LAST_32_BITS = (
    (Embedding.MAPPED, IPv6Network("::ffff:0:0/96")),
    (Embedding.TRANSLATED, IPv6Network("::ffff:0:0:0/96")),
    (Embedding.NAT64, IPv6Network("64:ff9b::/96")),
    (Embedding.COMPATIBLE, IPv6Network("::/96")),
)
_NAT64_LOCAL = IPv6Network("64:ff9b:1::/48")
_ISATAP = (0x00005EFE, 0x02005EFE)
_LOWEST_HOST = 0x1000000
"""What reads as 0.0.0.0/8 leads nowhere: `::1` is no IPv4 address."""


def embedded(address: IPv4Address | IPv6Address) -> tuple[Embedding | None, tuple[IPv4Address, ...]]:
    """The form, and the IPv4 addresses that the address may lead to. `(None, ())` when it holds none."""
    if isinstance(address, IPv4Address):
        return None, ()
    bits = int(address)
    for form, network in _LAST_32_BITS:
        if address in network and (form is not Embedding.COMPATIBLE or bits >= _LOWEST_HOST):
            return form, (_low(bits),)
    if address in _NAT64_LOCAL:
        return Embedding.NAT64_LOCAL, _local_nat64(bits)
    if address.sixtofour is not None:
        return Embedding.SIX_TO_FOUR, (address.sixtofour,)
    if address.teredo is not None:
        return Embedding.TEREDO, address.teredo
    if (bits >> 32) & 0xFFFFFFFF in _ISATAP:
        return Embedding.ISATAP, (_low(bits),)
    return None, ()


def _low(bits: int) -> IPv4Address:
    return IPv4Address(bits & 0xFFFFFFFF)


def _local_nat64(bits: int) -> tuple[IPv4Address, ...]:
    """The prefix may be 48, 56, 64 or 96 bits long; bits 64 to 71 are left out of the address (RFC 6052, section 2.2)."""
    at_48 = ((bits >> 64) & 0xFFFF) << 16 | (bits >> 40) & 0xFFFF
    at_56 = ((bits >> 64) & 0xFF) << 24 | (bits >> 32) & 0xFFFFFF
    at_64 = (bits >> 24) & 0xFFFFFFFF
    found = [read for read in (bits & 0xFFFFFFFF, at_48, at_56, at_64) if read >= _LOWEST_HOST]
    return tuple(IPv4Address(read) for read in dict.fromkeys(found))
