"""How aiohttp sessions are set up: what is kept alive, bounded, guarded and noticed. Sends nothing."""

from __future__ import annotations

import asyncio
import socket
from contextvars import ContextVar
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

import aiohttp

from forwarder.deliver.egress import Denied, EgressDenied, verdict_of
from forwarder.deliver.resolver import GuardedResolver
from forwarder.settings.process import Egress

_KEEP_ALIVE_SECONDS = 30.0
_DNS_CACHE_SECONDS = 20
_MAX_HEADER_LINE_BYTES = 8190
_MAX_HEADERS = 100
_READ_BUFFER_BYTES = 16 * 1024
_ADDED_BY_AIOHTTP = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


class Wire:
    """The connection that one request got, for as long as it is that request's: once the answer is complete, aiohttp hands
    it on, and it must not be ended any more by the one who had it before."""

    _users: ClassVar[WeakKeyDictionary[Any, object]] = WeakKeyDictionary()  # holds tokens: a wire would hold its key

    def __init__(self) -> None:
        self.connected = False
        self.reused = False
        self.answered = False
        self._token = object()
        self._protocol: Any = None
        self._transport: asyncio.Transport | None = None

    def take(self, protocol: Any, transport: asyncio.Transport | None) -> None:
        """The request goes over this connection now; `protocol` stands for it from its beginning to its end."""
        self.connected = True
        self.reused = protocol in self._users
        self._protocol, self._transport = protocol, transport
        self._users[protocol] = self._token

    def abort(self) -> None:
        """End the connection without waiting for what is still to be written: a receiver that does not read would
        otherwise hold the bytes and the socket for ever."""
        if self._transport is not None and self._is_ours:
            self._transport.abort()

    @property
    def unsent(self) -> bool:
        """Whether a part of the request has not left yet."""
        return self._transport is not None and self._is_ours and self._transport.get_write_buffer_size() > 0

    @property
    def _is_ours(self) -> bool:
        return self._users.get(self._protocol) is self._token


WIRE: ContextVar[Wire] = ContextVar("wire")
"""The present request's wire. aiohttp makes its request object itself, so there is no argument to pass it by."""


class NotingRequest(aiohttp.ClientRequest):
    """Notes on the wire which connection the request got."""

    async def send(self, conn: Any) -> aiohttp.ClientResponse:
        WIRE.get().take(conn.protocol, conn.transport)
        return await super().send(conn)


def new_session(egress: Egress, *, keep_alive: bool) -> aiohttp.ClientSession:
    """A session without limits on connections (lanes have their own), without automatic headers and without cookies.

    With a proxy, names are resolved by the proxy and its own address is the owner's choice, so only addresses written in
    the URL itself are judged (by the client).
    """
    guarded = egress if egress.proxy is None else Egress(guard=False)
    connector = aiohttp.TCPConnector(
        limit=0,
        limit_per_host=0,
        ttl_dns_cache=_DNS_CACHE_SECONDS,
        resolver=GuardedResolver(guarded),
        socket_factory=_guarded_sockets(guarded),
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


def _guarded_sockets(egress: Egress) -> Any:
    """The last gate: judges the very address that is about to be connected, however it was come by."""

    def new_socket(target: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, address = target
        verdict = verdict_of(str(address[0]), egress)
        if isinstance(verdict, Denied):
            raise EgressDenied(str(address[0]), verdict.reason)
        return socket.socket(family, kind, protocol)

    return new_socket
