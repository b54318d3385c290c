"""What the guard says of an address, a host or a URL, as people write them. Resolves names when told how; never connects."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from yarl import URL

from forwarder.deliver.egress import Denied, Special, literal_address, local_name, verdict_of
from forwarder.deliver.names import is_host_name
from forwarder.deliver.resolver import Lookup
from forwarder.settings.process import Egress


@dataclass(frozen=True, slots=True)
class Judgement:
    """One address that the target leads to; `address` is empty where there is none. `why` is for people."""

    target: str
    host: str
    address: str
    allowed: bool
    why: str


async def judged(target: str, egress: Egress, lookup: Lookup, *, proxied: bool = False) -> list[Judgement]:
    """One judgement for each address, at least one. `proxied`: a proxy resolves the names, so they are not looked up."""
    host = host_of(target)
    if host is None:
        return [Judgement(target, "", "", False, "not a URL, host name or address")]
    literal = literal_address(host)
    if literal is not None:
        return [_of(target, host, str(literal), egress)]
    if not is_host_name(host):
        return [Judgement(target, host, "", False, "not a host name")]
    if proxied:
        denied = egress.guard and local_name(host)
        why = Special.LOCAL_NAME.value if denied else "the proxy resolves it: not judged here"
        return [Judgement(target, host, "", not denied, why)]
    try:
        found = await lookup(host, socket.AF_UNSPEC)
    except OSError as error:
        return [Judgement(target, host, "", False, f"does not resolve ({error.strerror or 'no answer'})")]
    return [_of(target, host, address, egress) for _, address in found] or [
        Judgement(target, host, "", False, "has no address")
    ]


def host_of(target: str) -> str | None:
    """The host of a URL, of `host:port`, or the target itself, as the client reads it; None when there is none."""
    text = target.strip()
    if "://" not in text:
        bare = text.strip("[]").partition("%")[0]
        text = f"http://[{text.strip('[]')}]/" if bare.count(":") > 1 and "]:" not in text else f"http://{text}/"
    try:
        return URL(text).raw_host or None
    except ValueError:
        return None


def _of(target: str, host: str, address: str, egress: Egress) -> Judgement:
    verdict = verdict_of(address, egress)
    if isinstance(verdict, Denied):
        return Judgement(target, host, address, False, verdict.reason.value)
    return Judgement(target, host, address, True, "allowed" if egress.guard else "allowed: the guard is off")
