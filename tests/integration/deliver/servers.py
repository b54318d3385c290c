"""Receivers that behave badly in one scripted way, on 127.0.0.1, and one that records what it was sent."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

Script = Callable[["Received", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Received:
    """One request as it came."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """A server that reads whole requests and lets a script answer; counts connections."""

    script: Script
    port: int = 0
    connections: int = 0
    requests: list[Received] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                request = await read_request(reader)
                self.requests.append(request)
                await self.script(request, reader, writer)
                await writer.drain()
                if writer.is_closing():
                    return
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()


async def read_request(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    pairs = (line.partition(":") for line in head[1:] if line)
    headers = {name: value.strip() for name, _, value in pairs}
    length = int({name.lower(): value for name, value in headers.items()}.get("content-length", "0"))
    return Received(head[0], headers, await reader.readexactly(length))


@asynccontextmanager
async def receiver(script: Script, trust: ssl.SSLContext | None = None, port: int = 0) -> AsyncIterator[Receiver]:
    """A running receiver; every connection is torn down at the end."""
    made = Receiver(script)
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.ensure_future(made.serve(reader, writer)))

    server = await asyncio.start_server(connected, "127.0.0.1", port, ssl=trust, backlog=500)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


def raw(*parts: bytes, pause: float = 0.0, then: str = "stay") -> Script:
    """Answer with these bytes, `pause` seconds apart; then `stay`, `close` or `reset` the connection."""

    async def script(_: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            if pause:
                await asyncio.sleep(pause)
        if then == "close":
            writer.close()
        elif then == "reset":
            reset(writer)

    return script


def answer(status: int = 200, body: bytes = b"ok", **headers: str) -> Script:
    """A plain complete answer on a kept-alive connection. Underscores in names stand for hyphens."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = f"HTTP/1.1 {status} Word\r\nContent-Length: {len(body)}\r\n{lines}\r\n"
    return raw(head.encode() + body)


@dataclass
class Deaf:
    """A server that reads no body until told to `listen`; then `heard` counts the bytes that still come."""

    port: int = 0
    listen: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    heard: int = 0


@asynccontextmanager
async def headers_only(script: Script) -> AsyncIterator[Deaf]:
    """Lets `script` answer as soon as the headers are there."""
    made = Deaf()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await script(Received("", {}, b""), reader, writer)
        await made.listen.wait()
        with suppress(ConnectionError):
            while part := await reader.read(65536):
                made.heard += len(part)
        made.ended.set()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    async with server:
        yield made
        made.listen.set()
        await made.ended.wait()


@asynccontextmanager
async def handshakes(trust: ssl.SSLContext) -> AsyncIterator[int]:
    """A port where TLS handshakes are made in the orderly way of common servers: a refusal is told by an alert, and the
    connection is closed without a reset (asyncio's own server aborts it, and the alert with it). Says nothing after."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived, leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        side = trust.wrap_bio(arrived, leaving, server_side=True)
        try:
            while True:
                try:
                    side.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    writer.write(leaving.read())
                    arrived.write(await reader.read(65536))
                except ssl.SSLError:
                    break
            writer.write(leaving.read())
            writer.write_eof()
            while await reader.read(65536):
                pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def reset(writer: asyncio.StreamWriter) -> None:
    """End the connection with a RST."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
