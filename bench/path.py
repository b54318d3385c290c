"""What the path of an event costs, as ratios measured in one run: `python bench/path.py` (about six minutes, 2 cores).

Starts a real Kafka on loopback, fills topics, and runs each case in a process of its own; the figure of a case is events per
CPU-second of that process. `--events N` changes the size, `--only CASE,...` picks cases. Needs `scripts/test kafka` once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.cases import CASES
from bench.rig import PARTITIONS, fill
from tests.support.kafka import RealKafka

ROUNDS = 3


def measure(case: str, bootstrap: str, topic: str, events: int) -> dict[str, float]:
    """One case in a fresh process."""
    command = [sys.executable, "-m", "bench.cases", case, bootstrap, topic, str(events)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{case} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def show(results: dict[str, list[dict[str, float]]]) -> None:
    rates = {
        case: median([r["per_cpu_second"] for r in runs if "per_cpu_second" in r] or [0.0])
        for case, runs in results.items()
    }
    for case, runs in results.items():
        each = ", ".join(f"{r['per_cpu_second']:,.0f}" for r in runs if "per_cpu_second" in r)
        more = {key: value for key, value in runs[-1].items() if key not in ("per_cpu_second",)}
        print(f"{case:14} median {rates[case]:>10,.0f} events/CPU-s   runs: {each}   {json.dumps(more)}")
    for name, top, bottom, wanted in (
        ("one webhook / bare getmany+decode", "one", "bare", ">= 0.6"),
        ("1000 webhooks, one matching / one webhook", "thousand", "one", ">= 0.8"),
        ("delivered end to end / naive Faust agent", "delivered", "naive", "reported"),
    ):
        if rates.get(top) and rates.get(bottom):
            print(f"{name:44} {rates[top] / rates[bottom]:6.2f}   ({wanted})")
    if "ten_healthy" in results and "one_dead" in results:
        healthy, dead = results["ten_healthy"], results["one_dead"]
        kept = median([r["healthy_per_second"] for r in dead]) / median([r["healthy_per_second"] for r in healthy])
        aged = median([r["p99_age"] for r in dead]) / median([r["p99_age"] for r in healthy])
        print(f"{'healthy nine, one of ten dead: throughput':44} {kept:6.2f}   (>= 0.98)")
        print(f"{'healthy nine, one of ten dead: p99 event age':44} {aged:6.2f}   (<= 1.5)")
    if "memory" in results:
        last = results["memory"][-1]
        grown, budget = last["growth_mib"], last["budget_mib"]
        print(f"{'RSS growth while all events pass a dead one':44} {grown:6.1f} MiB   (budget {budget:.0f} MiB)")


async def prepare(kafka: RealKafka, events: int) -> str:
    topic = await kafka.topics.create("bench", PARTITIONS)
    print(f"filling {events:,} events of 500 B into {PARTITIONS} partitions ...", flush=True)
    await fill(kafka.bootstrap, topic, events)
    return topic


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--only", default=",".join(CASES))
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    cases = options.only.split(",")
    with tempfile.TemporaryDirectory() as folder:
        kafka = RealKafka(Path(folder))
        kafka.start()
        try:
            topic = asyncio.run(prepare(kafka, options.events))
            results: dict[str, list[dict[str, float]]] = {}
            for round_ in range(options.rounds):
                for case in cases:
                    if case == "memory" and round_ > 0:
                        continue
                    results.setdefault(case, []).append(measure(case, kafka.bootstrap, topic, options.events))
                    print(f"round {round_ + 1} {case}: {json.dumps(results[case][-1])}", flush=True)
            show(results)
        finally:
            kafka.stop()


if __name__ == "__main__":
    main()
