"""The forms in which an address can be written, and what the guard says of each: `python -m forwarder.cli.egress_table docs/egress.md`
writes the table between its two marks. The verdicts are asked of the guard, never written down here."""

from __future__ import annotations

import asyncio
import socket
import sys
from pathlib import Path

from forwarder.deliver.judge import judged
from forwarder.deliver.resolver import Found
from forwarder.settings.process import Egress

BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"

RESOLVED: dict[str, tuple[str, ...]] = {
    "localhost": ("127.0.0.1", "::1"),
    "localhost.": ("127.0.0.1",),
    "web.localhost": ("127.0.0.1",),
    "localtest.me": ("127.0.0.1",),
    "127.0.0.1.nip.io": ("127.0.0.1",),
    "metadata.google.internal": ("169.254.169.254",),
    "kubernetes.default.svc": ("10.96.0.1",),
    "mixed.example": ("10.0.0.1", "93.184.215.14"),
    "mapped.example": ("::ffff:10.0.0.1",),
    "siem.example": ("93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"),
}
"""What the names of the table resolve to, in the table and in its tests. Any other name does not resolve."""

FORMS: tuple[tuple[str, str], ...] = (
    ("https://127.0.0.1/", "loopback"),
    ("https://127.255.255.254/", "all of 127.0.0.0/8 is loopback"),
    ("https://127.0.0.1:8443/", "with a port"),
    ("https://127.0.0.1./", "trailing dot"),
    ("https://127.1/", "short form"),
    ("https://127.0.1/", "short form of three"),
    ("https://2130706433/", "decimal"),
    ("https://0x7f000001/", "hexadecimal"),
    ("https://0x7f.0.0.1/", "hexadecimal, in parts"),
    ("https://0X7F.1/", "hexadecimal, short, upper case"),
    ("https://017700000001/", "octal"),
    ("https://0177.0.0.1/", "octal, in parts"),
    ("https://0177.0.0.0x1/", "octal and hexadecimal"),
    ("https://00000177.0.0.1/", "octal with many zeros"),
    ("https://①②⑦.⓪.⓪.①/", "circled digits, which IDNA turns into plain ones"),
    ("https://１２７.０.０.１/", "full-width digits"),
    ("https://127。0。0。1/", "ideographic full stops"),
    ("https://127．0．0．1/", "full-width full stops"),
    ("https://%31%32%37.0.0.1/", "percent-encoded digits"),
    ("https://127%2e0%2e0%2e1/", "percent-encoded dots"),
    ("https://good.example@127.0.0.1/", "user name that looks like a host"),
    ("https://good.example:443@127.0.0.1/", "user and password that look like host and port"),
    ("https://good.example@@127.0.0.1/", "two at-signs"),
    ("https://127.0.0.1#@good.example/", "a fragment that looks like a host"),
    ("https://127.0.0.1?@good.example/", "a query that looks like a host"),
    ("https://127.0.0.1\\@good.example/", "backslash: two parsers, two hosts"),
    ("https://good.example\\@127.0.0.1/", "backslash, the other way round"),
    ("https://127.0.0.1%00.good.example/", "NUL"),
    ("https://127.0.0.1%20good.example/", "space"),
    ("https://127.0.0.1\t/", "tab, which URL parsers take out"),
    ("https://[127.0.0.1]/", "IPv4 in brackets"),
    ("https:///127.0.0.1/", "three slashes"),
    ("https://localhost/", "name of the local machine"),
    ("https://LOCALHOST./", "upper case and trailing dot"),
    ("https://ⓛocalhost/", "circled letter"),
    ("https://web.localhost/", "below localhost (RFC 6761)"),
    ("https://localtest.me/", "public name of a loopback address"),
    ("https://127.0.0.1.nip.io/", "address in a public name"),
    ("https://[::1]/", "IPv6 loopback"),
    ("https://[::1]:8443/", "IPv6 loopback with a port"),
    ("https://[0:0:0:0:0:0:0:1]/", "written out"),
    ("https://[::ffff:127.0.0.1]/", "mapped"),
    ("https://[::ffff:7f00:1]/", "mapped, in hexadecimal"),
    ("https://[0:0:0:0:0:ffff:7f00:1]/", "mapped, written out"),
    ("https://[::ffff:93.184.215.14]/", "mapped, of a public address"),
    ("https://mapped.example/", "a name with a mapped AAAA record"),
    ("https://[::127.0.0.1]/", "compatible"),
    ("https://[::ffff:0:127.0.0.1]/", "translated (SIIT)"),
    ("https://[64:ff9b::127.0.0.1]/", "NAT64"),
    ("https://[64:ff9b::169.254.169.254]/", "NAT64 to metadata"),
    ("https://[64:ff9b::93.184.215.14]/", "NAT64 to a public address"),
    ("https://[64:ff9b:1::10.0.0.1]/", "NAT64, local use (RFC 8215)"),
    ("https://[2002:7f00:1::]/", "6to4 of loopback"),
    ("https://[2002:5db8:d70e::1]/", "6to4 of a public address"),
    ("https://[2001:0:5db8:d70e::f5ff:fffe]/", "Teredo"),
    ("https://[2606:4700::5efe:10.0.0.1]/", "ISATAP"),
    ("https://[2606:4700::200:5efe:93.184.215.14]/", "ISATAP of a public address"),
    ("https://0.0.0.0/", "unspecified: this machine"),
    ("https://0/", "unspecified, short"),
    ("https://[::]/", "unspecified"),
    ("https://10.0.0.1/", "private"),
    ("https://10.1/", "private, short form"),
    ("https://172.16.0.1/", "private"),
    ("https://192.168.1.1/", "private"),
    ("https://3232235777/", "private, decimal"),
    ("https://kubernetes.default.svc/", "a service of the cluster"),
    ("https://mixed.example/", "a private and a public address: only the public one is used"),
    ("https://100.64.0.1/", "CGNAT"),
    ("https://169.254.1.1/", "link-local"),
    ("https://[fe80::1]/", "link-local"),
    ("https://[fe80::1%25eth0]/", "zone id"),
    ("https://[fe80::1%eth0]/", "zone id, not encoded"),
    ("https://[fc00::1]/", "ULA"),
    ("https://[fd12:3456::1]/", "ULA"),
    ("https://[fec0::1]/", "site-local"),
    ("https://169.254.169.254/latest/meta-data/", "metadata: AWS, GCP, Azure, Oracle, OpenStack"),
    ("https://0xa9fea9fe/", "metadata, hexadecimal"),
    ("https://2852039166/", "metadata, decimal"),
    ("https://[::ffff:169.254.169.254]/", "metadata, mapped"),
    ("https://169.254.170.2/", "credentials of AWS ECS"),
    ("https://169.254.170.23/", "credentials of AWS EKS"),
    ("https://[fd00:ec2::254]/", "metadata: AWS over IPv6"),
    ("https://[fd20:ce::254]/", "metadata: GCP over IPv6"),
    ("https://metadata.google.internal/", "metadata: GCP by name"),
    ("https://168.63.129.16/", "Azure's host"),
    ("https://100.100.100.200/", "metadata: Alibaba"),
    ("https://192.0.0.192/", "metadata: Oracle"),
    ("https://224.0.0.1/", "multicast"),
    ("https://[ff02::1]/", "multicast"),
    ("https://255.255.255.255/", "broadcast"),
    ("https://240.0.0.1/", "reserved"),
    ("https://192.0.2.1/", "documentation"),
    ("https://[2001:db8::1]/", "documentation"),
    ("https://198.18.0.1/", "benchmarking"),
    ("https://[100::1]/", "discard only"),
    ("https://[4000::1]/", "not given out by IANA"),
    ("https://93.184.215.14/", "a public address"),
    ("https://[2606:4700:4700::1111]/", "a public address"),
    ("https://siem.example/", "a name with public addresses"),
)


