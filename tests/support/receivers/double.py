"""What all strict doubles have in common: a request as a value, an answer as a value, and a server on 127.0.0.1 between them.

A double is written from its vendor's documented rules, and refuses what the vendor refuses.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from aiohttp import web


@dataclass(frozen=True)
class Asked:
    """One request; `body` is what its `Content-Encoding` held. `headers` finds names in any case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Said:
    """One answer."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def said(status: int, document: Any) -> Said:
    """An answer in JSON."""
    return Said(status, json.dumps(document).encode(), {"Content-Type": "application/json"})


class Double(Protocol):
    """A receiver."""

    def answer(self, asked: Asked) -> Said: ...


@asynccontextmanager
async def served(double: Double, path: str = "") -> AsyncIterator[str]:
    """The double at a URL of 127.0.0.1."""

    async def handle(request: web.Request) -> web.Response:
        body = await request.read()
        answer = double.answer(Asked(request.method, request.path, request.query, request.headers, body))
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers)

    application = web.Application(client_max_size=1 << 30)
    application.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        yield f"http://127.0.0.1:{port}{path}"
    finally:
        await runner.cleanup()
