"""Kills the service ten times under load and counts: `python bench/kills.py [--kills 10] [--rate 1000]` (about two minutes).

Real Kafka, the real service as a child process, a receiver in this one. Prints produced, delivered, lost (must be 0), out of
order (must be 0) and duplicates with their bound: what can be delivered between two checkpoints, once per kill.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from forwarder.cli.receiver import Receiver
from tests.integration.service.scenario import Stream, accepted, config_for, forwarder, until_received
from tests.support.forwarder import ForwarderProcess
from tests.support.kafka import RealKafka

PARTITIONS = 4
CHECKPOINT_SECONDS = 1.0


async def run(kafka: RealKafka, folder: Path, kills: int, rate: int) -> bool:
    topic = await kafka.topics.create(partitions=PARTITIONS)
    async with Receiver() as receiver:
        hook = {"name": "siem", "url": receiver.url, "throttle": "50ms", "maxEvents": 200, "discardAfter": "never"}
        config = config_for(folder, kafka, topic, [{"topic": topic, "startAt": "earliest"}], [hook])
        worker = ForwarderProcess(config)
        fastest = 0.0
        async with Stream(kafka, topic, PARTITIONS, rate) as stream:
            for number in range(kills):
                await asyncio.to_thread(worker.start)
                await asyncio.to_thread(worker.wait_ready)
                fastest = max(fastest, await _watch(receiver, 2.0 + number % 3))
                await asyncio.to_thread(worker.kill)
                print(f"kill {number + 1}: {len(accepted(receiver)):,} events received so far", flush=True)
            numbers = await stream.stop()
        async with forwarder(config, "last") as last:
            findings = await until_received(receiver, numbers, timeout=120.0)
            imbalance = last.metric("forwarder_books_imbalance")
    bound = int(kills * fastest * (CHECKPOINT_SECONDS + 0.5))
    print(f"produced {len(numbers):,}   received {len(numbers) - len(findings.lost):,}   lost {len(findings.lost)}")
    print(f"out of order {findings.disordered}   duplicates {findings.repeated:,}   books' imbalance {imbalance:g}")
    print(
        f"bound on duplicates: {kills} kills x {fastest:,.0f} events/s (the fastest second seen) x "
        f"{CHECKPOINT_SECONDS + 0.5} s (checkpoint interval and its write) = {bound:,}"
    )
    return not findings.lost and not findings.disordered and findings.repeated <= bound and imbalance == 0


async def _watch(receiver: Receiver, seconds: float) -> float:
    """Let `seconds` pass; returns the most events accepted in any one of them."""
    best, before = 0, receiver.tally.events
    for _ in range(round(seconds)):
        await asyncio.sleep(1.0)
        best, before = max(best, receiver.tally.events - before), receiver.tally.events
    return float(best)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--rate", type=int, default=1000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        kafka = RealKafka(Path(name) / "kafka")
        kafka.start()
        try:
            good = asyncio.run(run(kafka, Path(name) / "service", options.kills, options.rate))
        finally:
            kafka.stop()
    raise SystemExit(0 if good else 1)


if __name__ == "__main__":
    main()
