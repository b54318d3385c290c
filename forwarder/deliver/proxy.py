"""The proxy of `egress.proxy` as a value, and connections through a SOCKS5 one (RFC 1928, RFC 1929). Judges no address.

What a proxy says of the receiver is told apart from what is wrong with the proxy itself: a broken way out is nobody's webhook's fault.
"""

from __future__ import annotations

import errno
import socket
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass

import aiohttp
import python_socks
from python_socks.async_.asyncio import Proxy as SocksProxy
from yarl import URL

from forwarder.deliver.resolver import Lookup, SystemLookup
from forwarder.settings.process import PROXY_PORTS, Egress
from forwarder.settings.secrets import Secret, SecretUnavailable

_OF_THE_RECEIVER = {3: errno.ENETUNREACH, 4: errno.EHOSTUNREACH, 5: errno.ECONNREFUSED, 6: errno.EHOSTUNREACH}
"""SOCKS5 replies (RFC 1928, section 6) that speak of the receiver, as the numbers that a direct connection would give."""

PASSED_ON = frozenset({502, 503, 504})
"""Answers to CONNECT (RFC 9110, section 15.6) by which a proxy says that it could not reach the receiver."""


class WayOutFailed(aiohttp.ClientConnectionError):
    """The proxy, or the source address, cannot be used. `text` is for people."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


@dataclass(frozen=True, slots=True)
class Proxy:
    """`scheme` is http, https, socks5 or socks5h. The password is read at each use."""

    scheme: str
    host: str
    port: int
    username: str
    secret: Secret

    @property
    def resolves(self) -> bool:
        """Whether names are resolved by the proxy, where our guard cannot look."""
        return self.scheme != "socks5"

    @property
    def speaks_socks(self) -> bool:
        return self.scheme.startswith("socks")

    @property
    def url(self) -> str:
        """For aiohttp, and for people: it holds no secret."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    def login(self) -> str | None:
        """`Proxy-Authorization` (RFC 9110, section 11.7.2; RFC 7617). None where there is no user name. Raises WayOutFailed."""
        if not self.username:
            return None
        return "Basic " + b64encode(f"{self.username}:{self.password()}".encode()).decode()

    def password(self) -> str:
        """As it is now. Raises WayOutFailed."""
        try:
            return self.secret.read() or ""
        except SecretUnavailable as error:
            raise WayOutFailed(f"egress.proxyPassword: {error}") from None


def proxy_of(egress: Egress) -> Proxy | None:
    """The configured proxy. Raises ValueError for a URL that the checks of the configuration refuse."""
    if egress.proxy is None:
        return None
    parts = URL(egress.proxy)
    if not parts.host or parts.scheme not in PROXY_PORTS:
        raise ValueError("egress.proxy has no host, or an unknown scheme")
    port = parts.explicit_port or PROXY_PORTS[parts.scheme]
    return Proxy(parts.scheme, parts.host, port, egress.proxy_username, egress.proxy_password)


async def through_socks(
    proxy: Proxy, host: str, port: int, sources: tuple[str, ...], lookup: Lookup | None = None
) -> socket.socket:
    """A connected socket to `host` (an address or, for the proxy to resolve, a name) and port.

    Raises WayOutFailed, and OSError for what the proxy says of the receiver. Has no time limit of its own.
    """
    password = proxy.password() if proxy.username else None
    try:
        found = await (lookup or SystemLookup().lookup)(proxy.host, socket.AF_UNSPEC)
    except OSError as error:
        raise WayOutFailed(f"the proxy's name does not resolve ({error.strerror or 'no answer'})") from error
    problem = WayOutFailed("the proxy has no address that egress.sourceAddress can reach")
    for address, local in _pairs(found, sources):
        way = SocksProxy(
            python_socks.ProxyType.SOCKS5, address, proxy.port, proxy.username or None, password, rdns=True
        )
        try:
            return await way.connect(host, port, timeout=_NO_LIMIT, local_addr=local)
        except python_socks.ProxyError as error:
            raise _refused(error) from error
        except python_socks.ProxyConnectionError as error:
            problem = WayOutFailed(
                f"the proxy cannot be reached ({errno.errorcode.get(error.errno or 0, 'no answer')})"
            )
    raise problem


_NO_LIMIT = 3600.0
"""The library wants a number; the caller's own limit ends the attempt long before."""


def _pairs(
    found: list[tuple[socket.AddressFamily, str]], sources: tuple[str, ...]
) -> Iterator[tuple[str, tuple[str, int] | None]]:
    """The proxy's addresses with the local address to start from, without those of a family that has none."""
    for family, address in found:
        local = [source for source in sources if (":" in source) == (family == socket.AF_INET6)]
        if local or not sources:
            yield address, (local[0], 0) if local else None


def _refused(error: python_socks.ProxyError) -> Exception:
    number = _OF_THE_RECEIVER.get(error.error_code or 0)
    if number is not None:
        return OSError(number, "said by the proxy")
    code = "it closed the connection" if error.error_code is None else f"reply {error.error_code}"
    return WayOutFailed(f"the proxy refused the connection ({code})")
