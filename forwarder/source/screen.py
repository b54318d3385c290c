"""What a record's value must pass before anything reads it: present, not too large, UTF-8, not too deep. Reads no fields."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec
from msgspec import Raw

from forwarder.model.event import Unreadable

MAX_DEPTH = 100
"""Arrays and objects inside one another: far beyond any event, far below where parsers of receivers give up."""

_STRINGS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_TO_ARRAYS = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))

_NO_OPENERS = bytes(set(range(256)) - set(b"[{\0"))
_MANY_OPENERS = re.compile(rb"[^\0]{%d}" % (MAX_DEPTH + 1))
_TOGETHER = 4 * 1024 * 1024
"""Bytes of records that are looked at in one go; the limit on a copy of them."""

_validate = msgspec.json.Decoder(Raw).decode


class Refused(Exception):
    """A record that cannot be read. `detail` is for people, and quotes nothing of the record."""

    def __init__(self, problem: Unreadable, detail: str) -> None:
        super().__init__(detail)
        self.problem = problem
        self.detail = detail


def all_plain(values: Sequence[bytes | None], limit: int) -> bool:
    """Whether all `values` are surely present, within `limit`, UTF-8 and not too deep. False says nothing of any one of them.

    Cheaper over all of them together than on each. They are joined by NUL, which JSON cannot hold.
    """
    try:
        total = sum(map(len, values))  # type: ignore[arg-type]  # None raises
        if total > _TOGETHER or (total > limit and max(map(len, values)) > limit):  # type: ignore[arg-type]
            return False
    except TypeError:
        return False
    together = b"\0".join(values)  # type: ignore[arg-type]
    return _is_utf8(together) and _MANY_OPENERS.search(together.translate(None, _NO_OPENERS)) is None


def is_plain(value: bytes | None, limit: int) -> bool:
    """The same of one value."""
    return value is not None and len(value) <= limit and _is_utf8(value) and not too_deep(value)


def _is_utf8(value: bytes) -> bool:
    try:
        return value.isascii() or value.decode() is not None
    except UnicodeDecodeError:
        return False


def check_bytes(value: bytes, limit: int) -> None:
    """Size and UTF-8 (RFC 8259 section 8.1). Raises Refused."""
    if len(value) > limit:
        raise Refused(Unreadable.TOO_LARGE, f"{len(value)} bytes, and maxRecordBytes is {limit}")
    if not value.isascii():
        try:
            value.decode()
        except UnicodeDecodeError as error:
            raise Refused(Unreadable.NOT_UTF8, f"{error.reason} at byte {error.start}") from None


def check_json(value: bytes) -> None:
    """Depth, then the whole syntax (RFC 8259: no byte order mark, no NaN, no lone surrogates, nothing after it). Raises Refused."""
    if too_deep(value):
        raise Refused(Unreadable.TOO_DEEP, f"nested more than {MAX_DEPTH} levels")
    try:
        _validate(value)
    except RecursionError:
        raise Refused(Unreadable.TOO_DEEP, "nested deeper than can be read") from None
    except msgspec.DecodeError as error:
        raise Refused(Unreadable.NOT_JSON, _reason(value, error)) from None


def is_json(value: bytes) -> bool:
    """Whether `value` may be put among JSON as it is."""
    try:
        check_json(value)
    except Refused:
        return False
    return True


def too_deep(value: bytes) -> bool:
    """Whether brackets outside strings nest more than MAX_DEPTH. Counts first: few brackets cannot nest deeply."""
    if value.count(b"{") + value.count(b"[") <= MAX_DEPTH:
        return False
    brackets = _STRINGS.sub(b"", value).translate(_TO_ARRAYS, _NO_BRACKETS)
    for depth in range(MAX_DEPTH + 1):
        inner = brackets.replace(b"[]", b"")
        if len(inner) == len(brackets):
            return depth + brackets.count(b"[") > MAX_DEPTH  # what never closes counts too: the parser would descend
        brackets = inner
    return True


def _reason(value: bytes, error: msgspec.DecodeError) -> str:
    if not value:
        return "empty value"
    if value.startswith(b"\xef\xbb\xbf"):
        return "begins with a byte order mark"
    return str(error)[:80]
