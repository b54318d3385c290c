"""The checkpoint as a record: round trip, order, versions, garbage, size."""

from __future__ import annotations

import json

import pytest

from forwarder.errors import CheckpointError
from forwarder.lane.spans import Spans
from forwarder.progress.checkpoint import (
    AccountRecord,
    Checkpoint,
    Frozen,
    Mark,
    decode,
    encode,
    order_of,
    runs_of,
    same_content,
)

FULL = Checkpoint(
    epoch=5,
    seq=7,
    position=100,
    lanes={
        "siem": Mark(
            cursor=90,
            frozen=Frozen({"logs/0": [(90, 95), (97, 97)], "logs/1": [(3, 3)]}, 8, 2),
            failures=6,
            refused=1,
            state="gone",
            why="status 410",
            fingerprint="ab",
            ahead=[(96, 96)],
        ),
        "chat": Mark(cursor=99),
    },
    known=["chat", "siem"],
    written_ms=1_700_000_000_000,
    books={
        "siem": AccountRecord(
            read=100,
            filtered=50,
            delivered=33,
            pending=10,
            discarded={"expired": 4},
            dead_lettered={"refused": 3},
            counted=98,
            doubtful=1,
            untold={"expired": 2},
        ),
        "chat": AccountRecord(read=100, filtered=100),
        "~unreadable": AccountRecord(),
    },
)

VERSION_1 = (
    b'{"epoch":1763844900123,"seq":57,"position":2000,"lanes":{"chat":{"cursor":1200,"frozen":{"runs":{"logs/0":[[1200,1299]]},'
    b'"count":100,"attempts":6},"failures":6,"ahead":[[1300,1302]]},"off":{"cursor":5,"state":"off","why":"enable is false",'
    b'"fingerprint":"ab"}},"known":["chat","off","siem","~unreadable"],"written_ms":1763844961000}'
)
"""As Forwarder 0.1 wrote it."""


def test_a_record_is_read_back_as_it_was():
    assert decode(encode(FULL, 10_000)) == FULL


def test_a_person_can_read_the_record():
    told = json.loads(encode(FULL, 10_000))
    assert told["position"] == 100
    assert told["lanes"]["siem"]["cursor"] == 90


def test_a_record_that_is_too_large_is_refused_and_names_the_largest_lanes_first():
    with pytest.raises(CheckpointError) as refused:
        encode(FULL, 100)
    text = str(refused.value)
    assert "checkpoint.maxBytes (100)" in text
    assert text.index("siem") < text.index("chat")


def test_a_record_of_a_newer_version_is_refused_with_what_to_do():
    newer = json.loads(encode(FULL, 10_000)) | {"version": 3, "lanes": "something else altogether"}
    with pytest.raises(CheckpointError, match="newer Forwarder; run that version, or delete the checkpoint topic"):
        decode(json.dumps(newer).encode())


def test_a_record_of_version_1_is_read_for_ever():
    old = decode(VERSION_1)
    assert (old.epoch, old.seq, old.position, old.written_ms) == (1763844900123, 57, 2000, 1763844961000)
    assert old.lanes["chat"] == Mark(1200, Frozen({"logs/0": [(1200, 1299)]}, 100, 6), failures=6, ahead=[(1300, 1302)])
    assert old.lanes["off"] == Mark(5, state="off", why="enable is false", fingerprint="ab")
    assert [name for name in ("chat", "off", "siem", "~unreadable", "new") if not old.knows(name)] == ["new"]
    assert order_of(VERSION_1) == (1763844900123, 57)


def test_what_is_written_says_its_version():
    assert json.loads(encode(Checkpoint(1, 1, 0), 1000))["version"] == 2
    assert json.loads(encode(decode(VERSION_1), 10_000))["version"] == 2


def test_an_account_is_short_and_balances_in_plain_json():
    told = json.loads(encode(FULL, 10_000))["books"]
    assert told["chat"] == {"r": 100, "f": 100}
    siem = told["siem"]
    assert siem["r"] == siem["f"] + siem["d"] + siem["p"] + sum(siem["x"].values()) + sum(siem["l"].values())
    million = AccountRecord(read=1_234_567, filtered=1_200_000, delivered=34_567)
    assert len(encode(Checkpoint(1, 1, 0, books={"": million}), 1000)) - len(encode(Checkpoint(1, 1, 0), 1000)) <= 55


