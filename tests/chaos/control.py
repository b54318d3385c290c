"""How the harness talks to its own processes: one JSON line there, one back, on a loopback port."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

Message = dict[str, Any]


async def serve(port: int, handle: Callable[[Message], Awaitable[Message]]) -> asyncio.Server:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            reply = await handle(json.loads(await reader.readline()))
            writer.write(json.dumps(reply).encode() + b"\n")
            await writer.drain()

    return await asyncio.start_server(talk, "127.0.0.1", port, limit=1 << 20)


async def call(port: int, message: Message, timeout: float = 60.0) -> Message:
    """The reply. Raises OSError or TimeoutError when the process does not answer."""
    async with asyncio.timeout(timeout):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
        with contextlib.closing(writer):
            writer.write(json.dumps(message).encode() + b"\n")
            await writer.drain()
            reply: Message = json.loads(await reader.readline())
            return reply
