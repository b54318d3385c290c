"""Durations, sizes, levels and start positions."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forwarder.settings.types import Start, parse_duration, parse_forever, parse_level, parse_size, parse_start


@pytest.mark.parametrize(
    ("text", "seconds"), [("250ms", 0.25), ("30s", 30), ("5m", 300), ("2h", 7200), ("7d", 604800), ("1.5", 1.5), (0, 0)]
)
def test_a_duration_is_seconds(text: object, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "-1", "5 weeks", "1m30s", "nan", "inf", True, -1, math.inf, math.nan, None, "5M", "٣s"[1:], "9" * 400]
)
def test_what_is_no_duration_is_refused_with_the_forms(text: object) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


def test_never_is_for_ever() -> None:
    assert parse_forever("never") == math.inf
    assert parse_forever("5m") == 300


@pytest.mark.parametrize(
    ("text", "size"),
    [("64KiB", 65536), ("4MiB", 4194304), ("1MB", 1_000_000), ("1.5KiB", 1536), ("12", 12), (7, 7), ("1B", 1)],
)
def test_a_size_is_bytes(text: object, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "-1", -1, "4 MiBs", True, "1TiB", 1.5, "9" * 30, None])
def test_what_is_no_size_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="size"):
        parse_size(text)


@pytest.mark.parametrize(
    ("text", "level"), [("high", 4), ("WARN", 3), (6, 6), ("2", 2), ("trace", 1), ("emergency", 6), (" info ", 1)]
)
def test_a_level_is_a_number_or_a_name_of_any_vendor(text: object, level: int) -> None:
    assert parse_level(text) == level


@pytest.mark.parametrize("text", ["7", -1, True, "loud", "", None, "1.0"])
def test_what_is_no_level_is_refused_with_the_names(text: object) -> None:
    with pytest.raises(ValueError, match="informational"):
        parse_level(text)


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("now", Start.NOW),
        ("earliest", Start.EARLIEST),
        ("1970-01-01T00:01:00Z", 60.0),
        ("1970-01-01t01:00:00.5+01:00", 0.5),
        ("1970-01-01 00:00:10z", 10.0),
    ],
)
def test_a_start_is_a_word_or_a_time(text: str, start: object) -> None:
    assert parse_start(text) == start


@pytest.mark.parametrize(
    "text", ["latest", "2026-01-01", "2026-01-01T00:00:00", "2026-02-30T00:00:00Z", "1700000000", ""]
)
def test_what_is_no_start_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="start is expected"):
        parse_start(text)


@given(st.text(max_size=20))
def test_law_a_parser_answers_or_raises_value_error(text: str) -> None:
    for parse in (parse_duration, parse_forever, parse_size, parse_level, parse_start):
        try:
            parse(text)
        except ValueError:
            continue
