"""Runs defects and control runs, two at a time, and says which the judge has caught. Knows no scenario."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.mutants.defects import DEFECTS
from tests.chaos.mutants.receiver import Receiver
from tests.chaos.mutants.scenarios import SCENARIOS
from tests.chaos.mutants.stage import Stage
from tests.support.kafka import ROOT, RealKafka
from tests.support.process import ChildError

CONTROL = "none"
AT_ONCE = 2


@dataclass(frozen=True)
class Outcome:
    """One run. `rules` are the names of those that the judge found broken; `trouble` is why the run itself went wrong, if it did."""

    scenario: str
    defect: str
    rules: tuple[str, ...]
    findings: tuple[str, ...]
    seconds: float
    trouble: str = ""

    @property
    def ok(self) -> bool:
        """Clean for a control run; caught, by the rule that is meant to, for a defect."""
        if self.defect == CONTROL:
            return not self.rules and not self.trouble
        return not set(DEFECTS[self.defect].rules).isdisjoint(self.rules)

    def __str__(self) -> str:
        word = ("clean" if self.ok else "NOT CLEAN") if self.defect == CONTROL else ("caught" if self.ok else "MISSED")
        by = ", ".join(self.rules) or "-"
        name = "(control)" if self.defect == CONTROL else self.defect
        return f"{word:9}  {self.scenario:13}  {name:34}  {self.seconds:5.1f} s  {by}"


async def run(kafka: RealKafka, folder: Path, scenario: str, defect: str) -> Outcome:
    """One scenario, with one defect or none, judged by the judge's own process."""
    begun = time.monotonic()
    trouble = ""
    topic = await kafka.topics.create(partitions=2)
    async with Receiver() as receiver:
        stage = Stage(kafka, folder, defect, receiver, topic)
        try:
            await SCENARIOS[scenario](stage)
        except (ChildError, TimeoutError) as error:
            trouble = str(error)
        await stage.write_journal()
    judged = await asyncio.to_thread(_judge, folder)
    result = json.loads((folder / "result.json").read_text()) if judged in (0, 1) else {"rules": [], "findings": []}
    if judged not in (0, 1):
        trouble = trouble or "the judge found no journal"
    seconds = time.monotonic() - begun
    return Outcome(scenario, defect, tuple(result["rules"]), tuple(result["findings"]), seconds, trouble)


def _judge(folder: Path) -> int:
    command = [sys.executable, "-m", "tests.chaos.judge", str(folder)]
    with (folder / "verdict.txt").open("w") as out:
        return subprocess.run(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, check=False).returncode


async def run_all(
    kafka: RealKafka, folder: Path, names: Sequence[str], tell: Callable[[Outcome], None], controls: bool = True
) -> list[Outcome]:
    """The control runs of the defects' scenarios and the defects, the longest scenarios first: none is left alone at the end."""
    defects = [(DEFECTS[name].scenario, name) for name in names]
    control = [(scenario, CONTROL) for scenario in SCENARIOS if controls and scenario in {each for each, _ in defects}]
    order = list(SCENARIOS)
    jobs = sorted(control + defects, key=lambda job: order.index(job[0]))
    places = asyncio.Semaphore(AT_ONCE)

    async def one(scenario: str, defect: str) -> Outcome:
        async with places:
            outcome = await run(kafka, folder / f"{scenario}-{defect}", scenario, defect)
        tell(outcome)
        return outcome

    return await asyncio.gather(*(one(*job) for job in jobs))
