"""Targets for everything that receivers say: raw HTTP answers over a real socket, `Retry-After`, times and signatures in texts."""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress

from forwarder.clock import SystemClock
from forwarder.deliver.client import Client
from forwarder.deliver.request import Request
from forwarder.deliver.retry_after import retry_after
from forwarder.deliver.verdict import judge
from forwarder.model.attempt import Failure, Response
from forwarder.model.times import time_ns
from forwarder.model.verdict import Retry
from forwarder.settings.process import Egress
from forwarder.settings.webhook import Webhook
from tests.fuzz.target import target

NOW = 1_790_000_000.0
HOOK = Webhook(name="fuzz", url="https://fuzz.example/")
DATES = (
    b"120", b"0", b"-1", b"1e3", b"Sun, 06 Nov 1994 08:49:37 GMT", b"Sunday, 06-Nov-94 08:49:37 GMT", b"Sun Nov  6 08:49:37 1994",
    b"Fri, 31 Dec 9999 23:59:59 GMT", b"Sat, 22 Nov 2026 10:00:00 +2400", b"99999999999999999999", b"0x10", b"\xd9\xa1\xd9\xa2",
)  # fmt: skip
ANSWERS = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.0 301 Moved\r\nLocation: http://127.0.0.1:1/\r\n\r\n",
)
HTTP_TOKENS = (
    b"\r\n", b"HTTP/1.1 ", b"Content-Length: ", b"99999999999999999999", b"-1", b"Transfer-Encoding: chunked\r\n", b"\x00", b"\xff",
    b"Set-Cookie: a=b\r\n", b"Content-Encoding: gzip\r\n", b"Connection: close\r\n", b"ffffffffffffffff\r\n", b"Retry-After: ", b": ",
    b"Upgrade: websocket\r\n", b"A" * 9000,
)  # fmt: skip


@target("retry-after", DATES, (b"GMT", b", ", b":", b"+0000", b"-", b" "))
def any_retry_after(data: bytes) -> None:
    """A wish is a number of seconds between 0 and the cap, or none; and the verdict is to retry in either case."""
    text = data.decode("latin-1")
    wish = retry_after(text, now_wall=NOW, cap=3600.0)
    assert wish is None or (math.isfinite(wish) and 0 <= wish <= 3600)
    verdict = judge(Response(429, {"retry-after": text}), events=3, webhook=HOOK, now_wall=NOW)
    assert isinstance(verdict, Retry)


@target(
    "time",
    (b"2026-11-22T10:00:00.123456789+01:00", b"1790000000", b"1790000000.5", *DATES),
    (b"T", b"Z", b"-", b":", b"60", b"e308"),
)
def any_time(data: bytes) -> None:
    """A time is nanoseconds since 1970 or 0; no text raises."""
    assert isinstance(time_ns(data.decode("utf-8", "replace")), int)


@target("http", ANSWERS, HTTP_TOKENS)
def any_answer(data: bytes) -> None:
    """Whatever a receiver writes on the socket, the attempt ends, with an answer or a failure, and a verdict follows."""
    result = _ASK.run(_exchange(data))
    assert isinstance(result, Response | Failure)
    if isinstance(result, Response):
        assert result.status < 1000
    judge(result, events=1, webhook=HOOK, now_wall=NOW)


async def _exchange(answer: bytes) -> Response | Failure:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    client = Client(Egress(allow=("127.0.0.0/8",)), SystemClock())
    try:
        port = server.sockets[0].getsockname()[1]
        request = Request(url=f"http://127.0.0.1:{port}/", headers={}, content=b"[]", timeout=5.0, connect_timeout=2.0)
        async with asyncio.timeout(20.0):
            return (await client.post(request)).result
    finally:
        await client.close()
        server.close()


_ASK = asyncio.Runner()
