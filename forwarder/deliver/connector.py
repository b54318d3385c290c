"""How aiohttp sessions are set up: what is kept alive, bounded, guarded and noticed. Sends nothing."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from forwarder.deliver.egress import Denied, EgressDenied, verdict_of
from forwarder.deliver.faults import failure_of
from forwarder.deliver.proxy import Proxy, WayOutFailed, proxy_of, through_socks
from forwarder.deliver.resolver import GuardedResolver, Lookup, PassingResolver
from forwarder.deliver.source import start_from
from forwarder.deliver.tls import TlsUnusable, build
from forwarder.deliver.wire import WIRE, NotingRequest
from forwarder.settings.process import Egress
from forwarder.settings.tls import Tls

_KEEP_ALIVE_SECONDS = 30.0
_DNS_CACHE_SECONDS = 20
_MAX_HEADER_LINE_BYTES = 8190
_MAX_HEADERS = 100
_READ_BUFFER_BYTES = 16 * 1024
_ADDED_BY_AIOHTTP = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


class GuardedConnector(aiohttp.TCPConnector):
    """aiohttp's connector over the guard, the source address and the proxy of `egress`.

    A direct connection is judged by the very address that is connected to, however it was come by. Behind a proxy that resolves names
    itself only what the URL spells out can be judged, and the proxy's own address is the owner's choice.
    """

    def __init__(self, egress: Egress, lookup: Lookup, **options: Any) -> None:
        self._egress = egress
        self._lookup = lookup
        self._proxy = proxy = proxy_of(egress)
        self._proxy_trust: ssl.SSLContext | bool = True
        super().__init__(
            resolver=self._own_resolver(),
            socket_factory=_sockets(egress, judge=proxy is None),
            **options,
        )

    def _own_resolver(self) -> AbstractResolver:
        """Of the receiver's name, or of an HTTP proxy's."""
        if self._proxy is None:
            return GuardedResolver(self._egress, self._lookup)
        match self._proxy.scheme:
            case "socks5":  # where the connection starts from concerns the proxy, not the receiver
                return GuardedResolver(self._egress.model_copy(update={"source_address": ()}), self._lookup)
            case "socks5h":
                return PassingResolver(self._egress)
            case _:
                return GuardedResolver(Egress(guard=False, source_address=self._egress.source_address), self._lookup)

    async def _wrap_create_connection(
        self,
        *args: Any,
        addr_infos: list[Any],
        req: aiohttp.ClientRequest,
        timeout: aiohttp.ClientTimeout,
        client_error: type[Exception] = aiohttp.ClientConnectorError,
        **kwargs: Any,
    ) -> tuple[Any, Any]:
        """Through a SOCKS proxy: one try per address, as aiohttp asks for the next one after a ClientConnectorError."""
        if self._proxy is None or not self._proxy.speaks_socks:
            return await super()._wrap_create_connection(
                *args, addr_infos=addr_infos, req=req, timeout=timeout, client_error=client_error, **kwargs
            )
        host, port = addr_infos[0][4][:2]
        if not self._proxy.resolves:
            _judge(host, self._egress)
        WIRE.get().at_proxy = True
        try:
            sock = await through_socks(self._proxy, host, port, self._egress.source_address, self._lookup)
            WIRE.get().at_proxy = False
            return await self._loop.create_connection(*args, sock=sock, **kwargs)
        except ssl.CertificateError as error:
            raise aiohttp.ClientConnectorCertificateError(req.connection_key, error) from error
        except ssl.SSLError as error:
            raise aiohttp.ClientConnectorSSLError(req.connection_key, error) from error
        except OSError as error:
            raise aiohttp.ClientConnectorError(req.connection_key, error) from error

    async def _create_direct_connection(self, req: Any, traces: Any, timeout: Any, **kwargs: Any) -> tuple[Any, Any]:
        """What goes wrong on the way to an HTTP proxy is the proxy's."""
        if kwargs.get("client_error") is not aiohttp.ClientProxyConnectionError:
            return await super()._create_direct_connection(req, traces, timeout, **kwargs)
        WIRE.get().at_proxy = True
        try:
            found = await super()._create_direct_connection(req, traces, timeout, **kwargs)
        except aiohttp.ClientConnectorError as error:
            failure = failure_of(error, connected=False)
            raise WayOutFailed(f"the proxy cannot be used: {failure.text}") from error
        WIRE.get().at_proxy = False
        return found

    def _update_proxy_auth_header_and_build_proxy_req(self, req: Any) -> Any:
        """The request to an https proxy is encrypted with the proxy's trust, never with the webhook's. The login goes with CONNECT,
        or with a plain request, which the proxy itself reads."""
        made = super()._update_proxy_auth_header_and_build_proxy_req(req)
        login = self._proxy.login() if self._proxy else None
        if login is not None:
            (made if req.is_ssl() else req).headers["Proxy-Authorization"] = login
        if self._egress.proxy_ca_file and isinstance(self._proxy_trust, bool):
            self._proxy_trust = _trust_in_proxy(self._egress.proxy_ca_file)
        made._ssl = self._proxy_trust
        return made


