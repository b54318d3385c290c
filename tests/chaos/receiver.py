"""A receiver process: several webhooks, each on a port of its own so that it can refuse connections alone.

Writes what it accepts to disk before it answers. Misbehaves as it is told; checks signatures by its own code.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import sys
import time
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from typing import Any

from tests.chaos.control import Message, serve
from tests.chaos.http import Gone, Request, read_head, read_request, response
from tests.chaos.journal import Journal
from tests.chaos.payload import Unreadable, events_of, signature_ok

QUICK = 0.4
"""An answer within this share of the sender's timeout surely came before it gave up."""


@dataclass
class Endpoint:
    """One webhook. `mode` is how it behaves now; `most` and `poison` are what it never takes."""

    name: str
    port: int
    format: str
    timeout: float
    signature: dict[str, str] | None
    most: int
    poison: bool
    mode: dict[str, Any] = field(default_factory=lambda: {"kind": "ok"})
    server: asyncio.Server | None = None
    writers: set[asyncio.StreamWriter] = field(default_factory=set)
    accepted: int = 0

    def close(self) -> None:
        """Refuse connections from now on, and drop those there are."""
        if self.server is not None:
            self.server.close()
            self.server = None
        for writer in list(self.writers):
            writer.transport.abort()


class Receiver:
    """All endpoints of this process and its journal."""

    def __init__(self, spec: dict[str, Any], journal: Journal) -> None:
        self._journal = journal
        self._endpoints = {entry["name"]: Endpoint(**entry) for entry in spec["endpoints"]}
        self._ending = asyncio.Event()

    async def run(self, control: int) -> None:
        for endpoint in self._endpoints.values():
            await self._open(endpoint)
        async with await serve(control, self._command):
            await self._ending.wait()
        for endpoint in self._endpoints.values():
            endpoint.close()
        self._journal.close()

    async def _command(self, message: Message) -> Message:
        match message["do"]:
            case "behave":
                endpoint = self._endpoints[message["webhook"]]
                endpoint.mode = message["mode"]
                await self._doors(endpoint)
            case "heal":
                for endpoint in self._endpoints.values():
                    endpoint.mode = {"kind": "ok"}
                    await self._doors(endpoint)
            case "end":
                self._ending.set()
        return {"accepted": sum(endpoint.accepted for endpoint in self._endpoints.values())}

    async def _doors(self, endpoint: Endpoint) -> None:
        """Open or closed, as the mode says. A closed one also drops the connections that it has."""
        if endpoint.mode["kind"] != "refuse":
            await self._open(endpoint)
        else:
            endpoint.close()

    async def _open(self, endpoint: Endpoint) -> None:
        if endpoint.server is None:
            endpoint.server = await asyncio.start_server(
                lambda reader, writer: self._serve(endpoint, reader, writer), "127.0.0.1", endpoint.port, limit=1 << 20
            )

    async def _serve(self, endpoint: Endpoint, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        endpoint.writers.add(writer)
        try:
            while await self._exchange(endpoint, reader, writer):
                pass
        except (Gone, OSError):
            pass
        finally:
            endpoint.writers.discard(writer)
            writer.close()

    async def _exchange(self, endpoint: Endpoint, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request; whether the connection may be used for another."""
        head = await read_head(reader)
        begun = time.monotonic()
        if endpoint.mode["kind"] == "half-read":
            await reader.read(100)
            return False
        request = await read_request(head, reader)
        return await _Visit(endpoint, self._journal, request, begun, reader, writer).answer()


@dataclass
class _Visit:
    """One request and what becomes of it."""

    endpoint: Endpoint
    journal: Journal
    request: Request
    begun: float
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def answer(self) -> bool:
        mode = dict(self.endpoint.mode)
        match mode["kind"]:
            case "ok" | "slow":
                await asyncio.sleep(mode.get("seconds", 0.0))
                return await self._judge()
            case "status":
                return await self._refuse(mode["status"], mode.get("headers", {}))
            case "retry-after":
                return await self._refuse(429, {"Retry-After": _wish(mode)})
            case "hang":
                self._note(0, accepted=False)
                async with asyncio.timeout(60.0):
                    await self.reader.read(1)
                return False
        return await self._spoil(mode["kind"])

    async def _spoil(self, kind: str) -> bool:
        """The events are taken, but the sender does not learn it, or not in time."""
        self._note(200, accepted=True, told=False)
        whole = response(200)
        if kind == "late-200":
            await asyncio.sleep(self.endpoint.timeout + 0.7)
            self.writer.write(whole)
        elif kind == "half-answer":
            self.writer.write(whole[: len(whole) // 2])
        elif kind == "dribble":
            for byte in whole:
                self.writer.write(bytes([byte]))
                await self.writer.drain()
                await asyncio.sleep(1.0)
        await self.writer.drain()
        return False

    async def _judge(self) -> bool:
        """Take it, unless it holds what this receiver never takes."""
        try:
            events = events_of(self.endpoint.format, self.request)
        except Unreadable as error:
            print(f"{self.endpoint.name}: a body that cannot be read: {error}", flush=True)
            return await self._refuse(500, {})
        if self.endpoint.most and len(events) > self.endpoint.most:
            return await self._refuse(413, {})
        if self.endpoint.poison and any(event["data"]["poison"] for event in events):
            return await self._refuse(400, {})
        quick = time.monotonic() - self.begun < QUICK * self.endpoint.timeout
        self._note(200, accepted=True, told=quick and not self.reader.at_eof(), events=events)
        self.endpoint.accepted += len(events)
        self.writer.write(response(200))
        await self.writer.drain()
        return True

    async def _refuse(self, status: int, headers: dict[str, str]) -> bool:
        self._note(status, accepted=False)
        self.writer.write(response(status, headers))
        await self.writer.drain()
        return True

    def _note(
        self, status: int, *, accepted: bool, told: bool = False, events: list[dict[str, Any]] | None = None
    ) -> None:
        headers = self.request.headers
        count = headers.get("forwarder-events")
        with contextlib.suppress(Unreadable):
            events = events_of(self.endpoint.format, self.request) if events is None else events
        self.journal.write(
            {
                "t": time.time(), "webhook": self.endpoint.name, "batch_id": headers.get("forwarder-batch-id", ""),
                "attempt": int(headers.get("forwarder-attempt", 0)), "ids": [event["id"] for event in events or ()],
                "count": int(count) if count else None, "offsets": headers.get("forwarder-offsets", ""),
                "discarded": headers.get("forwarder-discarded", ""), "status": status, "accepted": accepted,
                "told": told, "digest": hashlib.sha256(self.request.body).hexdigest()[:16],
                "signature_ok": signature_ok(self.endpoint.signature, self.request),
            }
        )  # fmt: skip


def _wish(mode: dict[str, Any]) -> str:
    """`Retry-After` in seconds, or as an HTTP date."""
    seconds = int(mode["seconds"])
    return formatdate(time.time() + seconds, usegmt=True) if mode.get("date") else str(seconds)


def main() -> None:
    spec = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    asyncio.run(Receiver(spec, Journal(Path(spec["journal"]))).run(spec["control"]))


if __name__ == "__main__":
    main()
