"""Receivers of all kinds in one process, the kind named by the path: `/ok/NAME`, `/status/503`, `/hang`, `/deaf` and more.

Prints `PORT BLACKHOLE` (a port where a connection is never accepted), serves until SIGTERM. `GET /ages` gives the ages in seconds of
all events that `/ok/NAME` took since the last such question, as JSON by name; an event tells its time of production as `"at":SECONDS`.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import time
from collections import defaultdict
from dataclasses import dataclass, field

HEAD_BYTES = 64 * 1024
_AT = re.compile(rb'"at":\s*([0-9.]+)')


@dataclass
class Taken:
    """What `/ok/NAME` has taken. `delivered` counts requests."""

    ages: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    delivered: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def answer(status: int, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Endpoints:
    """Forgets every body at once."""

    def __init__(self) -> None:
        self.taken = Taken()
        self._never = (
            asyncio.Event()
        )  # kept: what waits for something that nobody holds is collected, and its connection closed

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                path = head.split(b" ", 2)[1].decode()
                if path == "/deaf":
                    await self._never.wait()
                body = await _body(reader, head, keep=path.startswith("/ok/"))
                await self._answer(path, body, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _answer(self, path: str, body: bytes, writer: asyncio.StreamWriter) -> None:
        kind, _, argument = path.lstrip("/").partition("/")
        match kind:
            case "ok":
                now = time.time()
                self.taken.delivered[argument] += 1
                self.taken.ages[argument] += [now - float(at) for at in _AT.findall(body)]
                writer.write(answer(200, b"ok"))
            case "ages":
                taken, self.taken = self.taken, Taken()
                writer.write(answer(200, json.dumps(taken.ages).encode()))
            case "status":
                writer.write(answer(int(argument), b"no", *(["Retry-After: 1"] if argument == "429" else [])))
            case "hang":
                await self._never.wait()
            case "paced":
                await asyncio.sleep(1.0)
                writer.write(answer(200, b"ok"))
            case "dribble":
                writer.write(b"HTTP/1.1 200 X\r\nContent-Length: 1000\r\n\r\n")
                for _ in range(1000):
                    writer.write(b"x")
                    await writer.drain()
                    await asyncio.sleep(1.0)


async def _body(reader: asyncio.StreamReader, head: bytes, *, keep: bool) -> bytes:
    found = re.search(rb"(?i)content-length: *(\d+)", head)
    left, parts = int(found[1]) if found else 0, []
    while left:
        part = await reader.read(min(left, 256 * 1024))
        if not part:
            raise asyncio.IncompleteReadError(part, left)
        left -= len(part)
        if keep:
            parts.append(part)
    return b"".join(parts)


def blackhole() -> tuple[socket.socket, list[socket.socket]]:
    """A listener with a full queue: who connects waits for ever."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    fillers = []
    for _ in range(3):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(listener.getsockname())
        fillers.append(filler)
    return listener, fillers


async def main() -> None:
    server = await asyncio.start_server(Endpoints().serve, "127.0.0.1", 0, limit=HEAD_BYTES, backlog=2048)
    hole, fillers = blackhole()
    print(server.sockets[0].getsockname()[1], hole.getsockname()[1], flush=True)
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    asyncio.get_running_loop().add_reader(0, stopped.set)  # whoever started it is gone
    await stopped.wait()
    for each in (hole, *fillers):
        each.close()
    os._exit(0)  # those who hang for ever are not waited for


if __name__ == "__main__":
    asyncio.run(main())
