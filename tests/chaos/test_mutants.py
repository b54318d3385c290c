"""The judge catches deliberate defects: a short selection on real Kafka (`python -m tests.chaos.mutants` runs all of them)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.mutants.defects import DEFECTS
from tests.chaos.mutants.provoke import PROVOCATIONS
from tests.chaos.mutants.scenarios import SCENARIOS
from tests.chaos.mutants.suite import CONTROL, run_all
from tests.chaos.verdict_view import Rule
from tests.support.kafka import ROOT, RealKafka

SELECTION = ("forget-the-fence", "drop-the-frozen-batch", "forget-what-was-delivered-ahead")
"""All of one scenario, so that one control run is enough."""

PATCHES = [name for name in PROVOCATIONS if name != "at-the-door"]
"""That one only waits."""


def test_every_defect_has_a_scenario_that_provokes_it_and_a_rule_that_flags_it() -> None:
    assert len(DEFECTS) >= 14
    for defect in DEFECTS.values():
        assert defect.scenario in SCENARIOS
        assert defect.rules and set(defect.rules) <= {rule.name for rule in Rule}
        assert defect.about
    assert set(SCENARIOS) == {defect.scenario for defect in DEFECTS.values()}


@pytest.mark.parametrize("names", [[*DEFECTS], PATCHES], ids=["defects", "provocations"])
def test_every_patch_finds_what_it_patches(names: list[str]) -> None:
    """A defect that patches nothing would be a run without a defect. In a process of its own: patches stay."""
    program = (
        "import sys\n"
        "from tests.chaos.mutants.defects import DEFECTS\n"
        "from tests.chaos.mutants.provoke import PROVOCATIONS\n"
        "for name in sys.argv[1:]: (DEFECTS[name].patch if name in DEFECTS else PROVOCATIONS[name])()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *names], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.kafka
@pytest.mark.timeout(240)
async def test_the_judge_flags_each_defect_and_passes_the_run_without_one(kafka: RealKafka, tmp_path: Path) -> None:
    outcomes = await run_all(kafka, tmp_path, SELECTION, lambda outcome: print(outcome))
    assert [outcome.defect for outcome in outcomes] == [CONTROL, *SELECTION]
    assert all(outcome.ok for outcome in outcomes), "\n".join(
        f"{o}\n{o.findings}\n{o.trouble}" for o in outcomes if not o.ok
    )