def test_fields_that_a_later_minor_version_adds_do_no_harm():
    more = json.loads(encode(FULL, 10_000)) | {"colour": "blue"}
    assert decode(json.dumps(more).encode()) == FULL


@pytest.mark.parametrize(
    "garbage",
    [b"", b"null", b"[]", b"{}", b"\xff\xfe", b'{"epoch":1}', b'{"epoch":"x","seq":1,"position":2}',
     b'{"epoch":1,"seq":1,"position":2,"lanes":{"a":{}}}', b'{"epoch":1,"seq":1,"position":2'],
)  # fmt: skip
def test_garbage_is_refused_and_loses_against_any_record(garbage):
    refused(garbage)
    if b'"seq":1,"position":2,"lanes"' not in garbage:
        assert order_of(garbage) == (-1, -1)
    assert order_of(encode(FULL, 10_000)) > order_of(garbage)


@pytest.mark.parametrize(
    "nonsense",
    [b'"position":-1', b'"position":2,"lanes":{"a":{"cursor":-1}}', b'"position":2,"lanes":{"a":{"cursor":1,"ahead":[[3,2]]}}',
     b'"position":2,"lanes":{"a":{"cursor":1,"ahead":[[-3,2]]}}', b'"position":2,"lanes":{"a":{"cursor":99999999999999999999}}',
     b'"position":2,"lanes":{"a":{"cursor":1,"frozen":{"runs":{"logs":[[1,2]]},"count":2,"attempts":1}}}',
     b'"position":2,"lanes":{"a":{"cursor":1,"frozen":{"runs":{"logs/x":[[1,2]]},"count":2,"attempts":1}}}',
     b'"position":2,"lanes":{"a":{"cursor":1,"frozen":{"runs":{"logs/0":[[2,1]]},"count":2,"attempts":1}}}',
     b'"position":2,"books":{"a":{"r":"many"}}', b'"position":2,"books":{"a":[1,2]}',
     b'"position":2,"books":{"a":{"x":{"expired":[]}}}'],
)  # fmt: skip
def test_a_record_that_nobody_can_have_written_is_refused(nonsense):
    refused(b'{"epoch":1,"seq":1,' + nonsense + b"}")


@pytest.mark.parametrize(
    "run", [b"[0,4611686018427387904]", b"[5,5],[5,5],[1,3]"],
)  # fmt: skip
def test_runs_that_are_huge_or_in_disorder_do_no_harm(run):
    found = decode(b'{"epoch":1,"seq":1,"position":2,"lanes":{"a":{"cursor":1,"ahead":[' + run + b"]}}}")
    assert 2 in Spans(found.lanes["a"].ahead)


def refused(record):
    with pytest.raises(CheckpointError, match="not understood"):
        decode(record)


def test_the_epoch_counts_before_the_sequence():
    old = encode(Checkpoint(epoch=1, seq=99, position=0), 1000)
    new = encode(Checkpoint(epoch=2, seq=1, position=0), 1000)
    assert order_of(new) > order_of(old)
    assert order_of(old) == (1, 99)


def test_only_what_a_reader_would_miss_is_new_content():
    later = Checkpoint(9, 9, FULL.position, FULL.lanes, FULL.known, written_ms=1, books=FULL.books)
    assert same_content(FULL, later)
    for other in (
        Checkpoint(5, 7, 101, FULL.lanes, FULL.known, books=FULL.books),
        Checkpoint(5, 7, 100, {}, FULL.known, books=FULL.books),
        Checkpoint(5, 7, 100, FULL.lanes, books={"siem": AccountRecord(read=1)}),
    ):
        assert not same_content(FULL, other)


def test_offsets_are_kept_as_runs():
    assert runs_of({5, 1, 2, 3, 9}) == [(1, 3), (5, 5), (9, 9)]
    assert runs_of(set()) == []
