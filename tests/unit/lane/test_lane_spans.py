"""Offsets as runs behave as a set of offsets does, and are as few as possible."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from forwarder.lane.spans import Spans

OFFSET = st.integers(0, 60)
RUN = st.tuples(OFFSET, OFFSET)


def members(spans: Spans) -> set[int]:
    return {offset for first, last in spans.runs() for offset in range(first, last + 1)}


def check(spans: Spans, expected: set[int]) -> None:
    assert members(spans) == expected
    assert all(first <= last for first, last in spans.runs())
    assert all(before[1] + 1 < after[0] for before, after in itertools.pairwise(spans.runs()))
    assert {offset for offset in range(-2, 70) if offset in spans} == expected
    assert bool(spans) == bool(expected)


@given(st.lists(st.one_of(RUN, st.tuples(OFFSET, OFFSET, st.sets(OFFSET)), OFFSET), max_size=12), RUN)
def test_runs_are_a_set_of_offsets(steps: list[object], asked: tuple[int, int]) -> None:
    spans, expected = Spans(), set[int]()
    for step in steps:
        match step:
            case (int(first), int(last)):
                spans.add(first, last)
                expected |= set(range(first, last + 1))
            case (int(start), int(end), set(holes)):
                spans.add_between(start, end, holes)
                expected |= set(range(start, end)) - holes
            case int(below):
                spans.trim(below)
                expected = {offset for offset in expected if offset >= below}
        check(spans, expected)
    start, end = sorted(asked)
    inside = expected & set(range(start, end))
    assert spans.count(start, end) == len(inside)
    gaps = {offset for first, last in spans.gaps(start, end) for offset in range(first, last + 1)}
    assert gaps == set(range(start, end)) - inside


def test_a_huge_run_costs_nothing() -> None:
    spans = Spans([(0, 2**62)])
    assert 2**61 in spans
    assert spans.count(5, 2**40) == 2**40 - 5
