"""Which addresses may be connected to."""

from __future__ import annotations

import socket
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forwarder.deliver.egress import Allowed, Denied, EgressDenied, Special, literal_address, verdict_of
from forwarder.deliver.resolver import Found, GuardedResolver
from forwarder.settings.process import Egress

REFUSED = {
    Special.METADATA: ["169.254.169.254", "169.254.170.2", "168.63.129.16", "100.100.100.200", "fd00:ec2::254"],
    Special.LOOPBACK: ["127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"],
    Special.PRIVATE: ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fd12::1", "fc00::1", "fec0::1",
                      "::ffff:10.0.0.1", "64:ff9b::a00:1"],
    Special.SHARED: ["100.64.0.1", "100.127.255.255"],
    Special.LINK_LOCAL: ["169.254.0.1", "fe80::1", "fe80::1%eth0"],
    Special.MULTICAST: ["224.0.0.1", "239.255.255.255", "ff02::1"],
    Special.UNSPECIFIED: ["0.0.0.0", "0.1.2.3", "::", "::ffff:0.0.0.0"],
    Special.BENCHMARKING: ["198.18.0.1", "198.19.255.255", "2001:2::1"],
    Special.DOCUMENTATION: ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"],
    Special.TUNNEL: ["192.88.99.1", "2002:7f00:1::", "2001::1", "2002:808:808::1",
                     "2606:4700::5efe:8.8.8.8", "2606:4700::200:5efe:10.0.0.1"],
    Special.TRANSLATED: ["::ffff:8.8.8.8", "::8.8.8.8", "::ffff:0:8.8.8.8", "64:ff9b::808:808", "64:ff9b:1::8.8.8.8"],
    Special.RESERVED: ["192.0.0.1", "240.0.0.1", "255.255.255.255", "100::1", "5f00::1", "4000::1", "1::1"],
    Special.UNREADABLE: ["", "example.com", "1.2.3", "127.1"],
}  # fmt: skip
PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "172.15.255.255",
    "172.32.0.1",
    "100.63.255.255",
    "100.128.0.1",
    "169.253.0.1",
    "192.0.1.1",
    "198.17.0.1",
    "223.255.255.255",
    "2606:4700::1111",
]


@pytest.mark.parametrize(("reason", "address"), [(r, a) for r, addresses in REFUSED.items() for a in addresses])
def test_special_addresses_are_refused_with_their_kind(reason: Special, address: str) -> None:
    assert verdict_of(address, Egress()) == Denied(reason)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_allowed(address: str) -> None:
    assert verdict_of(address, Egress()) == Allowed()


@given(st.ip_addresses())
def test_nothing_that_python_calls_not_global_slips_through(address: object) -> None:
    found = ip_address(str(address))
    embedded = getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None) or found
    if not embedded.is_global or embedded.is_multicast:
        assert isinstance(verdict_of(str(address), Egress()), Denied)


def test_allow_opens_a_special_range_also_for_its_mapped_form() -> None:
    egress = Egress(allow=("10.1.0.0/16", "::1/128"))
    assert verdict_of("10.1.2.3", egress) == verdict_of("::ffff:10.1.2.3", egress) == Allowed()
    assert verdict_of("::1", egress) == Allowed()
    assert verdict_of("10.2.0.1", egress) == Denied(Special.PRIVATE)


