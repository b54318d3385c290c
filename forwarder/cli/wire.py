"""Puts an answer on the wire in the manner it asks for, broken ones included. Chooses nothing, records nothing."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from aiohttp import web

from forwarder.cli.behaviour import Answer, Manner


def told(chosen: Answer) -> int:
    """The status that the sender gets to see; 0 for none."""
    return 0 if chosen.manner in (Manner.NEVER, Manner.GARBAGE) else chosen.status


def permission(request: web.Request) -> web.Response | None:
    """The answer to a sender that asks for permission first: any may send, as often as it likes. None for other requests.

    Source: CloudEvents, "HTTP 1.1 Web Hooks for Event Delivery", section 4.
    """
    origin = request.headers.get("WebHook-Request-Origin")
    if request.method != "OPTIONS" or origin is None:
        return None
    granted = {"Allow": "POST", "WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*"}
    return web.Response(headers=granted)


async def pause(changed: asyncio.Event, seconds: float | None) -> None:
    """Waits for `seconds` (None: for ever), or less when the behaviour changes."""
    with suppress(TimeoutError):
        await asyncio.wait_for(changed.wait(), seconds)


async def send(request: web.Request, chosen: Answer, changed: asyncio.Event) -> web.StreamResponse:
    """`changed` ends what would go on for ever. A plain answer's delay is the caller's."""
    match chosen.manner:
        case Manner.PLAIN:
            return web.Response(status=chosen.status, headers=chosen.headers, body=chosen.body)
        case Manner.NEVER:
            await pause(changed, None)
            return _cut(request)
        case Manner.GARBAGE:
            return _cut(request, b"\x16\x03\x01 this is not HTTP\r\n\r\n")
        case Manner.HALF_WAY:
            return _cut(request, b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"taken": ')
        case Manner.DRIBBLE:
            return await _trickle(request, b".", chosen.interval, changed)
        case Manner.ENDLESS:
            return await _trickle(request, b"." * 65536, 0.0, changed)


def _cut(request: web.Request, last_words: bytes = b"") -> web.Response:
    """Writes below HTTP and closes; the response that aiohttp wants has nowhere to go."""
    if request.transport is not None:
        request.transport.write(last_words)
        request.transport.close()
    return web.Response()


async def _trickle(request: web.Request, piece: bytes, seconds: float, changed: asyncio.Event) -> web.StreamResponse:
    response = web.StreamResponse()
    response.enable_chunked_encoding()
    await response.prepare(request)
    while not changed.is_set() and not (request.transport is None or request.transport.is_closing()):
        await response.write(piece)
        await pause(changed, seconds)
    return response
