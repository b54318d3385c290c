"""`python -m tests.chaos.mutants [--only NAME] [--list] [--keep DIR]`: every deliberate defect on real Kafka, and whether the judge
catches it. Exits 1 when one is missed, or a run without a defect is not clean."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.mutants.defects import DEFECTS
from tests.chaos.mutants.suite import Outcome, run_all
from tests.support.kafka import RealKafka


def main(arguments: list[str]) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.mutants", description=__doc__)
    parser.add_argument(
        "--only", action="append", choices=sorted(DEFECTS), metavar="NAME", help="this defect; repeat for more"
    )
    parser.add_argument("--list", action="store_true", help="print all defects and end")
    parser.add_argument("--no-control", action="store_true", help="leave out the runs without a defect")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="leave journals, logs and verdicts there")
    chosen = parser.parse_args(arguments)
    if chosen.list:
        for defect in DEFECTS.values():
            print(f"{defect.name:34}  {defect.scenario:13}  {'/'.join(defect.rules):12}  {defect.about}")
        return 0
    with tempfile.TemporaryDirectory(prefix="mutants-") as temporary:
        folder = chosen.keep or Path(temporary)
        return _run(folder, chosen.only or list(DEFECTS), not chosen.no_control)


def _run(folder: Path, names: list[str], controls: bool) -> int:
    begun = time.monotonic()
    kafka = RealKafka(folder / "kafka")
    kafka.start()
    try:
        outcomes = asyncio.run(run_all(kafka, folder, names, _tell, controls))
    finally:
        kafka.kill()
    failed = [outcome for outcome in outcomes if not outcome.ok]
    caught = sum(outcome.ok for outcome in outcomes if outcome.defect != "none")
    print(
        f"{caught} of {len(names)} defects caught, {len(failed)} runs not as they should be, {time.monotonic() - begun:.0f} s"
    )
    return 1 if failed else 0


def _tell(outcome: Outcome) -> None:
    print(outcome, flush=True)
    if outcome.ok:
        return
    for text in (*outcome.findings, outcome.trouble[:2000]):
        if text:
            print(f"    {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
