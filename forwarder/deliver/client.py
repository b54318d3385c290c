"""The only door to aiohttp's client: one request in, a Response or a Failure out. Never raises for what a receiver does.

Redirects, cookies, proxies from the environment, decompression and automatic retries are off.
"""

from __future__ import annotations

import asyncio
import ssl
from functools import lru_cache

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from forwarder.clock import Clock
from forwarder.deliver.auth.tokens import Tokens
from forwarder.deliver.connector import connected_to, http_proxy, new_session
from forwarder.deliver.egress import Denied, EgressDenied, literal_address, verdict_of
from forwarder.deliver.faults import failure_of
from forwarder.deliver.names import is_host_name
from forwarder.deliver.proxy import proxy_of
from forwarder.deliver.request import Exchange, Request
from forwarder.deliver.resolver import Lookup, SystemLookup, refuse_local_name
from forwarder.deliver.tls import TlsContexts, TlsUnusable
from forwarder.deliver.wire import WIRE, Wire
from forwarder.model.attempt import Failure, Fault, Response
from forwarder.settings.process import Egress
from forwarder.settings.secrets import SecretUnavailable

_parse = lru_cache(maxsize=4096)(URL)
_Ready = tuple[URL, ssl.SSLContext | bool]


class Client:
    """Shared by all senders: one pool of kept-alive connections, keyed by host and TLS context, and one store of `tokens`."""

    def __init__(self, egress: Egress, clock: Clock, lookup: Lookup | None = None) -> None:
        self._egress = egress
        self._proxy = proxy_of(egress)
        self._clock = clock
        self._lookup = lookup or SystemLookup().lookup
        self._contexts = TlsContexts()
        self._session: aiohttp.ClientSession | None = None
        self.tokens = Tokens(self.post, clock)

    async def reach(self, request: Request) -> str | Failure:
        """Connect as for this request, TLS included, and send nothing. What was reached, for people. Raises nothing but
        CancelledError."""
        prepared = self._prepare(request)
        if isinstance(prepared, Failure):
            return prepared
        url, trust = prepared
        wire = Wire()
        WIRE.set(wire)
        try:
            async with (
                asyncio.timeout(request.connect_timeout),
                new_session(self._egress, self._lookup, keep_alive=False) as session,
            ):
                return await connected_to(session, url, trust, request.tls.server_name, self._proxy)
        except (aiohttp.ClientError, OSError, ValueError, RuntimeError) as error:
            return _at_proxy(wire, error) or failure_of(error, connected=False)

    async def post(self, request: Request, *, fresh: bool = False) -> Exchange:
        """Send once; `fresh` asks for a connection of its own. Raises nothing but CancelledError."""
        prepared = self._prepare(request)
        if isinstance(prepared, Failure):
            return Exchange(prepared)
        if fresh:
            async with new_session(self._egress, self._lookup, keep_alive=False) as session:
                return await self._exchange(session, prepared, request)
        if self._session is None:
            self._session = new_session(self._egress, self._lookup, keep_alive=True)
        return await self._exchange(self._session, prepared, request)

    async def close(self) -> None:
        """Close all connections, those in use too."""
        await self.tokens.close()
        if self._session is not None:
            await self._session.close()

    def _prepare(self, request: Request) -> _Ready | Failure:
        """The permitted URL, and whom to trust."""
        try:
            url = self._permitted(request.url)
            return url, self._trust(url, request)
        except EgressDenied as error:
            return Failure(Fault.EGRESS, error.text)
        except TlsUnusable as error:
            return Failure(Fault.TLS, str(error))
        except SecretUnavailable as error:
            return Failure(Fault.CREDENTIALS, str(error))
        except ValueError:
            return Failure(Fault.PROTOCOL, "the URL cannot be used")

    def _permitted(self, text: str) -> URL:
        """The parsed URL. A host written as an address is judged here; names are judged by what they resolve to. Raises ValueError,
        EgressDenied."""
        url = _parse(text)
        host = url.raw_host or ""
        address = literal_address(host)
        if address is not None:
            verdict = verdict_of(address, self._egress)
            if isinstance(verdict, Denied):
                raise EgressDenied(str(url.host), verdict.reason)
        elif not is_host_name(host):
            raise ValueError("not a host name")
        elif self._proxy is not None and self._proxy.resolves:
            refuse_local_name(host, self._egress)
        return url

    def _trust(self, url: URL, request: Request) -> ssl.SSLContext | bool:
        if url.scheme != "https":
            return True
        return self._contexts.context(request.tls, request.allow_invalid_certs)

    async def _exchange(self, session: aiohttp.ClientSession, ready: _Ready, request: Request) -> Exchange:
        url, trust = ready
        wire = Wire()
        WIRE.set(wire)
        try:
            async with asyncio.timeout(request.timeout):
                response = await session.request(
                    request.method,
                    url,
                    data=Content(request.content),
                    headers=CIMultiDict(request.headers),
                    allow_redirects=False,
                    proxy=http_proxy(self._proxy),
                    ssl=trust,
                    server_hostname=request.tls.server_name,
                    timeout=aiohttp.ClientTimeout(total=None, connect=request.connect_timeout),
                )
                wire.answered = True
                answer = await _read(response, wire, request.answer_bytes)
                return Exchange(self._told(url, answer), wire.reused, sent_bytes=len(request.content))
        except (aiohttp.ClientError, OSError, ValueError, RuntimeError) as error:
            wire.abort()
            failure = _at_proxy(wire, error) or failure_of(error, connected=wire.connected)
            sent = len(request.content) if wire.connected else 0
            return Exchange(failure, wire.reused, stale=_stale(wire, error), sent_bytes=sent)
        except asyncio.CancelledError:
            wire.abort()
            raise

    def _told(self, url: URL, answer: Response) -> Response | Failure:
        """An answer that only a proxy gives is no answer of the receiver (RFC 9110, section 15.5.8)."""
        if answer.status == 407 and url.scheme == "http" and http_proxy(self._proxy) is not None:
            return Failure(Fault.WAY_OUT, "the proxy answered 407")
        return answer


def _at_proxy(wire: Wire, error: Exception) -> Failure | None:
    """The failure when the time ran out before the proxy itself was reached."""
    late = wire.at_proxy and not wire.connected and isinstance(error, TimeoutError)
    return Failure(Fault.WAY_OUT, "the proxy gave no answer in time") if late else None


class Content(aiohttp.BytesPayload):
    """The body as it is. aiohttp's own class warns about more than 1 MiB; ours is bounded by `maxBytes` and already whole."""

    def __init__(self, content: bytes) -> None:
        aiohttp.Payload.__init__(self, content, content_type="application/octet-stream")
        self._size = len(content)


async def _read(response: aiohttp.ClientResponse, wire: Wire, room: int) -> Response:
    """The answer with at most `room` bytes of its body.

    More is not read: the connection is ended when the receiver has more to say, or answered without reading the whole request.
    """
    parts: list[bytes] = []
    try:
        while room > 0 and (part := await response.content.read(room)):
            parts.append(part)
            room -= len(part)
        if wire.unsent or not response.content.at_eof():
            wire.abort()
        else:
            response.release()
    finally:
        response.close()  # does nothing after a release
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Response(response.status, headers, b"".join(parts))


def _stale(wire: Wire, error: Exception) -> bool:
    """Whether a kept-alive connection broke before the first byte of an answer: the receiver had closed it while idle."""
    if wire.answered or not wire.reused:
        return False
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return isinstance(error.message, str)  # otherwise it holds the part that had arrived
    return isinstance(error, ConnectionError | aiohttp.ClientOSError)
