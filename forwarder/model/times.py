"""Times of producers as nanoseconds since the Unix epoch: RFC 3339 text, and numbers of s, ms, us or ns told by magnitude.

Never raises: what is not a time is 0, and so is everything at or before the epoch (Go's zero time, a placeholder 0).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

Scalar = str | int | float | None

SECOND = 1_000_000_000
_LIMIT = 2**63
"""The first nanosecond that does not fit 64 bits (year 2262): beyond it a number is no time."""

_NEVER = -(2**70)
"""Added to by fractions and offsets, and negative all the same."""

_UNITS = ((10**11, SECOND), (10**14, 1_000_000), (10**17, 1_000), (_LIMIT, 1))
"""(below this magnitude, nanoseconds per unit): right for every instant from March 1973 (10**11 ms) to 2262."""

_TENS: tuple[int, ...] = tuple(10 ** (9 - digits) for digits in range(10))
"""Nanoseconds per last digit of a fraction, by its number of digits."""

_REMEMBERED = 4096
_seconds: dict[str, int] = {}
"""Seconds met lately, so that most times cost one look-up. Changes no result; holds only seconds that need no further check."""

_WHOLE = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)", re.ASCII)
_TAIL = re.compile(r"(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):?(\d\d))?", re.ASCII)
_NUMBER = re.compile(r"(\d{1,19})(?:\.(\d+))?", re.ASCII)


def time_ns(value: Scalar) -> int:
    """Nanoseconds, or 0 where `value` is no time. Text without a zone is UTC; digits past the ninth are cut off (RFC 3339)."""
    if value.__class__ is str:
        try:
            if value[-1] == "Z" and value[19] == ".":
                digits = value[20:-1]
                if digits.isdecimal():  # nearly every producer, and a second met before
                    ns: int = _seconds[value[:19]] + int(digits) * _TENS[len(digits)]
                    return ns
        except LookupError:
            pass
    ns = _work_out(value)
    return ns if 0 < ns < _LIMIT else 0


def _work_out(value: Scalar) -> int:
    if isinstance(value, str):
        return _text_ns(value)
    if isinstance(value, float):
        return _float_ns(value)
    return _int_ns(value) if isinstance(value, int) else 0


def _text_ns(text: str) -> int:
    if text[4:5] != "-":
        return _number_text_ns(text)
    tail = _TAIL.fullmatch(text, 19)
    if tail is None:
        return 0
    return _second(text[:19]) + int((tail[1] or "")[:9].ljust(9, "0")) - _offset(tail)


def _offset(tail: re.Match[str]) -> int:
    if tail[2] is None:
        return 0
    hours, minutes = int(tail[3]), int(tail[4])
    if hours > 23 or minutes > 59:
        return -_NEVER
    return (hours * 60 + minutes) * 60 * SECOND * (1 if tail[2] == "+" else -1)


def _second(text: str) -> int:
    """`YYYY-MM-DDTHH:MM:SS` as UTC. Remembered: neighbours in a topic share their seconds."""
    ns = _work_out_second(text)
    if 0 < ns < _LIMIT - SECOND:
        if len(_seconds) >= _REMEMBERED:
            _seconds.clear()
        _seconds[text] = ns
    return ns


def _work_out_second(text: str) -> int:
    match = _WHOLE.fullmatch(text)
    if match is None:
        return _NEVER
    year, month, day, hour, minute, second = map(int, match.groups())
    leap = second == 60  # RFC 3339 section 5.7: the second before midnight, held for one second more
    try:
        moment = datetime(year, month, day, hour, minute, 59 if leap else second, tzinfo=UTC)
    except ValueError:
        return _NEVER
    return (int(moment.timestamp()) + leap) * SECOND


def _int_ns(number: int) -> int:
    if number <= 0:
        return 0
    return next((number * unit for below, unit in _UNITS if number < below), 0)


def _float_ns(number: float) -> int:
    """To the microsecond: a float of seconds holds no more (and from 2106 less)."""
    if not 0 < number < _LIMIT:
        return 0
    unit = next(unit for below, unit in _UNITS if number < below)
    return round(number * (unit // 1000)) * 1000 if unit > 1 else int(number)


def _number_text_ns(text: str) -> int:
    match = _NUMBER.fullmatch(text)
    if match is None:
        return 0
    whole = int(match[1])
    unit = next((unit for below, unit in _UNITS if whole < below), 0)
    fraction = int((match[2] or "")[:9].ljust(9, "0"))
    return whole * unit + fraction * unit // SECOND
