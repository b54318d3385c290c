"""Compresses bodies: gzip and zstd. Same content, same bytes. Decides nothing."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable, Mapping

import cramjam

_IN_THREAD_BYTES = 128 * 1024
"""Above it compressing would hold up the event loop for milliseconds."""


def _gzip(content: bytes) -> bytes:
    """RFC 1952, without a time stamp; the cheapest level: processor time is scarcer here than bandwidth."""
    return gzip.compress(content, 1, mtime=0)


def _zstd(content: bytes) -> bytes:
    """RFC 8878; a level that is faster than gzip's cheapest and smaller."""
    return bytes(cramjam.zstd.compress(content, 1))


CODINGS: Mapping[str, Callable[[bytes], bytes]] = {"gzip": _gzip, "zstd": _zstd}
"""By the name in `Content-Encoding` (RFC 9110, section 8.4; RFC 8878)."""


async def compressed(content: bytes, coding: str) -> bytes:
    """The content in a coding of `CODINGS`."""
    if len(content) <= _IN_THREAD_BYTES:
        return CODINGS[coding](content)
    return await asyncio.to_thread(CODINGS[coding], content)
