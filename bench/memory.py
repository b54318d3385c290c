"""RSS of the service against its byte budget: `python bench/memory.py [--case NAME,...] [--minutes M] [--budget MiB,...] [--soak M]`.

Real Kafka, the real service, receivers in a third process. Prints per case the budget, the constant (RSS when idle and assigned),
the peak by the kernel's own mark, and peak - constant against the budget. Needs `scripts/test kafka` once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.loads import LOADS, Load
from bench.service import MIB, Receivers, Watched, watched
from bench.soak import soak
from tests.support.forwarder import total, write_config
from tests.support.kafka import RealKafka

CONSTANT_MIB = 64
"""What the service may take beyond its budget, as docs/architecture.md says."""


@dataclass(frozen=True)
class Result:
    """One case with one budget; sizes in MiB."""

    case: str
    budget: int
    start: float
    peak: float
    end: float
    used: float
    delivered: float

    @property
    def grown(self) -> float:
        return self.peak - self.start

    @property
    def holds(self) -> bool:
        return self.grown <= self.budget + CONSTANT_MIB


async def run(kafka: RealKafka, folder: Path, load: Load, budget: int, options: argparse.Namespace) -> Result:
    receivers = Receivers()
    topic = await kafka.topics.create(load.name, load.partitions, {"max.message.bytes": str(8 * MIB)})
    config = write_config(
        folder / f"{load.name}-{budget}", brokers=kafka.bootstrap, group=topic, webhooks=load.webhooks(receivers),
        sources=[{"topic": topic, "startAt": "earliest", "preset": load.preset, "maxRecordBytes": 8 * MIB}],
        memory={"budget": f"{budget}MiB"},
    )  # fmt: skip
    try:
        async with watched(config, dict(each.split("=", 1) for each in options.environ)) as service:
            feeding = asyncio.create_task(load.feed(kafka, topic))
            await service.watch(options.minutes * 60)
            feeding.cancel()
            await asyncio.wait({feeding})
            if not feeding.cancelled() and feeding.exception() is not None:
                raise feeding.exception() or RuntimeError
            return await _result(service, load, budget)
    finally:
        receivers.stop()


async def _result(service: Watched, load: Load, budget: int) -> Result:
    print(json.dumps({key: value for key, value in (await service.heap()).items() if key != "types"}), flush=True)
    delivered = total(await service.metrics(), "forwarder_events_delivered_total")
    found = service.footprint
    start, peak, end, used = (size / MIB for size in (found.start, found.peak, found.end, found.used))
    return Result(load.name, budget, start, peak, end, used, delivered)


def show(results: list[Result]) -> bool:
    print(
        f"{'case':12} {'budget':>7} {'constant':>9} {'peak':>8} {'end':>8} {'gauge':>8} {'peak-constant':>14}   verdict"
    )
    for each in results:
        verdict = "holds" if each.holds else "BROKEN"
        print(
            f"{each.case:12} {each.budget:>7} {each.start:>9.1f} {each.peak:>8.1f} {each.end:>8.1f} {each.used:>8.1f} "
            f"{each.grown:>14.1f}   {verdict} (<= budget + {CONSTANT_MIB} MiB), {each.delivered:,.0f} events delivered"
        )
    return all(each.holds for each in results)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", default="all")
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--budget", default="64,256")
    parser.add_argument("--soak", type=float, default=0.0, help="minutes of a steady load instead of the cases")
    parser.add_argument(
        "--environ", nargs="*", default=[], help="NAME=VALUE for the service, such as MALLOC_ARENA_MAX=2"
    )
    options = parser.parse_args()
    names = list(LOADS) if options.case == "all" else options.case.split(",")
    with tempfile.TemporaryDirectory() as name:
        kafka = RealKafka(Path(name) / "kafka", overrides={"message.max.bytes": str(8 * MIB)})
        kafka.start()
        try:
            if options.soak:
                raise SystemExit(0 if asyncio.run(soak(kafka, Path(name), options.soak)) else 1)
            results: list[Result] = []
            for case in names:
                for budget in (int(each) for each in options.budget.split(",")):
                    results.append(asyncio.run(run(kafka, Path(name), LOADS[case], budget, options)))
                    show(results[-1:])
            raise SystemExit(0 if show(results) else 1)
        finally:
            kafka.stop()


if __name__ == "__main__":
    main()
