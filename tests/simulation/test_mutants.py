"""The laws notice deliberate defects, each within a few schedules."""

from __future__ import annotations

import pytest

from tests.simulation.mutants import MUTANTS, mutated
from tests.simulation.plan import generate
from tests.simulation.world import run

MOST = 120
"""Schedules within which a defect must show; all have shown in fewer than thirty."""


@pytest.mark.parametrize("name", sorted(MUTANTS))
def test_a_defect_is_noticed(name: str) -> None:
    with mutated(name):
        assert any(run(generate(seed))[0].violations for seed in range(MOST)), name
