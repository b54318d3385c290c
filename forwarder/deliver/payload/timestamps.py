"""An envelope time as JSON, in the unit that the webhook asks for. Integer arithmetic only: no digit is lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal

TimestampFormat = Literal["seconds", "milliseconds", "microseconds", "nanoseconds", "rfc3339"]

_NANOSECONDS_PER = {"seconds": 10**9, "milliseconds": 10**6, "microseconds": 10**3, "nanoseconds": 1}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def timestamp(time_ns: int, style: TimestampFormat) -> bytes:
    """`time_ns` (nanoseconds since the Unix epoch) as a JSON number, rounded down, or as a JSON string (RFC 3339, UTC).

    `null` where a calendar has no such date (years outside 1..9999).
    """
    if style != "rfc3339":
        return b"%d" % (time_ns // _NANOSECONDS_PER[style])
    try:
        return f'"{rfc3339(time_ns)}"'.encode()
    except OverflowError:
        return b"null"


def rfc3339(ns: int) -> str:
    """Nanoseconds since the Unix epoch as RFC 3339 in UTC, with the digits that it has. Raises OverflowError past year 9999."""
    seconds, fraction = divmod(ns, 10**9)
    digits = f".{fraction:09d}".rstrip("0") if fraction else ""
    return f"{_second(seconds)}{digits}Z"


@lru_cache(maxsize=1024)
def _second(seconds: int) -> str:
    """Most events of a stream share their second with others."""
    return (_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None).isoformat()
