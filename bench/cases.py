"""The cases of bench/path.py, each run as `python -m bench.cases CASE BOOTSTRAP TOPIC EVENTS` in its own process.

The last line of stdout is a JSON object. CPU is of the whole process (all threads), from the first event on.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
import uuid
from typing import Any

import msgspec

from bench.rig import PARTITIONS, TYPES, Rig, configuration, measured, null, settled, webhook


class _Envelope(msgspec.Struct):
    type: str = ""
    timestamp: str = ""
    id: str = ""
    severity: str = ""
    tenant: str = ""


async def bare(bootstrap: str, topic: str, count: int) -> dict[str, float]:
    """A plain aiokafka getmany loop that decodes the same five fields."""
    from aiokafka import AIOKafkaConsumer, TopicPartition

    decode = msgspec.json.Decoder(_Envelope).decode
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    await consumer.start()
    consumer.assign([TopicPartition(topic, partition) for partition in range(PARTITIONS)])
    seen, started, cpu = 0, time.perf_counter(), time.process_time()
    while seen < count:
        for records in (await consumer.getmany(timeout_ms=1000)).values():
            for record in records:
                decode(record.value)
            seen += len(records)
    figures = measured(seen, started, cpu)
    await consumer.stop()
    return figures


async def _until_delivered(pipeline: Any, count: int) -> dict[str, float]:
    started, cpu = time.perf_counter(), time.process_time()
    base = settled(pipeline)
    while settled(pipeline) < count:
        await asyncio.sleep(0.25)
    figures = measured(count - base, started, cpu)
    topic = next(iter(pipeline.positions.expected)).topic
    reread = pipeline.roster._observer.metrics.topic(topic).catchup_read._value.get()
    return {**figures, "read_again": reread / count}


async def one(bootstrap: str, topic: str, count: int) -> dict[str, float]:
    """Decode, route, window: one webhook that takes everything."""
    config = configuration(bootstrap, topic, [webhook("all")])
    return await Rig(config, null).run(lambda pipeline: _until_delivered(pipeline, count))


async def thousand(bootstrap: str, topic: str, count: int) -> dict[str, float]:
    """1000 webhooks, of which one matches each event."""
    hooks = [webhook(f"w{number}", events=[f"auth.kind{number}"], eventsPolicy="include") for number in range(TYPES)]
    return await Rig(configuration(bootstrap, topic, hooks), null).run(
        lambda pipeline: _until_delivered(pipeline, count)
    )


class _Receiver:
    """A loopback receiver in a process of its own, so that only the sender's CPU is counted."""

    def __init__(self) -> None:
        self.process: Any = None
        self.port = 0

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.receiver", stdout=asyncio.subprocess.PIPE
        )
        self.port = int(await self.process.stdout.readline())

    async def stop(self) -> None:
        self.process.terminate()
        await self.process.wait()


async def delivered(bootstrap: str, topic: str, count: int) -> dict[str, float]:
    """End to end to a loopback receiver, batches of 100, signed."""
    count = min(count, 200_000)
    receiver = _Receiver()
    await receiver.start()
    hook = webhook(
        "all", url=f"http://127.0.0.1:{receiver.port}/x", maxEvents=100, startAt="earliest",
        signatureKey={"@type": "Value", "secret": "k" * 32},
    )  # fmt: skip
    try:
        rig = Rig(configuration(bootstrap, topic, [hook]))
        return await rig.run(lambda pipeline: _until_delivered(pipeline, count))
    finally:
        await receiver.stop()


async def naive(bootstrap: str, topic: str, count: int) -> dict[str, float]:
    """What people write first: a Faust agent, one POST with aiohttp for each event."""
    import tempfile

    import aiohttp
    import faust

    count = min(count, 10_000)
    receiver = _Receiver()
    await receiver.start()
    with tempfile.TemporaryDirectory() as folder:
        app = faust.App(
            f"naive-{uuid.uuid4().hex[:8]}", broker=f"kafka://{bootstrap}", datadir=folder, web_enabled=False,
            store="memory://", topic_disable_leader=True, consumer_auto_offset_reset="earliest",
        )  # fmt: skip
        seen, begun, done = 0, [0.0, 0.0], asyncio.Event()
        session = aiohttp.ClientSession()

        @app.agent(app.topic(topic, value_serializer="raw"))
        async def post(stream: Any) -> None:
            nonlocal seen
            async for value in stream:
                if not seen:
                    begun[:] = [time.perf_counter(), time.process_time()]
                async with session.post(f"http://127.0.0.1:{receiver.port}/x", data=value) as response:
                    await response.read()
                seen += 1
                if seen == count:
                    done.set()

        await app.start()
        await done.wait()
        figures = measured(seen, *begun)
        await app.stop()
        await session.close()
    await receiver.stop()
    return figures


