"""The position guard: whatever a fetch result holds, chunks tile the log, and only a real hole is a gap."""

from __future__ import annotations

import gc
import weakref
from types import SimpleNamespace
from typing import Any

from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import FetchResult, PartitionRecords
from hypothesis import given
from hypothesis import strategies as st

from forwarder.kafka.private.positions import Positions, install, release_fetched
from forwarder.kafka.records import Chunk
from forwarder.model.event import TP

KEY = TopicPartition("ev", 0)
TP0 = TP("ev", 0)


class State:
    """A partition's state in aiokafka, as far as a fetch result asks it."""

    paused = False

    def __init__(self, position: int) -> None:
        self.position = position

    def consumed_to(self, position: int) -> None:
        self.position = position


class Assignment:
    active = True

    def __init__(self, state: State) -> None:
        self.state = state

    def state_value(self, tp: object) -> State:
        return self.state


class Numbered(int):
    """A record that is nothing but its offset and its size."""

    serialized_value_size = 1


class Unpacked:
    """Fetched batches: `kinds` says per offset whether it is a record (True) or only a marker."""

    record: type[Numbered] = Numbered

    def __init__(self, start: int, kinds: list[bool], marker: object) -> None:
        self.next_fetch_offset = start
        self._value_deserializer = marker
        self._kinds = kinds
        self._start = start

    def __iter__(self) -> Unpacked:
        return self

    def __next__(self) -> Numbered:
        while self.next_fetch_offset < self._start + len(self._kinds):
            offset = self.next_fetch_offset
            self.next_fetch_offset += 1
            if self._kinds[offset - self._start]:
                return self.record(offset)
        raise StopIteration


def result(state: State, unpacked: Any) -> FetchResult:
    install()
    return FetchResult(KEY, assignment=Assignment(state), partition_records=unpacked, backoff=0)


@given(st.lists(st.lists(st.booleans(), max_size=12), max_size=8), st.integers(1, 5))
def test_chunks_tile_the_log_without_gap_or_overlap(responses: list[list[bool]], most: int) -> None:
    positions, state = Positions({"ev"}), State(100)
    expected, seen, records = 100, [], []
    for kinds in responses:
        records += [state.position + i for i, record in enumerate(kinds) if record]
        fetched = result(state, Unpacked(state.position, kinds, positions))
        while fetched.has_more():
            chunk = fetched.getall(most)
            if chunk:
                assert isinstance(chunk, Chunk)
                assert (chunk.tp, chunk.start) == (TP0, expected)
                assert chunk.start <= chunk[0] and chunk[-1] < chunk.end
                seen += chunk
                expected = chunk.end
    passed = positions.passed(TP0)
    if passed and passed[0] <= expected:
        expected = max(expected, passed[1])
    assert seen == records
    assert expected == state.position


@given(st.lists(st.sampled_from([-1, 0, 100, 9_000, 70_000, 600_000]), min_size=1, max_size=200), st.integers(1, 300))
def test_a_chunk_is_bounded_in_bytes_however_well_a_fetch_was_compressed(sizes: list[int], most: int) -> None:
    bound = 64 * 1024

    class Sized(Numbered):
        @property
        def serialized_value_size(self) -> int:  # type: ignore[override]
            return sizes[self]

    positions, state = Positions({"ev"}, chunk_bytes=bound), State(0)
    unpacked = Unpacked(0, [True] * len(sizes), positions)
    unpacked.record = Sized
    fetched, seen = result(state, unpacked), []
    while fetched.has_more():
        chunk = fetched.getall(most)
        assert len(chunk) <= most
        # what was large before is read one by one; what was small, eight at a time
        assert sum(sizes[n] for n in chunk[:-8]) < bound
        seen += chunk
    assert seen == list(range(len(sizes)))


def test_large_records_are_not_taken_beyond_the_bound() -> None:
    class Large(Numbered):
        serialized_value_size = 40_000

    positions, state = Positions({"ev"}, chunk_bytes=64 * 1024), State(0)
    unpacked = Unpacked(0, [True] * 100, positions)
    unpacked.record = Large
    assert len(result(state, unpacked).getall()) == 2


def test_what_finds_no_room_in_a_round_stays_and_comes_in_the_next() -> None:
    class Large(Numbered):
        serialized_value_size = 40_000

    positions, state = Positions({"ev"}, chunk_bytes=64 * 1024), State(0)
    unpacked = Unpacked(0, [True] * 4, positions)
    unpacked.record = Large
    fetched = result(state, unpacked)
    positions.room = 80_000
    assert len(fetched.getall()) == 2
    assert fetched.getall() == [] and fetched.has_more() and state.position == 2
    positions.room = 80_000
    chunk = fetched.getall()
    assert isinstance(chunk, Chunk) and (chunk.start, chunk.end) == (2, 4)


def test_a_lost_chunk_is_a_gap() -> None:
    positions, state = Positions({"ev"}), State(0)
    result(state, Unpacked(0, [True] * 10, positions)).getall()
    chunk = result(state, Unpacked(10, [True] * 5, positions)).getall()
    assert (chunk.start, chunk.end) == (10, 15)


def test_markers_in_front_belong_to_the_next_chunk() -> None:
    positions, state = Positions({"ev"}), State(0)
    assert result(state, Unpacked(0, [False, False], positions)).getall() == []
    assert positions.passed(TP0) == (0, 2)
    chunk = result(state, Unpacked(2, [True], positions)).getall()
    assert (chunk.start, chunk.end) == (0, 3)
    assert positions.passed(TP0) == (3, 3)


def test_a_result_for_a_position_that_was_left_changes_nothing() -> None:
    positions, state = Positions({"ev"}), State(0)
    result(state, Unpacked(0, [False, False], positions)).getall()
    assert result(state, Unpacked(50, [True], positions)).getall() == []
    assert positions.passed(TP0) == (0, 2)


def test_a_seek_begins_a_new_run_and_makes_older_chunks_stale() -> None:
    positions, state = Positions({"ev"}), State(0)
    before = result(state, Unpacked(0, [True] * 3, positions)).getall()
    positions.seeks += 1
    state.position = 1
    after = result(state, Unpacked(1, [True] * 4, positions)).getall()
    assert (after.start, after.end) == (1, 5)
    assert (positions.fresh(before), positions.fresh(after)) == (False, True)


def test_other_consumers_and_other_topics_get_plain_lists() -> None:
    state = State(0)
    assert type(result(state, Unpacked(0, [True], None)).getall()) is list
    assert type(result(State(0), Unpacked(0, [True], Positions({"other"}))).getall()) is list


def test_what_a_seek_drops_is_freed_without_the_collector() -> None:
    unpacked = PartitionRecords(KEY, object(), None, 0, None, None, False, 0)
    gone = weakref.ref(unpacked)
    fetched = {KEY: FetchResult(KEY, assignment=None, partition_records=unpacked, backoff=0)}
    consumer = SimpleNamespace(_fetcher=SimpleNamespace(_records=fetched))
    del unpacked
    gc.disable()
    try:
        release_fetched(consumer, KEY)
        release_fetched(consumer, TopicPartition("ev", 1))
        del fetched[KEY]
        assert gone() is None
    finally:
        gc.enable()
