"""Runs many schedules and tells what they found: `scripts/simulate --help`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from tests.simulation.plan import generate
from tests.simulation.shrink import simplified
from tests.simulation.world import run

SHARE = 50
"""Schedules that are given to a process at once."""

MOST_SHRUNK = 3

HELP = """\
Runs Forwarder's core (intake, router, lanes, windows, catch-up, checkpoints, drain, reload, dead letters) against a scripted Kafka,
scripted receivers and a virtual clock: 1 to 3 workers, a random plan of faults per seed, seconds of virtual time in milliseconds.

Every run is judged by the laws in docs/guarantees.md. A violation prints its seed and the shortest plan that still shows it; paste
that into tests/simulation/test_regressions.py, or look at it with --trace."""


@dataclass
class Tally:
    """What some schedules came to. `violations`: seed -> kinds."""

    schedules: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    violations: dict[int, list[tuple[str, str]]] = field(default_factory=dict)
    cpu: float = 0.0

    def add(self, other: Tally) -> None:
        self.schedules += other.schedules
        self.counts += other.counts
        self.violations |= other.violations
        self.cpu += other.cpu


def try_seeds(first: int, count: int) -> Tally:
    """Run the schedules of these seeds."""
    tally, began = Tally(), time.process_time()
    for seed in range(first, first + count):
        judge, world = run(generate(seed))
        tally.schedules += 1
        tally.counts += world.counts
        tally.counts["steps"] += len(world.plan.steps)
        tally.counts["virtual seconds"] += int(world.agenda.now)
        if judge.violations:
            tally.violations[seed] = [(found.kind, found.text) for found in judge.violations]
    tally.cpu = time.process_time() - began
    return tally


def try_all(first: int, count: int, jobs: int) -> Iterator[Tally]:
    """As `try_seeds`, a share at a time and on several processors."""
    shares = [(start, min(SHARE, first + count - start)) for start in range(first, first + count, SHARE)]
    if jobs == 1:
        yield from (try_seeds(*share) for share in shares)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(try_seeds, *zip(*shares, strict=True))


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code: 1 if any law was broken."""
    options = _parse(arguments)
    if options.trace is not None:
        return _trace(options.trace)
    total, told = Tally(), time.monotonic()
    began = told
    for some in try_all(options.seed, options.schedules, options.jobs):
        total.add(some)
        if time.monotonic() - told > 5:
            told = time.monotonic()
            rate = total.schedules / (told - began) * 60
            print(
                f"{total.schedules:8} schedules, {rate:6.0f} a minute, {len(total.violations)} violations", flush=True
            )
    _show(total, time.monotonic() - began)
    for seed in list(total.violations)[:MOST_SHRUNK]:
        _show_violation(seed, total.violations[seed])
    return 1 if total.violations else 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/simulate", description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--schedules", type=int, default=2000, metavar="N", help="how many to run (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="the first seed (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=1, metavar="J", help="processes to use (default: %(default)s)")
    parser.add_argument("--trace", type=int, metavar="S", help="run one seed and print everything that happens")
    return parser.parse_args(arguments)


def _show(total: Tally, seconds: float) -> None:
    rate = total.schedules / total.cpu * 60 if total.cpu else 0
    print(f"\nschedules            {total.schedules:10}   in {seconds:.0f} s; {rate:.0f} per minute of processor time")
    for name in ("steps", "virtual seconds", "catch-up read"):
        print(f"{name:20} {total.counts.pop(name, 0):10}")
    print("\nfaults, and what the receivers did")
    for name, count in sorted(total.counts.items()):
        print(f"  {name:20} {count:8}")
    print(f"\nviolations           {len(total.violations):10}")


def _show_violation(seed: int, found: list[tuple[str, str]]) -> None:
    kind, text = found[0]
    print(f"\nseed {seed}: {kind}: {text}\nshrinking ...", flush=True)
    plan = simplified(generate(seed), kind)
    again = next((v.text for v in run(plan)[0].violations if v.kind == kind), "")
    print(f"{kind}: {again}\n{plan}")


def _trace(seed: int) -> int:
    judge, world = run(generate(seed), trace=True)
    print(world.plan, *(world.trace or ()), sep="\n")
    for found in judge.violations:
        print(f"{found.at:9.3f} {found.kind}: {found.text}")
    return 1 if judge.violations else 0


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # the order of a set of texts must be the same in each run
        os.execve(
            sys.executable, [sys.executable, "-m", "tests.simulation.main", *sys.argv[1:]],
            {**os.environ, "PYTHONHASHSEED": "0"},
        )  # fmt: skip
    raise SystemExit(main())
