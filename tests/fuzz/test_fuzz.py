"""Every fuzz target for a bounded time, with mutations by hypothesis; `scripts/fuzz` goes on for as long as one likes.

`TESTS_FUZZ_EXAMPLES` is the number of inputs per target.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.fuzz import answers, configuration, records
from tests.fuzz.target import TARGETS, Target

EXAMPLES = int(os.environ.get("TESTS_FUZZ_EXAMPLES", "150"))
assert answers and configuration and records, "importing them fills TARGETS"

Edit = tuple[int, int, bytes]


def mutated(seed: bytes, edits: list[Edit]) -> bytes:
    """Each edit replaces some bytes at a place by a piece."""
    for at, length, piece in edits:
        at %= len(seed) + 1
        seed = seed[:at] + piece + seed[at + length :]
    return seed


def inputs(target: Target) -> st.SearchStrategy[bytes]:
    """Mostly mutations of good inputs: plain noise rarely gets past the first check."""
    pieces = st.one_of(st.sampled_from((b"", *target.tokens)), st.binary(max_size=4))
    edits = st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 12), pieces), max_size=6)
    return st.one_of(st.builds(mutated, st.sampled_from(target.seeds), edits), st.binary(max_size=200))


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_no_input_breaks_a_promise(name: str) -> None:
    target = TARGETS[name]

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(inputs(target))
    def law(data: bytes) -> None:
        target.run(data)

    for seed in target.seeds:
        law = example(seed)(law)
    law()