async def _ten(bootstrap: str, count: int, dead: bool) -> dict[str, float]:
    """Ten webhooks on live traffic at a steady rate; the last one's endpoint refuses connections when `dead`."""
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic

    topic = f"ten-{uuid.uuid4().hex[:8]}"
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, PARTITIONS, 1)])
    await admin.close()
    receiver = _Receiver()
    await receiver.start()
    url = f"http://127.0.0.1:{receiver.port}/x"
    hooks = [webhook(f"w{i}", url=url, maxEvents=1000, throttle="200ms", discardAfter="never") for i in range(10)]
    if dead:
        hooks[9]["url"] = "http://127.0.0.1:9/x"
    rig = Rig(configuration(bootstrap, topic, hooks))
    total, rate = 24_000, 2_000

    async def watch(pipeline: Any) -> dict[str, float]:
        await asyncio.sleep(1.0)
        producer = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.produce", bootstrap, topic, str(total), str(rate)
        )
        started, cpu = time.perf_counter(), time.process_time()
        lanes = [pipeline.roster.lanes[f"w{i}"] for i in range(9)]
        while sum(lane.books.delivered for lane in lanes) < 9 * total:
            await asyncio.sleep(0.05)
        spent = time.perf_counter() - started
        await producer.wait()
        ages = [_quantile(pipeline, lane.name, 0.99) for lane in lanes]
        return {
            "healthy_per_second": 9 * total / spent, "p99_age": max(ages),
            "per_cpu_second": 9 * total / (time.process_time() - cpu),
        }  # fmt: skip

    try:
        return await rig.run(watch)
    finally:
        await receiver.stop()


def _quantile(pipeline: Any, name: str, share: float) -> float:
    """A quantile of the event age, interpolated in its histogram's bucket as Prometheus does."""
    from forwarder.observe.declared import EVENT_AGE

    counts, _ = pipeline.roster._observer.metrics.webhook(name).event_age.snapshot()
    wanted, lower, below = counts[-1] * share, 0.0, 0
    for bound, upto in zip(EVENT_AGE.buckets, counts, strict=False):
        if upto >= wanted:
            return lower + (bound - lower) * (wanted - below) / max(1, upto - below)
        lower, below = bound, upto
    return lower


async def ten_healthy(bootstrap: str, topic: str, count: int) -> dict[str, float]:
    """Ten healthy webhooks at 2,000 events a second."""
    return await _ten(bootstrap, count, dead=False)


async def one_dead(bootstrap: str, topic: str, count: int) -> dict[str, float]:
    """The same with one endpoint dead."""
    return await _ten(bootstrap, count, dead=True)


async def memory(bootstrap: str, topic: str, count: int) -> dict[str, float]:
    """RSS while one endpoint stays dead and the whole topic passes it."""
    budget = 64
    hooks = [webhook("good"), webhook("dead", discardAfter="never")]
    config = configuration(bootstrap, topic, hooks, memory={"budget": f"{budget}MiB"})

    async def watch(pipeline: Any) -> dict[str, float]:
        good = pipeline.roster.lanes["good"]
        while good.books.delivered < count // 10:
            await asyncio.sleep(0.02)
        early = _rss_mib()
        started, cpu = time.perf_counter(), time.process_time()
        while good.books.delivered < count:
            await asyncio.sleep(0.05)
        late = _rss_mib()
        figures = measured(count - count // 10, started, cpu)
        return {**figures, "growth_mib": late - early, "rss_mib": late, "budget_mib": budget}

    return await Rig(config, lambda pipeline: null(pipeline, spare="dead")).run(watch)


def _rss_mib() -> float:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20


CASES = {case.__name__: case for case in (bare, one, thousand, naive, delivered, ten_healthy, one_dead, memory)}


def main() -> None:
    import uvloop

    name, bootstrap, topic, count = sys.argv[1:]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(CASES[name](bootstrap, topic, int(count)))))


if __name__ == "__main__":
    main()