async def lookup(host: str, family: socket.AddressFamily) -> list[Found]:
    """The name service of the table. Raises OSError for a name that it does not know."""
    if host not in RESOLVED:
        raise socket.gaierror(socket.EAI_NONAME, "the name does not exist")
    return [(socket.AF_INET6 if ":" in one else socket.AF_INET, one) for one in RESOLVED[host]]


async def rows() -> list[tuple[str, str, str]]:
    """Form, what it is, and the verdict of the guard as it is by default."""
    table = []
    for form, what in FORMS:
        found = await judged(form, Egress(), lookup)
        allowed = [one.address for one in found if one.allowed]
        why = f"allowed ({', '.join(allowed)})" if allowed else f"refused: {found[0].why}"
        table.append((f"`{form}`".replace("\t", "\\t").replace("|", "\\|"), what, why))
    return table


def text() -> str:
    """The table as Markdown."""
    head = ("| written as | what it is | verdict |", "|---|---|---|")
    return "\n".join([*head, *(f"| {' | '.join(row)} |" for row in asyncio.run(rows()))])


def replaced(document: str) -> str:
    """The document with the present table between the marks. Raises ValueError where they are missing."""
    before, _, rest = document.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"{BEGIN} or {END} is missing")
    return f"{before}{BEGIN}\n{text()}\n{END}{after}"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(replaced(path.read_text("utf-8")), "utf-8")
