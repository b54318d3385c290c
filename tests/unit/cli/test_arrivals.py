"""Forwarder's headers read back, bodies decoded, repeated records counted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forwarder.cli.arrivals import Offsets, Seen, parse_counts, parse_events, parse_offsets
from forwarder.deliver.offsets import exact
from forwarder.model.event import TP, Event


def _event(tp: TP, offset: int) -> Event:
    return Event(tp, offset, 0, None, b"{}", (), "", "", 0, 0, "", 2)


def test_runs_and_single_offsets_are_read() -> None:
    assert parse_offsets("falco/0:5-9,12;ocsf.v1/3:7") == Offsets(
        {("falco", 0): ((5, 9), (12, 12)), ("ocsf.v1", 3): ((7, 7),)}
    )


def test_a_hull_is_marked_as_inexact() -> None:
    assert parse_offsets("~t/0:1-1000") == Offsets({("t", 0): ((1, 1000),)}, exact=False)
    assert parse_offsets("~") == Offsets({}, exact=False)
    assert parse_offsets("") == Offsets()


@pytest.mark.parametrize("text", ["t", "t/0", "t/0:", "t/x:1", "t/0:9-5", "t/0:1,", "a b/0:1", "t/0:-1"])
def test_what_is_not_offsets_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"topic/partition|backwards"):
        parse_offsets(text)


@given(
    st.dictionaries(
        st.tuples(st.sampled_from(["a", "b.c"]), st.integers(0, 3)), st.sets(st.integers(0, 60), min_size=1)
    )
)
def test_what_the_sender_writes_is_read_back(places: dict[tuple[str, int], set[int]]) -> None:
    events = [_event(TP(*place), offset) for place, offsets in places.items() for offset in sorted(offsets)]
    read = parse_offsets(exact(events))
    assert read.exact
    assert {
        place: {n for first, last in runs for n in range(first, last + 1)} for place, runs in read.runs.items()
    } == places


def test_discard_counts_are_read() -> None:
    assert parse_counts("expired=3;shed=1") == {"expired": 3, "shed": 1}
    assert parse_counts("") == {}
    assert parse_counts("expired=many;shed=2;=1;x") == {"shed": 2}


@pytest.mark.parametrize(
    ("body", "content_type", "events"),
    [
        (b'[{"id":1},{"id":2}]', "application/json", [{"id": 1}, {"id": 2}]),
        (b'{"id":1}\n{"id":2}\n', "application/x-ndjson", [{"id": 1}, {"id": 2}]),
        (b'{"events":[{"id":"a"}]}', "application/json", [{"id": "a"}]),
        (b'{"id":1}', "application/json", [{"id": 1}]),
        (b"not json", "text/plain", []),
    ],
)
def test_bodies_of_every_payload_are_decoded(body: bytes, content_type: str, events: list[object]) -> None:
    assert parse_events(body, content_type) == events


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 8))))
def test_new_and_repeated_records_are_counted_like_a_set_would(requests: list[tuple[int, int]]) -> None:
    seen, reference = Seen(), set[int]()
    for first, length in requests:
        numbers = set(range(first, first + length + 1))
        expected = len(numbers - reference)
        assert seen.add("c", "b", Offsets({("t", 0): ((first, first + length),)}), 0) == (
            expected,
            len(numbers) - expected,
        )
        reference |= numbers


def test_records_of_other_places_are_never_repeats() -> None:
    seen, run = Seen(), ((0, 9),)
    assert seen.add("c", "1", Offsets({("t", 0): run}), 10) == (10, 0)
    assert seen.add("c", "2", Offsets({("t", 1): run}), 10) == (10, 0)
    assert seen.add("c", "3", Offsets({("u", 0): run}), 10) == (10, 0)
    assert seen.add("d", "4", Offsets({("t", 0): run}), 10) == (10, 0)
    assert seen.add("c", "5", Offsets({("t", 0): ((8, 11),)}), 4) == (2, 2)


def test_a_hull_is_known_again_by_its_batch() -> None:
    seen, hull = Seen(), Offsets({("t", 0): ((0, 9999),)}, exact=False)
    assert seen.add("c", "batch", hull, 700) == (700, 0)
    assert seen.add("c", "batch", hull, 700) == (0, 700)
    assert seen.add("c", "other", hull, 700) == (700, 0)
