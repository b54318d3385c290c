"""What a record's value must pass before anything reads it: present, not too large, UTF-8, not too deep. Reads no fields."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate

import msgspec
from msgspec import Raw

from forwarder.model.event import Unreadable

MAX_DEPTH = 500
"""Arrays and objects inside one another: far beyond any event, and half of what our own parsers can take."""

SHALLOW_BYTES = 2 * MAX_DEPTH
"""Each level takes two brackets: valid JSON no longer than this cannot be too deep, and needs no count (most events)."""

_STRINGS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}.__getitem__

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
        longest, total = max(map(len, values), default=0), sum(map(len, values))  # type: ignore[arg-type]  # None raises
    except TypeError:
        return False
    if longest > limit or total > _TOGETHER:
        return False
    if longest > SHALLOW_BYTES and any(too_deep(value) for value in values):  # type: ignore[arg-type]
        return False
    return _is_utf8(b"\0".join(values))  # type: ignore[arg-type]


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
    if len(value) <= SHALLOW_BYTES or value.count(b"{") + value.count(b"[") <= MAX_DEPTH:
        return False
    # What never closes counts too: the parser would descend all the same.
    return max(accumulate(map(_STEP, _STRINGS.sub(b"", value).translate(None, _NO_BRACKETS)))) > MAX_DEPTH


def _reason(value: bytes, error: msgspec.DecodeError) -> str:
    if not value:
        return "empty value"
    if value.startswith(b"\xef\xbb\xbf"):
        return "begins with a byte order mark"
    return str(error)[:80]
