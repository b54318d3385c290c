"""Just enough of HTTP/1.1 for a receiver that has to be able to break it (RFC 9112). Knows nothing of webhooks."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass


class Gone(Exception):
    """The other side closed the connection, or sent what is no request."""


@dataclass(frozen=True)
class Request:
    """Header names in lower case."""

    headers: Mapping[str, str]
    body: bytes


async def read_head(reader: asyncio.StreamReader) -> dict[str, str]:
    """The headers of the next request. Raises Gone."""
    try:
        text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        raise Gone from None
    pairs = (line.partition(":") for line in text.split("\r\n")[1:] if line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


async def read_request(head: Mapping[str, str], reader: asyncio.StreamReader) -> Request:
    """The body that belongs to `head`. Raises Gone."""
    try:
        return Request(head, await reader.readexactly(int(head.get("content-length", "0"))))
    except asyncio.IncompleteReadError:
        raise Gone from None


def response(status: int, headers: Mapping[str, str] | None = None) -> bytes:
    """A whole answer with a short body."""
    lines = [f"HTTP/1.1 {status} Chaos", "Content-Length: 2"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return ("\r\n".join(lines) + "\r\n\r\nok").encode("latin-1")
