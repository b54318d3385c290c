"""How aiohttp sessions are set up: what is kept alive, bounded, guarded and noticed. Sends nothing."""

from __future__ import annotations

import socket
from types import SimpleNamespace
from typing import Any

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


def new_session(egress: Egress, *, keep_alive: bool) -> aiohttp.ClientSession:
    """A session without limits on connections (lanes have their own), without redirects' helpers and without cookies.

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
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=_ADDED_BY_AIOHTTP,
        auto_decompress=False,
        trust_env=False,
        read_bufsize=_READ_BUFFER_BYTES,
        max_line_size=_MAX_HEADER_LINE_BYTES,
        max_field_size=_MAX_HEADER_LINE_BYTES,
        max_headers=_MAX_HEADERS,
        trace_configs=[_connection_trace()],
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


def _connection_trace() -> aiohttp.TraceConfig:
    """Notes on the request's own trace object whether it got a connection and whether that one was used before."""
    trace: aiohttp.TraceConfig = aiohttp.TraceConfig()

    async def created(session: Any, context: SimpleNamespace, params: Any) -> None:
        context.trace_request_ctx.connected = True

    async def reused(session: Any, context: SimpleNamespace, params: Any) -> None:
        context.trace_request_ctx.connected = True
        context.trace_request_ctx.reused = True

    trace.on_connection_create_end.append(created)
    trace.on_connection_reuseconn.append(reused)
    return trace
