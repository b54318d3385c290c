"""The checkpoint as a record: round trip, order, versions, garbage, size."""

from __future__ import annotations

import json

import pytest

from forwarder.errors import CheckpointError
from forwarder.progress.checkpoint import (
    Checkpoint,
    Frozen,
    Mark,
    decode,
    encode,
    offsets_of,
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
)


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
    newer = json.loads(encode(FULL, 10_000)) | {"version": 2, "lanes": "something else altogether"}
    with pytest.raises(CheckpointError, match="newer Forwarder; run that version, or delete the checkpoint topic"):
        decode(json.dumps(newer).encode())


def test_fields_that_a_later_minor_version_adds_do_no_harm():
    more = json.loads(encode(FULL, 10_000)) | {"colour": "blue"}
    assert decode(json.dumps(more).encode()) == FULL


@pytest.mark.parametrize(
    "garbage",
    [b"", b"null", b"[]", b"{}", b"\xff\xfe", b'{"epoch":1}', b'{"epoch":"x","seq":1,"position":2}',
     b'{"epoch":1,"seq":1,"position":2,"lanes":{"a":{}}}', b'{"epoch":1,"seq":1,"position":2'],
)  # fmt: skip
def test_garbage_is_refused_and_loses_against_any_record(garbage):
    with pytest.raises(CheckpointError, match="not understood"):
        decode(garbage)
    if b'"seq":1,"position":2,"lanes"' not in garbage:
        assert order_of(garbage) == (-1, -1)
    assert order_of(encode(FULL, 10_000)) > order_of(garbage)


def test_the_epoch_counts_before_the_sequence():
    old = encode(Checkpoint(epoch=1, seq=99, position=0), 1000)
    new = encode(Checkpoint(epoch=2, seq=1, position=0), 1000)
    assert order_of(new) > order_of(old)
    assert order_of(old) == (1, 99)


def test_only_what_a_reader_would_miss_is_new_content():
    later = Checkpoint(9, 9, FULL.position, FULL.lanes, FULL.known, written_ms=1)
    assert same_content(FULL, later)
    for other in (
        Checkpoint(5, 7, 101, FULL.lanes, FULL.known),
        Checkpoint(5, 7, 100, {}, FULL.known),
        Checkpoint(5, 7, 100, FULL.lanes, ["siem"]),
    ):
        assert not same_content(FULL, other)


def test_offsets_are_kept_as_runs():
    assert runs_of({5, 1, 2, 3, 9}) == [(1, 3), (5, 5), (9, 9)]
    assert runs_of(set()) == []
    assert offsets_of([(1, 3), (5, 5)]) == {1, 2, 3, 5}
