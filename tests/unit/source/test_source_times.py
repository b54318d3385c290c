"""Times: every unit and every form of RFC 3339 names the same instant; what is no time is 0."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forwarder.model import times
from forwarder.model.times import time_ns

EARLIEST = 10**8 + 1  # seconds; ms above 10**11, so that magnitudes tell the units apart
SECONDS = st.integers(EARLIEST, 9_000_000_000)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@given(SECONDS, st.integers(0, 999_999_999))
def test_integers_of_every_unit_name_the_same_instant(seconds: int, nanos: int) -> None:
    ns = seconds * 10**9 + nanos
    assert time_ns(ns) == ns
    assert time_ns(ns // 1000) == ns // 1000 * 1000
    assert time_ns(ns // 10**6) == ns // 10**6 * 10**6
    assert time_ns(seconds) == seconds * 10**9
    assert time_ns(f"{seconds}.{nanos:09d}") == ns


@given(st.integers(EARLIEST, 4_000_000_000), st.integers(0, 999_999))  # a float holds microseconds until 2106
def test_floats_are_read_to_the_microsecond(seconds: int, micros: int) -> None:
    instant = (seconds * 10**6 + micros) * 1000
    assert time_ns(seconds + micros / 10**6) == instant
    assert abs(time_ns(instant / 10**6) - instant) <= 1000


@given(SECONDS, st.integers(0, 999_999_999), st.integers(0, 12), st.integers(-23 * 60, 23 * 60), st.sampled_from("Tt "))
def test_rfc3339_with_any_fraction_and_any_offset(seconds: int, nanos: int, digits: int, offset: int, t: str) -> None:
    local = (EPOCH + timedelta(seconds=seconds)).astimezone(timezone(timedelta(minutes=offset)))
    text = local.strftime(f"%Y-%m-%d{t}%H:%M:%S")
    fraction = f"{nanos:09d}999"[:digits]
    text += f".{fraction}" if digits else ""
    zone = "Z" if offset == 0 else f"{'+' if offset > 0 else '-'}{abs(offset) // 60:02d}:{abs(offset) % 60:02d}"
    assert time_ns(text + zone) == seconds * 10**9 + int(fraction[:9].ljust(9, "0"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-04-05T17:31:00Z", 1_775_410_260_000_000_000),
        ("2026-04-05T17:31:00.123456789Z", 1_775_410_260_123_456_789),
        ("2026-04-05T17:31:00.1234567899999Z", 1_775_410_260_123_456_789),
        ("2026-04-05t17:31:00z", 1_775_410_260_000_000_000),
        ("2026-04-05 19:31:00+0200", 1_775_410_260_000_000_000),
        ("2026-04-05T17:31:00", 1_775_410_260_000_000_000),
        ("2016-12-31T23:59:60Z", 1_483_228_800_000_000_000),
        ("1970-01-01T00:00:00.000000001Z", 1),
        ("2262-04-11T23:47:16.854775807Z", 2**63 - 1),
        ("2262-04-11T23:47:16.854775808Z", 0),
        ("1970-01-01T01:00:00+02:00", 0),
    ],
)
def test_forms_of_text(text: str, expected: int) -> None:
    assert time_ns(text) == expected
    assert time_ns(text) == expected, "and again, when the second is remembered"


@pytest.mark.parametrize(
    "value",
    [
        None, "", "now", "2026-04-05", "2026-02-30T00:00:00Z", "2026-04-05T24:00:00Z", "2026-04-05T17:31:00.Z",
        "2026-04-05T17:31:00.12x4Z", "2026-04-05T17:31:00.1_2Z", "2026-04-05T17:31:00+25:00", "2026-04-05T17:31:00+01:60",
        "2026-04-05T17:31:00ZZ", " 2026-04-05T17:31:00Z", "0001-01-01T00:00:00Z", "0000-00-00T00:00:00Z",
        "9999-12-31T23:59:59Z", "9999-12-31T23:59:59.5Z", "1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.5Z",
        "2026-04-05T17:31:61Z", "-1700000000", "1e9", "nan", "inf", "1" * 5000, "٢٠٢٦-04-05T17:31:00Z",
        0, -1, 2**63, 10**400, 0.0, -1.5, 1e300,
    ],
)  # fmt: skip
def test_what_is_no_time_is_zero(value: str | int | float | None) -> None:
    assert time_ns(value) == 0


@given(st.one_of(st.text(), st.integers(), st.floats(), st.none()))
def test_anything_gives_a_time_that_fits_64_bits(value: str | int | float | None) -> None:
    assert 0 <= time_ns(value) < 2**63


def test_remembered_seconds_are_bounded() -> None:
    for second in range(2 * times._REMEMBERED):
        assert (
            time_ns((EPOCH + timedelta(seconds=10**9 + second)).strftime("%Y-%m-%dT%H:%M:%SZ"))
            == (10**9 + second) * 10**9
        )
    assert len(times._seconds) <= times._REMEMBERED
