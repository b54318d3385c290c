"""How long a killed worker's partitions stand still: two workers, one is killed with -9, the other delivers its partitions.

    python bench/takeover.py [--rounds 5] [--session 6]

Needs Kafka as the tests do (`scripts/test kafka` fetches it). Prints, per round, the seconds from the kill to the first event of
the dead worker's partitions at a receiver.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from forwarder.cli.receiver import Receiver
from tests.integration.service.scenario import Stream, accepted, data_of, forwarder
from tests.support.forwarder import ForwarderProcess, write_config
from tests.support.kafka import RealKafka

PARTITIONS, RATE = 4, 200


async def round_of(kafka: RealKafka, folder: Path, session: float) -> float:
    """One kill; the seconds until the other worker delivers."""
    topic = await kafka.topics.create(partitions=PARTITIONS)
    async with Receiver() as stays, Receiver() as dies:
        hooks = [{"name": "siem", "url": receiver.url, "throttle": "50ms"} for receiver in (stays, dies)]
        configs = [
            write_config(
                folder / str(i), brokers=kafka.bootstrap, sources=[topic], webhooks=[hook],
                kafka={"brokers": kafka.bootstrap, "group": topic, "sessionTimeout": f"{session:g}s"},
            )
            for i, hook in enumerate(hooks)
        ]  # fmt: skip
        async with forwarder(configs[0], "stays"), forwarder(configs[1], "dies") as worker:
            await asyncio.to_thread(worker.wait_metric, "forwarder_assigned_partitions", lambda n: n == PARTITIONS / 2)
            async with Stream(kafka, topic, PARTITIONS, RATE):
                await asyncio.sleep(3.0)
                return await _kill(worker, stays, dies)


async def _kill(worker: ForwarderProcess, stays: Receiver, dies: Receiver) -> float:
    partitions = {data["p"] for data in accepted(dies)[-RATE // 2 :]}
    seen = len(stays.arrivals)
    await asyncio.to_thread(worker.kill)
    killed = time.time()
    while True:
        for arrival in list(stays.arrivals)[seen:]:
            if partitions & {data["p"] for data in data_of(arrival)}:
                return arrival.at - killed
        await asyncio.sleep(0.02)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--session", type=float, default=6.0, help="kafka.sessionTimeout in seconds")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="takeover-") as folder:
        kafka = RealKafka(Path(folder) / "kafka")
        await asyncio.to_thread(kafka.start)
        try:
            times = []
            for number in range(chosen.rounds):
                times.append(await round_of(kafka, Path(folder) / str(number), chosen.session))
                print(f"round {number + 1}: {times[-1]:.2f} s", flush=True)
        finally:
            await asyncio.to_thread(kafka.stop)
    median, worst = statistics.median(times), max(times)
    print(f"session timeout {chosen.session:g} s: median {median:.2f} s, worst {worst:.2f} s")


if __name__ == "__main__":
    asyncio.run(main())
