"""Many webhooks behind at different places of one topic: `python bench/catchup.py [--events 1_000_000] [--lanes 1000]`.

Real Kafka, the real service as a child process. Each event is wanted by one webhook; a checkpoint puts webhook n at n/lanes of each
partition and the router at its end, so all are behind, evenly spread. Prints what catch-up read and delivered, their ratio (promised:
at most 3), and what readers of their own would have read. A live webhook and one that flaps have a stream of their own: their figures
with and without the others behind.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from aiokafka import AIOKafkaProducer

from forwarder.kafka.topics import CHECKPOINT_CONFIG, checkpoint_topic
from tests.support.forwarder import ForwarderProcess, Metrics, parse_metrics, total, write_config
from tests.support.kafka import ROOT, RealKafka

NOTE = "x" * 60
LIVE_RATE = 200
QUIET_SECONDS = 20.0


class Listener:
    """Accepts everything, or nothing, and notes how old each event is when it comes (seconds, with the time of its arrival)."""

    def __init__(self) -> None:
        self.well = True
        self.ages: list[tuple[float, float]] = []
        self.port = 0

    async def start(self) -> None:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=16 * 1024 * 1024)
        self.port = server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).lower():
                at = head.index(b"content-length:") + 15
                body = await reader.readexactly(int(head[at : head.index(b"\r\n", at)]))
                if self.well:
                    now = time.time()
                    self.ages += [(now, now - event["data"]["at"]) for event in json.loads(body)]
                status = b"200 OK" if self.well else b"503 No"
                writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def p99(self, since: float, until: float) -> float:
        ages = sorted(age for at, age in self.ages if since <= at < until)
        return ages[int(len(ages) * 0.99)] if ages else float("nan")


async def fill(kafka: RealKafka, topic: str, given: argparse.Namespace) -> None:
    """Event n of each partition is wanted by webhook n % lanes."""
    note = NOTE.encode()

    def values() -> Iterator[bytes]:
        for n in range(given.events // given.partitions):
            yield b'{"type":"k.%d","id":"e%d","data":{"note":"%s"}}' % (n % given.lanes, n, note)

    for partition in range(given.partitions):
        await kafka.topics.produce_bulk(topic, partition, values())


async def leave_behind(kafka: RealKafka, topic: str, given: argparse.Namespace) -> None:
    """A checkpoint in the first version of its format, which every later one reads."""
    changelog = checkpoint_topic(topic, topic)
    await kafka.topics.create(changelog, given.partitions, dict(CHECKPOINT_CONFIG))
    position = given.events // given.partitions
    lanes = {f"w{n}": {"cursor": position * n // given.lanes} for n in range(given.lanes)}
    record = {
        "epoch": 1, "seq": 1, "position": position, "lanes": lanes, "known": [*lanes, "live", "flap"],
        "version": 1, "written_ms": int(time.time() * 1000),
    }  # fmt: skip
    for partition in range(given.partitions):
        value, key = json.dumps(record).encode(), str(partition).encode()
        await kafka.topics.produce(changelog, [value], partition=partition, keys=[key])


async def stream(kafka: RealKafka, topic: str, partitions: int, stop: asyncio.Event) -> None:
    """Live events, at LIVE_RATE a second."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, linger_ms=5, acks=1)
    await producer.start()
    n, started = 0, time.monotonic()
    while not stop.is_set():
        value = json.dumps({"type": "live", "id": f"live{n}", "data": {"at": time.time()}}).encode()
        await producer.send(topic, value, partition=n % partitions)
        n += 1
        await asyncio.sleep(max(0.0, started + n / LIVE_RATE - time.monotonic()))
    await producer.stop()


def configuration(
    folder: Path, kafka: RealKafka, topic: str, given: argparse.Namespace, ports: tuple[int, int, int]
) -> Path:
    sink, live, flap = (f"http://127.0.0.1:{port}/x" for port in ports)
    calm = {"discardAfter": "never", "eventsPolicy": "include"}
    many = {"url": sink, "throttle": given.throttle, "maxEvents": given.max_events, **calm}
    hooks: list[dict[str, Any]] = [{"name": f"w{n}", "events": [f"k.{n}"], **many} for n in range(given.lanes)]
    quick = {"base": "100ms", "cap": "500ms"}
    hooks.append({"name": "live", "url": live, "events": ["live"], "throttle": "50ms", **calm})
    hooks.append(
        {"name": "flap", "url": flap, "events": ["live"], "throttle": "50ms", "maxEvents": 100, "retry": quick, **calm}
    )
    return write_config(
        folder, brokers=kafka.bootstrap, group=topic, webhooks=hooks,
        sources=[{"topic": topic, "preset": "standard-webhooks"}],
    )  # fmt: skip


def figures(metrics: Metrics) -> dict[str, float]:
    """Read and fed are of all webhooks; delivered and behind without the live one and the one that flaps."""

    def of_the_many(name: str) -> float:
        return sum(
            v for (found, labels), v in metrics.items() if found == name and dict(labels)["webhook"].startswith("w")
        )

    return {
        "read": total(metrics, "forwarder_catchup_records_read_total"),
        "fed": total(metrics, "forwarder_events_caught_up_total"),
        "delivered": of_the_many("forwarder_events_delivered_total"),
        "behind": of_the_many("forwarder_lane_behind_partitions"),
    }


def scrape(worker: ForwarderProcess) -> Metrics:
    """With a thousand webhooks and a busy machine it may take its time."""
    with urllib.request.urlopen(f"http://127.0.0.1:{worker.port}/metrics", timeout=120) as response:
        return parse_metrics(response.read().decode())


def rss_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


