"""Laws of the checkpoint record: any checkpoint survives the round trip, any sets of offsets the runs."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forwarder.errors import CheckpointError
from forwarder.progress.checkpoint import AccountRecord, Checkpoint, Frozen, Mark, decode, encode, order_of, runs_of
from tests.properties.runs import offsets_of

OFFSET = st.integers(0, 2**63 - 1)
RUNS = st.sets(st.integers(0, 500), max_size=40).map(runs_of)
PARTITION = st.builds("{}/{}".format, st.text("abc-._", min_size=1, max_size=8), st.integers(0, 999))
FROZEN = st.builds(Frozen, st.dictionaries(PARTITION, RUNS, max_size=3), st.integers(0, 1000), st.integers(0, 1000))
MARK = st.builds(
    Mark,
    cursor=OFFSET,
    frozen=st.none() | FROZEN,
    failures=st.integers(0, 1000),
    refused=st.integers(0, 1000),
    state=st.sampled_from(["", "gone", "off"]),
    why=st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    fingerprint=st.text("0123456789abcdef", max_size=16),
    ahead=RUNS,
)
COUNT = st.integers(0, 2**60)
WORDS = st.dictionaries(st.sampled_from(["expired", "refused", "retention"]), COUNT, max_size=3)
ACCOUNT = st.builds(
    AccountRecord,
    read=COUNT,
    filtered=st.integers(-5, 2**60),
    delivered=COUNT,
    pending=COUNT,
    discarded=WORDS,
    dead_lettered=WORDS,
    counted=st.none() | OFFSET,
    doubtful=COUNT,
    untold=WORDS,
)
CHECKPOINT = st.builds(
    Checkpoint,
    epoch=st.integers(0, 2**60),
    seq=st.integers(0, 2**60),
    position=OFFSET,
    lanes=st.dictionaries(st.text("abc-~", min_size=1, max_size=8), MARK, max_size=4),
    known=st.lists(st.text("abc-~", max_size=8), max_size=4),
    books=st.dictionaries(st.text("abc-~", min_size=1, max_size=8), ACCOUNT, max_size=4),
    written_ms=st.integers(0, 2**60),
)


@given(CHECKPOINT)
def test_a_checkpoint_is_read_back_as_it_was(checkpoint: Checkpoint) -> None:
    record = encode(checkpoint, 10_000_000)
    assert decode(record) == checkpoint
    assert order_of(record) == (checkpoint.epoch, checkpoint.seq)


@given(CHECKPOINT, st.integers(0, 2000))
def test_a_record_is_within_its_size_or_refused(checkpoint: Checkpoint, most: int) -> None:
    try:
        assert len(encode(checkpoint, most)) <= most
    except CheckpointError:
        assert len(encode(checkpoint, 10_000_000)) > most


@given(st.binary(max_size=200))
def test_garbage_is_refused_and_never_wins(garbage: bytes) -> None:
    assert order_of(garbage) == (-1, -1)
    with pytest.raises(CheckpointError):
        decode(garbage)


@given(CHECKPOINT, st.integers(0, 400))
def test_a_record_that_was_cut_off_is_refused(checkpoint: Checkpoint, kept: int) -> None:
    record = encode(checkpoint, 10_000_000)
    with pytest.raises(CheckpointError):
        decode(record[: min(kept, len(record) - 1)])


@given(st.sets(OFFSET, max_size=60))
def test_runs_hold_exactly_the_offsets_and_are_as_few_as_possible(offsets: set[int]) -> None:
    runs = runs_of(offsets)
    assert offsets_of(runs) == offsets
    assert all(first <= last for first, last in runs)
    assert all(before[1] + 1 < after[0] for before, after in itertools.pairwise(runs))
