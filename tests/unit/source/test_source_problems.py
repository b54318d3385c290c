"""Records that cannot be read: which problem is named, and that nothing else is lost."""

from __future__ import annotations

import pytest
from source_records import STAMP_MS, TP0, Record, decode, decoder

from forwarder.model.event import Unreadable
from forwarder.source import screen

GOOD = b'{"rule":"r","priority":"Error","output_fields":{}}'

BROKEN_JSON = {
    "empty": b"",
    "blank": b" \n",
    "byte order mark": b'\xef\xbb\xbf{"rule":"r"}',
    "NaN": b'{"rule":"r","x":NaN}',
    "Infinity": b'{"x":-Infinity}',
    "lone high surrogate in a read field": b'{"rule":"\\ud800"}',
    "lone high surrogate in a skipped field": b'{"x":"\\ud800 y"}',
    "lone low surrogate in a skipped field": b'{"x":"\\udc00"}',
    "trailing garbage": b'{"rule":"r"} x',
    "two documents": b'{"rule":"r"}{"rule":"s"}',
    "trailing comma": b'{"x":[1,]}',
    "bad escape in a skipped field": b'{"rule":"r","x":"\\q"}',
    "bad number in a skipped field": b'{"rule":"r","x":01}',
    "bad word in a skipped field": b'{"rule":"r","x":{"y":[tru]}}',
    "control character in a skipped field": b'{"rule":"r","x":"a\nb"}',
    "NUL in a skipped field": b'{"rule":"r","x":"a\x00b"}',
    "cut": b'{"rule":"r"',
    "single quotes": b"{'rule':'r'}",
    "comment": b'{"rule":"r"}//x',
    "wrong type first, garbage after": b'{"rule":{},"priority":[],"x":tru}',
    "array and garbage": b"[1, x",
    "words": b"hello",
}


@pytest.mark.parametrize("preset", ["auto", "falco"])
@pytest.mark.parametrize("value", BROKEN_JSON.values(), ids=BROKEN_JSON.keys())
def test_broken_json_is_told(preset: str, value: bytes) -> None:
    event = decode(value, preset)
    assert event.problem is Unreadable.NOT_JSON
    assert 0 < len(event.detail) <= 80
    assert event.value == value


@pytest.mark.parametrize("value", BROKEN_JSON.values(), ids=BROKEN_JSON.keys())
def test_raw_sends_broken_json_as_text(value: bytes) -> None:
    event = decode(value, "raw")
    assert (event.problem, event.text, event.type) == (None, True, "events")


@pytest.mark.parametrize("preset", ["auto", "falco", "raw"])
@pytest.mark.parametrize(
    "value",
    [b'{"rule":"\xff"}', b'{"rule":"r","x":"\xc3"}', b'{"\xed\xa0\x80":1}', b"\xff", b'{"x":"\xc0\x80"}'],
    ids=["read", "skipped", "surrogate in a skipped key", "alone", "overlong"],
)
def test_invalid_utf8_anywhere_is_told(preset: str, value: bytes) -> None:
    event = decode(value, preset)
    assert event.problem is Unreadable.NOT_UTF8
    assert "byte" in event.detail


@pytest.mark.parametrize("preset", ["auto", "falco", "raw"])
def test_a_null_value_is_told(preset: str) -> None:
    assert decode(None, preset).problem is Unreadable.NULL


@pytest.mark.parametrize("preset", ["auto", "falco", "raw"])
def test_the_size_limit_counts_the_value_and_includes_its_edge(preset: str) -> None:
    assert decode(GOOD, preset, max_record_bytes=len(GOOD)).problem is None
    event = decode(GOOD, preset, max_record_bytes=len(GOOD) - 1)
    assert event.problem is Unreadable.TOO_LARGE
    assert str(len(GOOD)) in event.detail


def test_many_small_records_together_are_not_too_large() -> None:
    events = decoder("falco", max_record_bytes=len(GOOD)).decode_all(TP0, [Record(GOOD)] * 50)
    assert [event.problem for event in events] == [None] * 50


