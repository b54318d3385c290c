"""Whole requests kept for `forwarder verify`: one JSON line each, headers and body as they came. Judges nothing.

They may hold credentials, and are therefore for their owner's eyes only (mode 0600).
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec


@dataclass(frozen=True, slots=True)
class Captured:
    """`at` is when it came, in seconds since the Unix epoch; None where nobody knows. `headers` has lower-case names."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    at: float | None = None


class Captures:
    """Appends to `path` with one write per line, unbuffered."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write(self, request: Captured) -> None:
        line = {
            "at": request.at,
            "method": request.method,
            "url": _text(request.url),
            "headers": {_text(name): _text(value) for name, value in request.headers.items()},
            "body": base64.b64encode(request.body).decode("ascii"),
        }
        os.write(self._file, msgspec.json.encode(line) + b"\n")

    def close(self) -> None:
        os.close(self._file)


def _text(text: str) -> str:
    """JSON has no place for bytes that are no UTF-8: they become question marks."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


class _Line(msgspec.Struct):
    headers: dict[str, str]
    body: str
    method: str = "POST"
    url: str = ""
    at: float | None = None


def read_captures(text: bytes) -> Iterator[Captured]:
    """What `Captures` wrote. Raises ValueError naming the line."""
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            found = msgspec.json.decode(line, type=_Line)
            body = base64.b64decode(found.body, validate=True)
        except (msgspec.DecodeError, binascii.Error, ValueError):
            raise ValueError(f"line {number} is no request that `forwarder listen --capture` wrote") from None
        headers = {name.lower(): value for name, value in found.headers.items()}
        yield Captured(found.method, found.url, headers, body, found.at)
