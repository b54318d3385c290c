"""Proxies on 127.0.0.1 that note what they are asked for: HTTP CONNECT (also over TLS) and SOCKS5."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Proxying:
    """`asked` are the targets as the client named them; `target` is where everything is really sent. `reply` other than the good
    one refuses; `login` is what is wanted, or None."""

    target: tuple[str, int]
    port: int = 0
    reply: int = 0
    login: str | None = None
    asked: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    peers: list[str] = field(default_factory=list)


@asynccontextmanager
async def connect_proxy(
    target: tuple[str, int], *, status: int = 200, trust: ssl.SSLContext | None = None
) -> AsyncIterator[Proxying]:
    """Answers CONNECT with `status`, and joins the two ends when that is 200."""
    made = Proxying(target, reply=status)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        made.asked.append(head[0])
        made.peers.append(writer.get_extra_info("peername")[0])
        made.logins += [line for line in head if line.lower().startswith("proxy-authorization")]
        writer.write(f"HTTP/1.1 {made.reply} Word\r\nContent-Length: 0\r\n\r\n".encode() if made.reply != 200 else
                     b"HTTP/1.1 200 Connection established\r\n\r\n")  # fmt: skip
        if made.reply == 200:
            await join(reader, writer, made.target)

    async with serving(serve, made, trust):
        yield made


@asynccontextmanager
async def socks_proxy(target: tuple[str, int], *, reply: int = 0, login: str | None = None) -> AsyncIterator[Proxying]:
    """RFC 1928 with RFC 1929 when a login (`user:password`) is wanted."""
    made = Proxying(target, reply=reply, login=login)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        made.peers.append(writer.get_extra_info("peername")[0])
        _, count = await reader.readexactly(2)
        methods = await reader.readexactly(count)
        if made.login is not None and 2 not in methods:
            writer.write(b"\x05\xff")
            return
        writer.write(b"\x05\x02" if made.login else b"\x05\x00")
        if made.login and not await _logged_in(reader, writer, made):
            return
        _, _, _, kind = await reader.readexactly(4)
        host = await _host(reader, kind)
        (port,) = struct.unpack(">H", await reader.readexactly(2))
        made.asked.append(f"{host}:{port}")
        writer.write(bytes([5, made.reply, 0, 1, 0, 0, 0, 0, 0, 0]))
        if made.reply == 0:
            await join(reader, writer, made.target)

    async with serving(serve, made, None):
        yield made


async def _logged_in(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, made: Proxying) -> bool:
    _, size = await reader.readexactly(2)
    user = (await reader.readexactly(size)).decode()
    (size,) = await reader.readexactly(1)
    made.logins.append(f"{user}:{(await reader.readexactly(size)).decode()}")
    writer.write(b"\x01\x00" if made.logins[-1] == made.login else b"\x01\x01")
    return made.logins[-1] == made.login


async def _host(reader: asyncio.StreamReader, kind: int) -> str:
    if kind == 3:
        (size,) = await reader.readexactly(1)
        return (await reader.readexactly(size)).decode()
    packed = await reader.readexactly(4 if kind == 1 else 16)
    return socket.inet_ntop(socket.AF_INET if kind == 1 else socket.AF_INET6, packed)


async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: tuple[str, int]) -> None:
    """Pass everything on, both ways, until one side ends."""
    far_reader, far_writer = await asyncio.open_connection(*target)

    async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while part := await source.read(65536):
                sink.write(part)
                await sink.drain()
        sink.close()

    await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer))


@asynccontextmanager
async def serving(serve: object, made: Proxying, trust: ssl.SSLContext | None) -> AsyncIterator[None]:
    tasks: set[asyncio.Task[None]] = set()

    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)  # type: ignore[operator]
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            with suppress(OSError):
                writer.close()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.ensure_future(guarded(reader, writer)))

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=trust)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
