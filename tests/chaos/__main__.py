"""`scripts/chaos`: reads the command line, makes a run, has it judged by the judge's own process, prints the table."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

from tests.chaos.plan import Family, plan
from tests.chaos.run import Order, Run
from tests.chaos.table import table
from tests.support.kafka import ROOT

QUICK_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto"
"""A broker that is killed every half minute has to start quickly rather than run quickly."""

HELP = """\
Breaks a real Forwarder in every way that is on the list, alone and together, and shows what came of it.

A real Kafka, one to three Forwarder processes, forty webhooks of twenty modes, receivers and a producer as processes of their own.
A plan of faults, the same for the same seed, is followed; then everything is healed, the receivers get what they still lack, and
a judge that shares no code with Forwarder compares what was produced with what was received and with the books.

examples:
  scripts/chaos --minutes 2 --seed 1                    what CI runs
  scripts/chaos --minutes 10 --seed 1                   every kind of fault
  scripts/chaos --minutes 5 --faults process,broker     only these
  scripts/chaos --minutes 5 --seed 7 --keep /tmp/seven  keeps the journal, logs and result there
  scripts/chaos --minutes 10 --seed 3 --plan            shows the plan and does nothing
  scripts/chaos --mutants                               deliberate defects: does the judge catch each? (--mutants --help)

exit code: 0 when nothing was violated, 1 when something was, 2 for a run that could not be made.
A run that fails keeps its folder, passed or not with --keep; its path is printed."""


def main() -> int:
    if "--mutants" in sys.argv:
        from tests.chaos.mutants.__main__ import main as judge_mutants

        return judge_mutants([argument for argument in sys.argv[1:] if argument != "--mutants"])
    options = _options()
    families = frozenset(Family) if options.faults == "all" else frozenset(Family(n) for n in options.faults.split(","))
    if options.plan:
        for step in plan(options.seed, options.minutes, options.workers, families):
            print(f"{step.at:7.2f} s  {step.kind:<22}{step.target:<28}{step.seconds:6.2f} s  {step.detail or ''}")
        return 0
    folder = _folder(options.keep, options.seed)
    os.environ.setdefault("JAVA_TOOL_OPTIONS", QUICK_JAVA)
    order = Order(options.seed, options.minutes, families, options.workers, options.rate, folder)
    run = Run(order, _say)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        asyncio.run(run.go())
    except (Exception, KeyboardInterrupt) as error:
        traceback.print_exc()
        print(f"the run could not be made ({type(error).__name__}); what there is of it: {folder}", file=sys.stderr)
        return 2
    finally:
        run.close()
    passed = _judge(order, run)
    if passed is None:
        return 2
    if passed and not options.keep:
        shutil.rmtree(folder)
    else:
        print(f"journal, logs and result: {folder}")
    return 0 if passed else 1


def _judge(order: Order, run: Run) -> bool | None:
    """By the judge's own process; the harness's findings count as well. None when the judge could not judge."""
    _say("judging")
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos.judge", str(order.folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    (order.folder / "judge.txt").write_text(done.stdout + done.stderr, encoding="utf-8")
    file = order.folder / "result.json"
    if not file.exists():
        print(
            done.stdout,
            done.stderr,
            f"the judge gave no result (exit code {done.returncode}): {order.folder}",
            file=sys.stderr,
        )
        return None
    result = json.loads(file.read_text(encoding="utf-8"))
    facts = json.loads((order.folder / "plan.json").read_text(encoding="utf-8"))
    print(table(facts, result, run.report, run.faults.counts), flush=True)
    return bool(result["ok"]) and not run.report.findings


def _folder(keep: str | None, seed: int) -> Path:
    if keep is None:
        return Path(tempfile.mkdtemp(prefix=f"chaos-{seed}-"))
    folder = Path(keep).resolve()
    if folder.exists() and any(folder.iterdir()):
        raise SystemExit(f"{folder} is not empty")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("scripts/chaos", description=HELP, formatter_class=argparse.RawTextHelpFormatter)
    names = ", ".join(family.value for family in Family)
    parser.add_argument(
        "--minutes", type=float, default=2.0, help="how long things are broken; the end comes on top (2)"
    )
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same plan (1)")
    parser.add_argument("--faults", default="all", help=f"all, or some of: {names}")
    parser.add_argument("--workers", type=int, choices=(1, 2, 3), default=3, help="Forwarder processes (3)")
    parser.add_argument("--rate", type=int, default=300, help="events per second, without bursts (300)")
    parser.add_argument("--keep", metavar="DIR", help="an empty or new folder for journal, logs and result")
    parser.add_argument("--plan", action="store_true", help="print the plan and do nothing")
    options = parser.parse_args()
    if options.faults != "all":
        unknown = set(options.faults.split(",")) - {family.value for family in Family}
        if unknown:
            parser.error(f"no such faults: {', '.join(sorted(unknown))}; there are: all, {names}")
    if not 0.2 <= options.minutes <= 24 * 60:
        parser.error("--minutes: from 0.2 to 1440")
    return options


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