@pytest.mark.parametrize(
    ("allow", "address", "verdict"),
    [
        (("64:ff9b::/96",), "64:ff9b::808:808", Allowed()),
        (("64:ff9b::/96",), "64:ff9b::a00:1", Denied(Special.PRIVATE)),
        (("10.0.0.0/8",), "64:ff9b::a00:1", Denied(Special.TRANSLATED)),
        (("64:ff9b::/96", "10.0.0.0/8"), "64:ff9b::a00:1", Allowed()),
        (("64:ff9b:1::/48",), "64:ff9b:1::8.8.8.8", Allowed()),
        (("64:ff9b:1::/48",), "64:ff9b:1:a00:0:100::", Denied(Special.PRIVATE)),
        (("64:ff9b:1::/48",), "64:ff9b:1::10.0.0.1", Denied(Special.PRIVATE)),
        (("2002::/16",), "2002:808:808::1", Allowed()),
        (("2002::/16",), "2002:a00:1::1", Denied(Special.PRIVATE)),
        (("2606:4700::/32",), "2606:4700::5efe:10.0.0.1", Denied(Special.PRIVATE)),
        (("::ffff:0:0/96",), "::ffff:8.8.8.8", Allowed()),
        (("::ffff:0:0/96",), "::ffff:10.0.0.1", Denied(Special.PRIVATE)),
        (("0.0.0.0/0", "::/0"), "169.254.169.254", Denied(Special.METADATA)),
        (("169.254.0.0/16",), "169.254.1.1", Allowed()),
        (("169.254.169.254",), "169.254.169.254", Allowed()),
        (("fd00::/8",), "fd00:ec2::254", Denied(Special.METADATA)),
        (("fd00::/8",), "fd00::1", Allowed()),
    ],
)
def test_an_address_inside_another_needs_both_to_be_permitted(
    allow: tuple[str, ...], address: str, verdict: Allowed | Denied
) -> None:
    assert verdict_of(address, Egress(allow=allow)) == verdict


@pytest.mark.parametrize(
    "form", ["::ffff:1.1.1.1", "64:ff9b::1.1.1.1", "2002:101:101::1", "::1.1.1.1", "fe80::5efe:1.1.1.1"]
)
def test_deny_finds_an_address_in_every_form(form: str) -> None:
    assert verdict_of(form, Egress(guard=False, deny=("1.1.1.0/24",))) == Denied(Special.DENIED)


def test_deny_wins_over_allow_and_over_a_guard_that_is_off() -> None:
    for egress in (Egress(allow=("1.1.1.1",), deny=("1.1.1.0/24",)), Egress(guard=False, deny=("1.1.1.0/24",))):
        assert verdict_of("1.1.1.1", egress) == verdict_of("::ffff:1.1.1.1", egress) == Denied(Special.DENIED)


def test_without_the_guard_only_deny_is_left() -> None:
    assert verdict_of("169.254.169.254", Egress(guard=False)) == Allowed()


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1.", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("0x7f.1", "127.0.0.1"),
        ("017700000001", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("[::1]", "::1"),
        ("::ffff:127.0.0.1", "::ffff:127.0.0.1"),
        ("%31%32%37.0.0.1", "127.0.0.1"),
    ],
)
def test_addresses_in_odd_forms_are_recognised(host: str, address: str) -> None:
    assert literal_address(host) == ip_address(address)


@pytest.mark.parametrize("host", ["example.com", "127.0.0.1.nip.io", "", "0x7g.1", "a" * 300, "bücher.example"])
def test_names_are_not_addresses(host: str) -> None:
    assert literal_address(host) is None


class Answers:
    """A name service with one answer to everything."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses

    async def __call__(self, host: str, family: socket.AddressFamily) -> list[Found]:
        return [(socket.AF_INET6 if ":" in a else socket.AF_INET, a) for a in self._addresses]


async def test_the_resolver_keeps_only_permitted_addresses() -> None:
    found = await GuardedResolver(Egress(), Answers("10.0.0.1", "1.1.1.1", "::1")).resolve("mixed.example", 443)
    assert [(answer["host"], answer["port"]) for answer in found] == [("1.1.1.1", 443)]


async def test_a_name_with_only_refused_addresses_says_which_and_why() -> None:
    with pytest.raises(EgressDenied) as caught:
        await GuardedResolver(Egress(), Answers("169.254.169.254")).resolve("inside.example", 80)
    assert caught.value.reason is Special.METADATA
    assert (
        caught.value.text == "inside.example (169.254.169.254) is a cloud metadata address; egress.allow can permit it"
    )


async def test_a_name_without_addresses_does_not_resolve() -> None:
    with pytest.raises(socket.gaierror):
        await GuardedResolver(Egress(), Answers()).resolve("nothing.example", 80)
