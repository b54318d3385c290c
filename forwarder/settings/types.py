"""Small value types of the configuration: durations, sizes, levels, start positions. Parses text, holds no settings."""

from __future__ import annotations

import math
import re
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    WithJsonSchema,
    model_validator,
)
from pydantic.alias_generators import to_camel

from forwarder.model.severity import NAMES

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZES = {"": 1, "B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3, "KB": 1000, "MB": 1000**2, "GB": 1000**3}
_DURATION = r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?\s*"
_SIZE = r"\s*(\d+(?:\.\d+)?)\s*([KMG]i?B|B)?\s*"
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_MAX_SIZE = 2**53


class Model(BaseModel):
    """Base of every settings model: camelCase outside, snake_case inside, frozen, unknown keys refused.

    null means "not set" everywhere, so a key whose value was commented out gets its default.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        frozen=True,
        extra="forbid",
        validate_default=False,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _unset(cls, data: Any) -> Any:
        if data is None:
            return {}
        return {k: v for k, v in data.items() if v is not None} if isinstance(data, dict) else data


def parse_duration(value: Any) -> float:
    """Seconds from `250ms 30s 5m 2h 7d` or a plain number of seconds. Raises ValueError with the accepted forms."""
    match = None if isinstance(value, bool) else re.fullmatch(_DURATION, str(value))
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(value)
    elif match:
        seconds = float(match[1]) * _UNITS[match[2] or "s"]
    else:
        raise ValueError("a duration is expected, such as 250ms, 30s, 5m, 2h or 7d")
    if not math.isfinite(seconds) or seconds < 0:
        raise ValueError("a duration must be zero or more, such as 250ms, 30s, 5m, 2h or 7d")
    return seconds


def parse_forever(value: Any) -> float:
    """As `parse_duration`, and `never` for infinity."""
    return math.inf if value in ("never", math.inf) else parse_duration(value)


def parse_size(value: Any) -> int:
    """Bytes from `64KiB 4MiB 1MB` or a plain number of bytes. Raises ValueError with the accepted forms."""
    match = re.fullmatch(_SIZE, str(value)) if isinstance(value, str) else None
    if isinstance(value, int) and not isinstance(value, bool):
        size = value
    elif match and len(match[1]) < 20:
        size = int(float(match[1]) * _SIZES[match[2] or ""])
    else:
        raise ValueError("a size is expected, such as 64KiB, 4MiB or a number of bytes")
    if not 0 <= size <= _MAX_SIZE:
        raise ValueError("a size must be zero or more, and below 8 PiB")
    return size


def parse_level(value: Any) -> int:
    """Severity 0..6 from a number or a name (OCSF, syslog, Stalwart, Falco). Raises ValueError with the names."""
    word = "" if isinstance(value, bool) else str(value).strip().lower()
    number = int(word) if re.fullmatch("[0-6]", word) else NAMES.get(word)
    if number is None:
        raise ValueError("a level is expected: 0..6, or one of " + ", ".join(NAMES))
    return number


class Start(Enum):
    """Where to begin when nothing is remembered."""

    NOW = "now"
    EARLIEST = "earliest"


def parse_start(text: str) -> Start | float:
    """`now`, `earliest`, or an RFC 3339 time as seconds since the Unix epoch. Raises ValueError with the forms."""
    word = text.strip()
    if word in ("now", "earliest"):
        return Start(word)
    if _MOMENT.fullmatch(word):
        try:
            return datetime.fromisoformat(word.upper()).timestamp()
        except ValueError:
            pass  # a date that the calendar does not have: said below, without the parser's words
    raise ValueError("a start is expected: now, earliest, or a time such as 2026-01-31T12:00:00Z")


def check_start(text: str) -> str:
    """The text, when `parse_start` understands it. Raises ValueError otherwise."""
    parse_start(text)
    return text.strip()


def _split(value: Any) -> Any:
    """`a:9092,b:9092` is a list too, so that an environment variable can hold several."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _schema(kind: str, pattern: str, **more: Any) -> WithJsonSchema:
    """A number or text of a pattern."""
    number = {"type": kind, "minimum": 0, **more}
    return WithJsonSchema({"anyOf": [number, {"type": "string", "pattern": f"^{pattern}$"}]})


_LEVEL_SCHEMA = {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 6}, {"enum": [*NAMES, *"0123456"]}]}

Duration = Annotated[float, BeforeValidator(parse_duration), _schema("number", _DURATION)]
Forever = Annotated[float, BeforeValidator(parse_forever), _schema("number", f"(never|{_DURATION})")]
Size = Annotated[int, BeforeValidator(parse_size), _schema("integer", _SIZE)]
Level = Annotated[int, BeforeValidator(parse_level), WithJsonSchema(_LEVEL_SCHEMA)]
StartAt = Annotated[str, AfterValidator(check_start)]
Strings = Annotated[
    tuple[str, ...],
    BeforeValidator(_split),
    WithJsonSchema({"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "string"}]}),
]
StatusAction = Literal["deliver", "retry", "retrySlow", "halve", "bisect", "disable", "drop"]
"""What is done about an HTTP status."""
