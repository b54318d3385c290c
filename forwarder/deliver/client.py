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
from forwarder.deliver.connector import WIRE, Wire, new_session
from forwarder.deliver.egress import Denied, EgressDenied, literal_address, verdict_of
from forwarder.deliver.faults import failure_of
from forwarder.deliver.request import Exchange, Request
from forwarder.deliver.tls import TlsContexts, TlsUnusable
from forwarder.model.attempt import Failure, Fault, Response
from forwarder.settings.process import Egress
from forwarder.settings.secrets import SecretUnavailable

_parse = lru_cache(maxsize=4096)(URL)


class Client:
    """Shared by all senders: one pool of kept-alive connections, keyed by host and TLS context."""

    def __init__(self, egress: Egress, clock: Clock) -> None:
        self._egress = egress
        self._clock = clock
        self._contexts = TlsContexts()
        self._session: aiohttp.ClientSession | None = None

    async def post(self, request: Request, *, fresh: bool = False) -> Exchange:
        """Send once; `fresh` asks for a connection of its own. Raises nothing but CancelledError."""
        try:
            url = self._permitted(request.url)
            trust = self._trust(url, request)
        except EgressDenied as error:
            return Exchange(Failure(Fault.EGRESS, error.text))
        except TlsUnusable as error:
            return Exchange(Failure(Fault.TLS, str(error)))
        except SecretUnavailable as error:
            return Exchange(Failure(Fault.CREDENTIALS, str(error)))
        except ValueError:
            return Exchange(Failure(Fault.PROTOCOL, "the URL cannot be used"))
        if fresh:
            async with new_session(self._egress, keep_alive=False) as session:
                return await self._exchange(session, url, trust, request)
        if self._session is None:
            self._session = new_session(self._egress, keep_alive=True)
        return await self._exchange(self._session, url, trust, request)

    async def close(self) -> None:
        """Close all connections, those in use too."""
        if self._session is not None:
            await self._session.close()

    def _permitted(self, text: str) -> URL:
        """The parsed URL. A host written as an address is judged here; names are judged by what they resolve to."""
        url = _parse(text)
        address = literal_address(url.raw_host or "")
        if address is not None:
            verdict = verdict_of(address, self._egress)
            if isinstance(verdict, Denied):
                raise EgressDenied(str(url.host), verdict.reason)
        return url

    def _trust(self, url: URL, request: Request) -> ssl.SSLContext | bool:
        if url.scheme != "https":
            return True
        return self._contexts.context(request.tls, request.allow_invalid_certs)

    async def _exchange(
        self, session: aiohttp.ClientSession, url: URL, trust: ssl.SSLContext | bool, request: Request
    ) -> Exchange:
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
                    proxy=self._egress.proxy,
                    ssl=trust,
                    server_hostname=request.tls.server_name,
                    timeout=aiohttp.ClientTimeout(total=None, connect=request.connect_timeout),
                )
                wire.answered = True
                return Exchange(
                    await _read(response, wire, request.answer_bytes), wire.reused, sent_bytes=len(request.content)
                )
        except (aiohttp.ClientError, OSError, ValueError, RuntimeError) as error:
            wire.abort()
            failure = failure_of(error, connected=wire.connected)
            sent = len(request.content) if wire.connected else 0
            return Exchange(failure, wire.reused, stale=_stale(wire, error), sent_bytes=sent)
        except asyncio.CancelledError:
            wire.abort()
            raise


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
