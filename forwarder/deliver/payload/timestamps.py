"""An envelope time as JSON, in the unit that the webhook asks for. Integer arithmetic only: no digit is lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
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
    seconds, fraction = divmod(time_ns, 10**9)
    try:
        moment = _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return b"null"
    digits = f".{fraction:09d}".rstrip("0") if fraction else ""
    return f'"{moment.replace(tzinfo=None).isoformat()}{digits}Z"'.encode()