def nested(depth: int, how: str) -> bytes:
    """`depth` levels, the outermost an object."""
    inner = depth - 1
    shapes = {
        "arrays": b'{"x":' + b"[" * inner + b"]" * inner + b"}",
        "objects": b'{"x":' * inner + b"{}" + b"}" * inner,
        "mixed": (b'{"x":' + b'[{"y":' * (inner // 2) + b"[" * (inner % 2))
        + (b"]" * (inner % 2) + b"1" * (1 - inner % 2) + b"}]" * (inner // 2) + b"}"),
        "spread": b'{"x":' + b"[1, " * inner + b'"]]]}"' + b", 2]" * inner + b"}",
        "late": b'{"pad":"' + b"p" * 2000 + b'","x":' + b"[" * inner + b"]" * inner + b"}",
    }  # fmt: skip
    return shapes[how]


@pytest.mark.parametrize("preset", ["auto", "falco"])
@pytest.mark.parametrize("how", ["arrays", "objects", "mixed", "spread", "late"])
def test_so_many_levels_are_read_and_one_more_is_refused(preset: str, how: str) -> None:
    assert decode(nested(screen.MAX_DEPTH, how), preset).problem is None
    assert decode(nested(screen.MAX_DEPTH + 1, how), preset).problem is Unreadable.TOO_DEEP
    assert decode(nested(800, how), preset).problem is Unreadable.TOO_DEEP


@pytest.mark.parametrize("opener", [b"[", b'{"a":'])
def test_an_abyss_is_refused_whether_or_not_it_has_a_floor(opener: bytes) -> None:
    assert decode(opener * 100_000).problem is Unreadable.TOO_DEEP
    assert decode(b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "falco").problem is Unreadable.TOO_DEEP


def test_many_brackets_side_by_side_or_in_strings_are_not_deep() -> None:
    wide = b'{"rule":"r","x":[' + b",".join([b"[{}]"] * 500) + b"]}"
    quoted = b'{"rule":"r","x":"' + b'[{\\"[' * 200 + b'"}'
    for value in (wide, quoted):
        event = decode(value, "falco")
        assert (event.problem, event.type) == (None, "r")


def test_raw_sends_json_that_is_too_deep_as_text() -> None:
    assert decode(nested(screen.MAX_DEPTH + 1, "arrays"), "raw").text is True
    assert decode(nested(screen.MAX_DEPTH, "arrays"), "raw").text is False


def test_one_bad_record_spoils_no_neighbour() -> None:
    bad = [b"", b"\xff", None, nested(screen.MAX_DEPTH + 1, "arrays"), b"[]", b"x" * 5000]
    values = [value for one in bad for value in (GOOD, one, GOOD)]
    records = [Record(value, offset=n) for n, value in enumerate(values)]
    events = decoder("falco", max_record_bytes=4000).decode_all(TP0, records)
    assert [event.offset for event in events] == list(range(len(values)))
    assert [event.problem for event in events if event.value == GOOD] == [None] * (2 * len(bad))
    named = ["NOT_JSON", "NOT_UTF8", "NULL", "TOO_DEEP", "NOT_AN_ENVELOPE", "TOO_LARGE"]
    assert [event.problem for event in events if event.value != GOOD] == [Unreadable[name] for name in named]


def test_a_problem_keeps_place_bytes_and_headers_and_has_no_envelope() -> None:
    record = Record(b"\xff", (("a", b"1"), ("a", None)), key=b"k")
    event = decoder().decode(record)
    assert (event.tp, event.offset, event.key, event.value) == (TP0, 7, b"k", b"\xff")
    assert event.headers == (("a", b"1"), ("a", b""))
    assert (event.id, event.type, event.severity, event.tenant) == ("", "", 0, "")
    assert event.time_ns == STAMP_MS * 1_000_000


def test_a_problem_quotes_nothing_of_the_record() -> None:
    for value in (b'{"password":"hunter2" x', b"hunter2", b'{"a":"hunter2\xff"}', b'["hunter2"]'):
        event = decode(value, "falco")
        assert event.problem is not None
        assert "hunter2" not in event.detail


def test_a_header_without_a_value_reads_as_an_empty_one() -> None:
    event = decode(GOOD, "auto", (("trace", None), ("x", b"1")))
    assert event.headers == (("trace", b""), ("x", b"1"))
    assert event.type == "r"


def test_headers_in_a_list_become_a_tuple() -> None:
    assert decode(GOOD, "auto", [("x", b"1")]).headers == (("x", b"1"),)


def test_a_record_without_any_time_has_none() -> None:
    record = Record(GOOD, timestamp=-1)
    assert decoder().decode(record).time_ns == 0
    assert decoder("falco").decode_all(TP0, [record])[0].time_ns == 0