class Run:
    """One run of the service, watched."""

    def __init__(self, worker: ForwarderProcess, given: argparse.Namespace, live: Listener, flap: Listener) -> None:
        self.worker, self.given, self.live, self.flap = worker, given, live, flap
        self.expected = sum(
            len(range(partition_first(n, given), given.events // given.partitions, given.lanes)) * given.partitions
            for n in range(given.lanes)
        )
        self.lag = self.rss = self.back = 0.0

    async def until_caught_up(self) -> dict[str, float]:
        """Until every webhook has all that it missed; the last figures seen."""
        started, seen = time.monotonic(), {"read": 0.0, "fed": 0.0, "delivered": 0.0, "behind": 1.0}
        while seen["behind"] and time.monotonic() - started < self.given.seconds:
            await asyncio.sleep(min(15.0, 2.0 + seen["read"] / 50_000))
            metrics = await asyncio.to_thread(scrape, self.worker)
            seen = figures(metrics)
            self.lag = max(self.lag, total(metrics, "forwarder_event_loop_lag_max_seconds"))
            self.rss = max(self.rss, rss_mib(self.worker.process.pid))
            spent = time.monotonic() - started
            print(f"  {spent:5.0f} s  " + "  ".join(f"{key} {value:,.0f}" for key, value in seen.items()), flush=True)
        return {**seen, "seconds": time.monotonic() - started}

    async def flaps(self, after: float, down: float) -> None:
        """The webhook refuses for `down` seconds; notes how long it takes from then until its events are fresh again."""
        await asyncio.sleep(after)
        self.flap.well = False
        await asyncio.sleep(down)
        self.flap.well, healed = True, time.time()
        while not any(at > healed and age < 1.0 for at, age in self.flap.ages[-50:]):
            await asyncio.sleep(0.05)
        self.back = time.time() - healed


def partition_first(n: int, given: argparse.Namespace) -> int:
    """Webhook n wants numbers n, n + lanes, ... of each partition, and begins at n/lanes of it: the first that it gets."""
    start = given.events // given.partitions * n // given.lanes
    first: int = start + (n - start) % given.lanes
    return first


async def measure(kafka: RealKafka, folder: Path, given: argparse.Namespace) -> bool:
    topic = await kafka.topics.create(partitions=given.partitions, configs={"retention.ms": "-1"})
    began = time.monotonic()
    await fill(kafka, topic, given)
    await leave_behind(kafka, topic, given)
    print(f"produced {given.events:,} events in {time.monotonic() - began:.0f} s", flush=True)
    sink = subprocess.Popen([sys.executable, "-m", "bench.receiver"], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert sink.stdout is not None
    live, flap = Listener(), Listener()
    await asyncio.gather(live.start(), flap.start())
    ports = (int(sink.stdout.readline()), live.port, flap.port)
    quietly = {"FORWARDER_LOG_LEVEL": "warning"}
    worker = ForwarderProcess(configuration(folder, kafka, topic, given, ports), environ=quietly)
    stop = asyncio.Event()
    try:
        await asyncio.to_thread(worker.start)
        await asyncio.to_thread(worker.wait_ready, 180.0)
        streaming = asyncio.create_task(stream(kafka, topic, given.partitions, stop))
        good = await report(Run(worker, given, live, flap))
        stop.set()
        await streaming
        await asyncio.to_thread(worker.terminate)
    except (OSError, TimeoutError):
        print(worker.process.output()[-4000:], flush=True)
        raise
    finally:
        if worker.process.alive:
            worker.kill()
        sink.terminate()
    return good


async def report(run: Run) -> bool:
    given, started = run.given, time.time()
    flapping = asyncio.create_task(run.flaps(5.0, 10.0))
    seen = await run.until_caught_up()
    busy = run.live.p99(started + 2.0, time.time())
    await asyncio.wait_for(flapping, 120.0)
    with_others, quiet_from = run.back, time.time() + 5.0
    await asyncio.sleep(5.0 + QUIET_SECONDS)
    quiet = run.live.p99(quiet_from, time.time())
    await asyncio.wait_for(run.flaps(0.0, 10.0), 120.0)
    naive = sum(given.events - given.events * n // given.lanes for n in range(given.lanes))
    ratio = seen["read"] / max(1.0, seen["fed"])
    print(
        f"read by catch-up {seen['read']:,.0f}   fed {seen['fed']:,.0f}   reads per event {ratio:.2f} (promised: at most 3)"
    )
    print(f"a reader for each webhook would have read {naive:,}: {naive / max(1, run.expected):,.0f} per event")
    print(
        f"delivered to the {given.lanes} webhooks {seen['delivered']:,.0f} of {run.expected:,}   still behind {seen['behind']:.0f}"
    )
    print(
        f"seconds {seen['seconds']:.0f}   largest RSS {run.rss:.0f} MiB   largest loop lag {run.lag * 1000:.0f} ms (scrapes included)"
    )
    print(f"live webhook's p99 age: {busy * 1000:.0f} ms while they were behind, {quiet * 1000:.0f} ms after")
    print(
        f"a webhook that was down for 10 s is up to date in {with_others:.1f} s while they were behind, {run.back:.1f} s after"
    )
    return ratio <= 3 and not seen["behind"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--lanes", type=int, default=1000)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--throttle", default="5s")
    parser.add_argument("--max-events", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=3600.0, help="give up after this time")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        kafka = RealKafka(Path(name) / "kafka")
        kafka.start()
        try:
            good = asyncio.run(measure(kafka, Path(name) / "service", given))
        finally:
            kafka.stop()
    raise SystemExit(0 if good else 1)


if __name__ == "__main__":
    main()
