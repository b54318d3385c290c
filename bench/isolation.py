"""How much a healthy webhook feels of nine bad ones: `python bench/isolation.py [--rounds 3] [--rate 500] [--only CASE,...]`.

Real Kafka, the real service, receivers in a process of their own. The age of an event is measured by the receiver itself: from its
production, which the event names, to its arrival. A machine is never as quiet as one would like, so each case runs at the same time
as its quiet twin: a second service that reads the same events for ten webhooks that are all healthy (`--quiet alone`: for the one
only, the other nine are not configured). What counts is the median of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from aiokafka import AIOKafkaProducer

from bench.service import Receivers
from tests.support.forwarder import ForwarderProcess, write_config
from tests.support.kafka import RealKafka

PARTITIONS = 4
WARM_SECONDS = 4.0
NEIGHBOURS = 9
WANTED = 1.5

Urls = list[str]


def cases(at: Receivers) -> dict[str, Urls]:
    """The endpoints of the other nine."""
    healthy = [at.url(f"ok/other-{n}") for n in range(NEIGHBOURS)]
    bad = [at.blackhole, at.url("hang"), at.url("dribble"), at.refused, at.url("status/500"), at.url("status/429")]
    bad.append(at.url("deaf"))
    return {
        "alone": [],
        "healthy": healthy,
        "mixed": [bad[n % len(bad)] for n in range(NEIGHBOURS)],
        "dead": [at.blackhole] * NEIGHBOURS,
        "hanging": [at.url("hang")] * NEIGHBOURS,
        "dribbling": [at.url("dribble")] * NEIGHBOURS,
        "refusing": [at.refused] * NEIGHBOURS,
        "500": [at.url("status/500")] * NEIGHBOURS,
        "429": [at.url("status/429")] * NEIGHBOURS,
    }


def configure(
    folder: Path, kafka: RealKafka, topic: str, at: Receivers, group: str, options: argparse.Namespace
) -> Path:
    """`group` names the service; `options.urls[group]` are the endpoints of the other nine."""
    shared: dict[str, Any] = {
        "throttle": options.throttle, "discardAfter": "never", "timeout": "2s", "connectTimeout": "1s",
        "retry": {"base": "200ms", "cap": "2s"},
    }  # fmt: skip
    hooks = [{"name": "healthy", "url": at.url(f"ok/{group}"), **shared}]
    hooks += [{"name": f"other-{n}", "url": url, **shared} for n, url in enumerate(options.urls[group])]
    return write_config(
        folder / group, brokers=kafka.bootstrap, group=f"{topic}-{group}", webhooks=hooks,
        memory={"budget": "64MiB"}, sources=[{"topic": topic, "preset": "standard-webhooks"}],
    )  # fmt: skip


async def produce(kafka: RealKafka, topic: str, rate: int, seconds: float) -> None:
    """Events that name their time, evenly spread: a burst would measure the burst."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, linger_ms=0, acks=1)
    await producer.start()
    begun = time.perf_counter()
    try:
        for number in range(int(rate * seconds)):
            body = {"type": "auth.success", "id": f"e{number}", "data": {"at": time.time(), "note": "x" * 300}}
            await producer.send(topic, json.dumps(body).encode(), partition=number % PARTITIONS)
            await asyncio.sleep(max(0.0, begun + number / rate - time.perf_counter()))
    finally:
        await producer.stop()


async def measure(
    kafka: RealKafka, folder: Path, at: Receivers, options: argparse.Namespace
) -> dict[str, dict[str, float]]:
    """Milliseconds by group: quantiles of the healthy one's event age, after a time to warm up."""
    topic = await kafka.topics.create(partitions=PARTITIONS)
    configs = [configure(folder / topic, kafka, topic, at, group, options) for group in options.urls]
    workers = [ForwarderProcess(config) for config in configs]
    try:
        await asyncio.gather(*(asyncio.to_thread(worker.start) for worker in workers))
        await asyncio.gather(*(asyncio.to_thread(worker.wait_ready) for worker in workers))
        await produce(kafka, topic, options.rate, WARM_SECONDS)
        await asyncio.sleep(1.0)
        await asyncio.to_thread(at.ages)
        await produce(kafka, topic, options.rate, options.seconds)
        await asyncio.sleep(1.0)
        ages = await asyncio.to_thread(at.ages)
        return {group: _quantiles(ages[group], int(options.rate * options.seconds)) for group in options.urls}
    finally:
        await asyncio.gather(*(asyncio.to_thread(worker.kill) for worker in workers))


def _quantiles(ages: list[float], wanted: int) -> dict[str, float]:
    assert len(ages) == wanted, f"{len(ages)} of {wanted} events came"
    found = sorted(ages)
    return {"p50": found[wanted // 2] * 1000, "p99": found[int(wanted * 0.99)] * 1000}


def show(results: dict[str, list[dict[str, dict[str, float]]]], quiet: str) -> bool:
    print(
        f"{'the other nine':14} {'p50 ms':>8} {'p99 ms':>8} {'quiet p99':>10} {'ratio':>6}   ratios of the rounds ({quiet=})"
    )
    good = True
    for case, runs in results.items():
        ratios = sorted(run["case"]["p99"] / run["quiet"]["p99"] for run in runs)
        p50, p99 = (median(run["case"][name] for run in runs) for name in ("p50", "p99"))
        still = median(run["quiet"]["p99"] for run in runs)
        each = ", ".join(f"{ratio:.2f}" for ratio in ratios)
        print(f"{case:14} {p50:>8.1f} {p99:>8.1f} {still:>10.1f} {median(ratios):>6.2f}   {each}")
        good = good and median(ratios) <= WANTED
    return good


async def run(kafka: RealKafka, folder: Path, options: argparse.Namespace) -> bool:
    at = Receivers()
    try:
        urls = cases(at)
        chosen = list(urls) if options.only == "all" else options.only.split(",")
        results: dict[str, list[dict[str, dict[str, float]]]] = {name: [] for name in chosen}
        for number in range(options.rounds):
            for name in chosen:
                options.urls = {"quiet": urls[options.quiet], "case": urls[name]}
                results[name].append(await measure(kafka, folder, at, options))
                print(f"round {number + 1} {name}: {json.dumps(results[name][-1])}", flush=True)
        return show(results, options.quiet)
    finally:
        at.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rate", type=int, default=200, help="events per second")
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--throttle", default="0ms", help="of every webhook; above 0 it is most of the age")
    parser.add_argument(
        "--quiet", choices=("healthy", "alone"), default="healthy", help="what the other nine of the twin do"
    )
    parser.add_argument("--only", default="all")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        kafka = RealKafka(Path(name) / "kafka")
        kafka.start()
        try:
            raise SystemExit(0 if asyncio.run(run(kafka, Path(name), options)) else 1)
        finally:
            kafka.stop()


if __name__ == "__main__":
    main()
