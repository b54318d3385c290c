"""A shortened checkpoint loses nothing: whatever it takes for done, the whole one took for done as well."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forwarder.errors import CheckpointError
from forwarder.progress.checkpoint import Checkpoint, Frozen, Mark, decode, encode, runs_of
from forwarder.progress.shorten import fit
from tests.properties.runs import offsets_of

RUNS = st.sets(st.integers(0, 500), max_size=60).map(runs_of)
FROZEN = st.builds(Frozen, st.dictionaries(st.just("logs/0"), RUNS, max_size=1), st.integers(0, 99), st.integers(0, 9))
MARK = st.builds(
    Mark,
    cursor=st.integers(0, 500),
    frozen=st.none() | FROZEN,
    failures=st.integers(0, 1000),
    state=st.sampled_from(["", "gone", "off"]),
    ahead=RUNS,
)
CHECKPOINT = st.builds(
    Checkpoint,
    epoch=st.integers(0, 2**60),
    seq=st.integers(0, 2**60),
    position=st.integers(0, 2**60),
    lanes=st.dictionaries(st.text("abc-~", min_size=1, max_size=8), MARK, max_size=6),
)


def done(mark: Mark, offset: int) -> bool:
    """Whether a lane that goes on from this mark will not deliver the offset again."""
    return offset < mark.cursor or offset in offsets_of(mark.ahead)


@given(CHECKPOINT, st.integers(0, 3000))
def test_it_fits_and_never_takes_more_for_done_than_the_whole_one(whole: Checkpoint, most: int) -> None:
    try:
        record, shortened = fit(whole, most)
    except CheckpointError:
        bare = {n: msgspec.structs.replace(mark, ahead=[], frozen=None) for n, mark in whole.lanes.items()}
        assert len(encode(msgspec.structs.replace(whole, lanes=bare), 10**9)) > most, "it could have been shortened"
        return
    assert len(record) <= most
    short = decode(record)
    for name, mark in whole.lanes.items():
        left = short.lanes[name]
        assert all(done(mark, offset) for offset in range(501) if done(left, offset))
        assert left.frozen in (mark.frozen, None)
        assert left == mark or name in shortened
        assert msgspec.structs.replace(left, ahead=[], frozen=None) == msgspec.structs.replace(
            mark, ahead=[], frozen=None
        )
    assert msgspec.structs.replace(short, lanes={}) == msgspec.structs.replace(whole, lanes={})


def test_the_largest_are_shortened_first_and_small_ones_stay_exact() -> None:
    scattered = [(2 * n, 2 * n) for n in range(1000)]
    whole = Checkpoint(1, 1, 5000, {"large": Mark(0, ahead=scattered), "small": Mark(0, ahead=[(7, 9)])})
    record, shortened = fit(whole, len(encode(whole, 10**9)) - 1)
    assert shortened == ("large",)
    assert decode(record).lanes == {"large": Mark(0), "small": Mark(0, ahead=[(7, 9)])}


def test_what_cannot_be_shortened_names_its_lanes_and_the_setting() -> None:
    whole = Checkpoint(1, 1, 5000, {"siem": Mark(10)})
    with pytest.raises(CheckpointError, match=r"siem.*checkpoint\.maxBytes"):
        fit(whole, 20)