def _trust_in_proxy(ca_file: str) -> ssl.SSLContext:
    """Raises WayOutFailed."""
    try:
        return build(Tls(ca_file=ca_file), allow_invalid_certs=False)
    except TlsUnusable as error:
        raise WayOutFailed(f"egress.proxyCaFile: {error}") from error


def new_session(egress: Egress, lookup: Lookup, *, keep_alive: bool) -> aiohttp.ClientSession:
    """A session without limits on connections (lanes have their own), without automatic headers and without cookies."""
    connector = GuardedConnector(
        egress,
        lookup,
        limit=0,
        limit_per_host=0,
        ttl_dns_cache=_DNS_CACHE_SECONDS,
        **({"keepalive_timeout": _KEEP_ALIVE_SECONDS} if keep_alive else {"force_close": True}),
    )
    return aiohttp.ClientSession(
        connector=connector,
        request_class=NotingRequest,
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=_ADDED_BY_AIOHTTP,
        auto_decompress=False,
        trust_env=False,
        read_bufsize=_READ_BUFFER_BYTES,
        max_line_size=_MAX_HEADER_LINE_BYTES,
        max_field_size=_MAX_HEADER_LINE_BYTES,
        max_headers=_MAX_HEADERS,
    )


def http_proxy(proxy: Proxy | None) -> str | None:
    """What aiohttp must know of: it speaks to HTTP proxies itself, while a SOCKS one is the connector's business alone."""
    return None if proxy is None or proxy.speaks_socks else proxy.url


async def connected_to(
    session: aiohttp.ClientSession,
    url: URL,
    trust: ssl.SSLContext | bool,
    server_name: str | None,
    proxy: Proxy | None,
) -> str:
    """Connect as a request would, and say where to: `host:port (address), TLSv1.3`. Sends nothing to the receiver. Raises what
    aiohttp raises."""
    way = http_proxy(proxy)
    request = NotingRequest(
        "HEAD", url, loop=asyncio.get_running_loop(), ssl=trust, server_hostname=server_name,
        proxy=URL(way) if way else None,
    )  # fmt: skip
    connector = session.connector
    assert connector is not None
    connection = await connector.connect(request, [], aiohttp.ClientTimeout(total=None))
    transport: Any = connection.transport
    try:
        peer = transport.get_extra_info("peername")[0]
        wrapped = transport.get_extra_info("ssl_object")
        secure = f", {wrapped.version()}" if wrapped is not None else ""
        via = "" if proxy is None else ": through the proxy"
        reached = "" if way is None or url.scheme == "https" else "; what lies behind it is not checked"
        return f"{url.host}:{url.port} ({peer}){secure}{via}{reached}"
    finally:
        transport.abort()
        connection.close()


def _sockets(egress: Egress, *, judge: bool) -> Any:
    """The last gate: judges the very address that is about to be connected, however it was come by, and binds the socket."""

    def new_socket(target: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, address = target
        if judge:
            _judge(str(address[0]), egress)
        sock = socket.socket(family, kind, protocol)
        start_from(sock, str(address[0]), egress)
        return sock

    return new_socket


def _judge(address: str, egress: Egress) -> None:
    """Raises EgressDenied."""
    verdict = verdict_of(address, egress)
    if isinstance(verdict, Denied):
        raise EgressDenied(address, verdict.reason)
