"""The receivers of one small run, in this process: what each webhook's endpoint does is a function of the request. Keeps the lines
of the journal; decides nothing by itself."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.http import Gone, Request, read_head, read_request, response
from tests.chaos.payload import events_of, signature_ok

HANG = 0
"""The status of a request that is never answered."""


@dataclass
class Visit:
    """A request: `number` counts from 1 per webhook. `status` is what will be answered, `taken` whether the events count as taken."""

    webhook: str
    number: int
    ids: list[str]
    request: Request
    status: int = 200
    taken: bool = True

    def refuse(self, status: int) -> None:
        self.status, self.taken = status, False

    def hang(self) -> None:
        """Take the events, and never say so."""
        self.status = HANG


Behaviour = Callable[[Visit], Awaitable[None]]


async def take(visit: Visit) -> None:
    """The default: 200 at once."""


@dataclass
class Receiver:
    """`behaviours` is by webhook. `lines` are in order of arrival. `accepted[webhook]` are the ids taken."""

    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    signatures: dict[str, dict[str, str]] = field(default_factory=dict)
    lines: list[dict[str, Any]] = field(default_factory=list)
    accepted: dict[str, set[str]] = field(default_factory=dict)
    last: float = 0.0
    _counts: dict[str, int] = field(default_factory=dict)
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def __aenter__(self) -> Receiver:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 22)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await self._server.wait_closed()

    def url(self, webhook: str) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/{webhook}"

    def requests(self, webhook: str) -> int:
        """How many requests of the webhook have come."""
        return self._counts.get(webhook, 0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while await self._exchange(reader, writer):
                pass
        except (Gone, OSError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        start = await reader.readline()
        if not start:
            return False
        webhook = start.split()[1].decode().lstrip("/")
        # the path is in the first line, which `read_head` reads over
        request = await read_request(await read_head(_Rejoined(start, reader)), reader)  # type: ignore[arg-type]
        visit = self._arrived(webhook, request)
        line = self._line(visit)
        await self.behaviours.get(webhook, take)(visit)
        line |= {"t": time.time(), "status": visit.status, "accepted": visit.taken}
        self.last = time.monotonic()
        if visit.taken:
            self.accepted.setdefault(webhook, set()).update(visit.ids)
        if visit.status == HANG:
            with contextlib.suppress(OSError):
                await reader.read(1)
            return False
        writer.write(response(visit.status))
        await writer.drain()
        line["told"] = 200 <= visit.status < 300 and not reader.at_eof() and not writer.transport.is_closing()
        return True

    def _arrived(self, webhook: str, request: Request) -> Visit:
        self._counts[webhook] = self._counts.get(webhook, 0) + 1
        ids = [event["id"] for event in events_of("json", request)]
        return Visit(webhook, self._counts[webhook], ids, request)

    def _line(self, visit: Visit) -> dict[str, Any]:
        headers, count = visit.request.headers, visit.request.headers.get("forwarder-events")
        line = {
            "t": time.time(), "webhook": visit.webhook, "batch_id": headers.get("forwarder-batch-id"),
            "attempt": int(headers.get("forwarder-attempt", 0)), "ids": visit.ids,
            "count": int(count) if count else None, "offsets": headers.get("forwarder-offsets", ""),
            "discarded": headers.get("forwarder-discarded", ""), "status": HANG, "accepted": False, "told": False,
            "signature_ok": signature_ok(self.signatures.get(visit.webhook), visit.request),
            "digest": hashlib.sha256(visit.request.body).hexdigest()[:16],
        }  # fmt: skip
        self.lines.append(line)
        return line


@dataclass
class _Rejoined:
    """The first line back in front of the stream."""

    start: bytes
    reader: asyncio.StreamReader

    async def readuntil(self, separator: bytes) -> bytes:
        return self.start + await self.reader.readuntil(separator)
