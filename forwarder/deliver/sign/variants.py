"""What becomes of a body on its way: the usual changes, undone one at a time. Pure."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import cramjam

from forwarder.deliver.compress import CODINGS

_BOM = b"\xef\xbb\xbf"
_GZIP_LEVELS = (6, 9)
Variant = tuple[str, bytes]
"""What was undone, for people, and the body that results."""


def variants(body: bytes) -> Iterator[Variant]:
    """Each differs from `body` and from all before it."""
    seen = {body}
    for family in (_lines, _codings, _characters, _json):
        for label, other in family(body):
            if other not in seen:
                seen.add(other)
                yield label, other


def _lines(body: bytes) -> Iterator[Variant]:
    for end, name in ((b"\r\n", "CR LF"), (b"\n", "line break")):
        if body.endswith(end):
            yield f"without the {name} at its end", body.removesuffix(end)
    yield "with a line break at its end", body + b"\n"
    yield "with CR LF at its end", body + b"\r\n"
    yield "without white space at both ends", body.strip()
    yield "with LF in place of CR LF", body.replace(b"\r\n", b"\n")
    yield "with CR LF in place of LF", body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    yield "empty", b""


def _codings(body: bytes) -> Iterator[Variant]:
    for name, unpack in (("gzip", gzip.decompress), ("deflate", zlib.decompress), ("zstd", cramjam.zstd.decompress)):
        try:
            yield f"decompressed ({name})", bytes(unpack(body))
        except (OSError, EOFError, zlib.error, cramjam.DecompressionError):
            continue
    for name, pack in CODINGS.items():
        yield f"compressed with {name}, as it was sent", pack(body)
    for level in _GZIP_LEVELS:
        yield "compressed with gzip, as it was sent", gzip.compress(body, level, mtime=0)


def _characters(body: bytes) -> Iterator[Variant]:
    if body.startswith(_BOM):
        yield "without the byte order mark", body[len(_BOM) :]
    for name, source, target in (("Latin-1", "utf-8", "latin-1"), ("UTF-8", "latin-1", "utf-8")):
        try:
            yield f"in {name}", body.decode(source).encode(target)
        except UnicodeError:
            continue


def _json(body: bytes) -> Iterator[Variant]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return
    for label, write in _WRITERS.items():
        try:
            text = write(value)
        except (ValueError, RecursionError):
            continue
        yield f"as {label}", text.encode("utf-8", "surrogatepass")
        yield f"as {label}, with a line break at its end", text.encode("utf-8", "surrogatepass") + b"\n"


def _writer(
    separators: tuple[str, str], *, ascii_only: bool = False, keys_sorted: bool = False, indent: int | None = None
) -> Callable[[Any], str]:
    return lambda value: json.dumps(
        value, separators=separators, ensure_ascii=ascii_only, sort_keys=keys_sorted, indent=indent
    )


_TIGHT, _LOOSE = (",", ":"), (", ", ": ")
_WRITERS: dict[str, Callable[[Any], str]] = {
    "JSON without spaces": _writer(_TIGHT),
    "JSON without spaces, in ASCII": _writer(_TIGHT, ascii_only=True),
    "JSON with spaces": _writer(_LOOSE),
    "JSON with spaces, in ASCII": _writer(_LOOSE, ascii_only=True),
    "JSON without spaces, keys sorted": _writer(_TIGHT, keys_sorted=True),
    "JSON with spaces, keys sorted": _writer(_LOOSE, keys_sorted=True),
    "JSON indented by 2": _writer((",", ": "), indent=2),
    "JSON indented by 4": _writer((",", ": "), indent=4),
    "JSON without spaces, as PHP writes it": lambda value: _writer(_TIGHT, ascii_only=True)(value).replace("/", "\\/"),
    "JSON without spaces, as Go writes it": lambda value: (
        _writer(_TIGHT)(value).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    ),
}
