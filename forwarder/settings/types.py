"""Small value types of the configuration: durations, sizes, levels. Parses text, holds no settings."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel

from forwarder.model.severity import NAMES

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZES = {"": 1, "B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3, "KB": 1000, "MB": 1000**2, "GB": 1000**3}


class Model(BaseModel):
    """Base of every settings model: camelCase outside, snake_case inside, frozen, unknown keys refused."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid", validate_default=False
    )


def parse_duration(value: Any) -> float:
    """Seconds from `250ms 30s 5m 2h 7d` or a plain number of seconds. Raises ValueError with the accepted forms."""
    if isinstance(value, bool):
        raise ValueError("a duration is expected, such as 250ms, 30s, 5m, 2h or 7d")
    if isinstance(value, int | float):
        seconds = float(value)
    else:
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?\s*", str(value))
        if not match:
            raise ValueError("a duration is expected, such as 250ms, 30s, 5m, 2h or 7d")
        seconds = float(match[1]) * _UNITS[match[2] or "s"]
    if not math.isfinite(seconds) or seconds < 0:
        raise ValueError("a duration must be zero or more")
    return seconds


def parse_forever(value: Any) -> float:
    """As `parse_duration`, and `never` for infinity."""
    return math.inf if value in ("never", math.inf) else parse_duration(value)


def parse_size(value: Any) -> int:
    """Bytes from `64KiB 4MiB 1MB` or a plain number of bytes. Raises ValueError with the accepted forms."""
    if isinstance(value, bool):
        raise ValueError("a size is expected, such as 64KiB, 4MiB or a number of bytes")
    if isinstance(value, int):
        size = value
    else:
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMG]i?B|B)?\s*", str(value))
        if not match:
            raise ValueError("a size is expected, such as 64KiB, 4MiB or a number of bytes")
        size = int(float(match[1]) * _SIZES[match[2] or ""])
    if size < 0:
        raise ValueError("a size must be zero or more")
    return size


def parse_level(value: Any) -> int:
    """Severity 0..6 from a number or a name (OCSF, syslog, Stalwart, Falco). Raises ValueError with the names."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 6:
        return int(value)
    number = NAMES.get(str(value).strip().lower())
    if number is None:
        raise ValueError("a level is expected: 0..6, or one of " + ", ".join(NAMES))
    return number


Duration = Annotated[float, BeforeValidator(parse_duration)]
Forever = Annotated[float, BeforeValidator(parse_forever)]
Size = Annotated[int, BeforeValidator(parse_size)]
Level = Annotated[int, BeforeValidator(parse_level)]
