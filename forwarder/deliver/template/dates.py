"""Times as text: RFC 3339, Go's layouts (`2006-01-02 15:04`) and strftime's (`%Y-%m-%d %H:%M`). Always UTC; asks no clock."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from forwarder.deliver.payload.timestamps import rfc3339
from forwarder.model.times import time_ns

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAMED: Mapping[str, str] = {
    "RFC3339": "2006-01-02T15:04:05Z07:00",
    "RFC1123": "Mon, 02 Jan 2006 15:04:05 MST",
    "RFC822": "02 Jan 06 15:04 MST",
    "Kitchen": "3:04PM",
    "DateTime": "2006-01-02 15:04:05",
    "DateOnly": "2006-01-02",
    "TimeOnly": "15:04:05",
}
"""Go's constants of package time."""

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_GO: Mapping[str, Callable[[datetime], str]] = {
    "2006": lambda t: f"{t.year:04d}",
    "06": lambda t: f"{t.year % 100:02d}",
    "January": lambda t: _MONTHS[t.month - 1],
    "Jan": lambda t: _MONTHS[t.month - 1][:3],
    "01": lambda t: f"{t.month:02d}",
    "Monday": lambda t: _DAYS[t.weekday()],
    "Mon": lambda t: _DAYS[t.weekday()][:3],
    "02": lambda t: f"{t.day:02d}",
    "_2": lambda t: f"{t.day:2d}",
    "15": lambda t: f"{t.hour:02d}",
    "03": lambda t: f"{(t.hour + 11) % 12 + 1:02d}",
    "04": lambda t: f"{t.minute:02d}",
    "05": lambda t: f"{t.second:02d}",
    "PM": lambda t: "PM" if t.hour > 11 else "AM",
    "pm": lambda t: "pm" if t.hour > 11 else "am",
    "MST": lambda t: "UTC",
    "Z07:00": lambda t: "Z",
    "-07:00": lambda t: "+00:00",
    "-0700": lambda t: "+0000",
    "1": lambda t: str(t.month),
    "2": lambda t: str(t.day),
    "3": lambda t: str((t.hour + 11) % 12 + 1),
    "4": lambda t: str(t.minute),
    "5": lambda t: str(t.second),
}
_TOKENS = re.compile(r"[.,]0{1,9}(?![0-9])|[.,]9{1,9}(?![0-9])|" + "|".join(map(re.escape, _GO)))
_PERCENT: Mapping[str, str] = {
    "Y": "2006", "m": "01", "d": "02", "H": "15", "M": "04", "S": "05", "y": "06", "b": "Jan", "B": "January", "a": "Mon",
    "A": "Monday", "I": "03", "p": "PM", "Z": "MST", "z": "-0700", "F": "2006-01-02", "T": "15:04:05", "f": ".000000",
}  # fmt: skip
_STRFTIME = re.compile(r"%(.)", re.DOTALL)


def date(value: Any, layout: str = "") -> str:
    """A time (RFC 3339 text, or a number of seconds to nanoseconds) in a layout; RFC 3339 without one. Raises ValueError."""
    ns = 0 if isinstance(value, bool) or not isinstance(value, str | int | float) else time_ns(value)
    if not ns:
        raise ValueError("this is no time: RFC 3339 text or a number is expected")
    if not layout:
        return rfc3339(ns)
    moment = _EPOCH + timedelta(seconds=ns // 10**9)
    if "%" in layout:
        return _STRFTIME.sub(lambda found: _percent(found[1], moment, ns), layout)
    return _TOKENS.sub(lambda found: _go(found[0], moment, ns), _NAMED.get(layout, layout))


def _go(token: str, moment: datetime, ns: int) -> str:
    if token[0] not in ".,":
        return _GO[token](moment)
    digits = f"{ns % 10**9:09d}"[: len(token) - 1]
    return token[0] + digits if token[1] == "0" else (token[0] + digits).rstrip("0").rstrip(".,")


def _percent(letter: str, moment: datetime, ns: int) -> str:
    if letter == "%":
        return "%"
    if letter not in _PERCENT:
        raise ValueError(f"no layout has %{letter}; known: {' '.join(sorted(_PERCENT))}")
    told = _PERCENT[letter]
    return _go(told, moment, ns).lstrip(".") if letter == "f" else _TOKENS.sub(lambda t: _go(t[0], moment, ns), told)
