"""The batch id and the offsets header."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forwarder.deliver import offsets
from forwarder.deliver.identity import batch_id
from tests.unit.deliver.make import batch, event

EVENTS = batch(event(b"1", 5), event(b"2", 6), event(b"3", 9))


def test_the_id_is_the_same_on_every_worker_for_ever() -> None:
    """A change here repeats batches under new ids at every upgrade."""
    assert batch_id("siem", "prod", EVENTS, b"[1,2,3]") == "fb_x665tx4bwasvxwt7pz2irx7ud7bklmnc"


def test_the_id_is_fit_for_headers_and_for_the_standard_webhooks_content() -> None:
    assert re.fullmatch(r"fb_[a-z2-7]{32}", batch_id("siem", "prod", EVENTS, b""))


@pytest.mark.parametrize(
    "other",
    [
        ("siem2", "prod", EVENTS, b"[1,2,3]"),
        ("siem", "test", EVENTS, b"[1,2,3]"),
        ("siem", "prod", EVENTS, b"[1,2,4]"),
        ("siem", "prod", batch(event(b"1", 5), event(b"2", 6), event(b"3", 10)), b"[1,2,3]"),
        ("siem", "prod", batch(event(b"1", 5), event(b"2", 6), event(b"3", 9, partition=1)), b"[1,2,3]"),
    ],
    ids=["webhook", "cluster", "body", "offset", "partition"],
)
def test_whatever_differs_makes_another_id(other: tuple[str, str, object, bytes]) -> None:
    assert batch_id(*other) != batch_id("siem", "prod", EVENTS, b"[1,2,3]")  # type: ignore[arg-type]


def test_the_number_of_the_batch_in_its_lane_is_no_part_of_the_id() -> None:
    """It starts anew with the process."""
    from dataclasses import replace

    assert batch_id("siem", "prod", replace(EVENTS, number=7), b"x") == batch_id("siem", "prod", EVENTS, b"x")


def test_offsets_are_told_as_runs_per_partition() -> None:
    events = [event(offset=n) for n in (5, 6, 7, 8, 9, 12)] + [event(offset=7, partition=3)]
    assert offsets.exact(events) == "topic/0:5-9,12;topic/3:7"


@given(st.sets(st.tuples(st.integers(0, 3), st.integers(0, 40))))
def test_exact_offsets_can_be_read_back(places: set[tuple[int, int]]) -> None:
    events = [event(offset=offset, partition=partition) for partition, offset in sorted(places)]
    found = set()
    for part in filter(None, offsets.exact(events).split(";")):
        place, _, runs = part.partition(":")
        for run in runs.split(","):
            first, _, last = run.partition("-")
            found |= {(int(place.split("/")[1]), n) for n in range(int(first), int(last or first) + 1)}
    assert found == places


def test_offsets_too_long_for_a_header_become_a_marked_hull() -> None:
    events = [event(offset=10**9 + 2 * n) for n in range(1000)] + [event(offset=4, partition=1)]
    assert offsets.bounded(events, offsets.exact(events)) == f"~topic/0:{10**9}-{10**9 + 1998};topic/1:4"


def test_too_many_partitions_even_for_a_hull_leave_the_mark() -> None:
    events = [event(offset=n, partition=n, topic="t" * 100) for n in range(100)]
    assert offsets.bounded(events, offsets.exact(events)) == "~"
