"""Steady load for a long time: does anything grow? RSS each second after a warm-up, a straight line through it, and objects by type.

Endpoints come and go the whole time: one refuses, one hangs, one answers 503, one dribbles, and the address of one never accepts.
"""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer

from bench.loads import hook
from bench.rig import PARTITIONS, event
from bench.service import MIB, Receivers, Watched, watched
from tests.support.forwarder import total, write_config
from tests.support.kafka import RealKafka

RATE = 400
LOOKS = 4
WARM_SHARE = 0.34
"""Of the time: pools, caches and the allocator settle in it."""

NOISE_MIB = 24.0
"""A line through so few minutes is uncertain by about this much an hour; beyond it the growth is called growth."""


def webhooks(at: Receivers) -> list[dict[str, Any]]:
    bad = ["hang", "status/503", "status/429", "status/400", "deaf", "dribble"]
    hooks = [hook(f"good-{n}", at.url(f"ok/{n}")) for n in range(4)]
    hooks += [hook(path.replace("/", "-"), at.url(path), timeout="2s", discardAfter="30s") for path in bad]
    hooks += [hook("refused", at.refused, discardAfter="30s"), hook("blackhole", at.blackhole, connectTimeout="1s")]
    return hooks


async def produce(kafka: RealKafka, topic: str) -> None:
    """Forever, RATE a second, each tenth record nothing that can be read."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, linger_ms=5, acks=1)
    await producer.start()
    begun, number = time.perf_counter(), 0
    try:
        while True:
            value = b"{" if number % 500 == 0 else event(number)
            await producer.send(topic, value, partition=number % PARTITIONS)
            number += 1
            await asyncio.sleep(max(0.0, begun + number / RATE - time.perf_counter()))
    finally:
        await producer.stop()


def per_hour(samples: list[tuple[float, int]]) -> tuple[float, float]:
    """Slope of the straight line through `(seconds, bytes)`, least squares, in MiB per hour; and its standard error."""
    n = len(samples)
    mean_x, mean_y = sum(x for x, _ in samples) / n, sum(y for _, y in samples) / n
    spread = sum((x - mean_x) ** 2 for x, _ in samples)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in samples) / spread
    rest = sum((y - mean_y - slope * (x - mean_x)) ** 2 for x, y in samples)
    error = (rest / max(1, n - 2) / spread) ** 0.5
    return slope * 3600 / MIB, error * 3600 / MIB


def grown(before: dict[str, Any], after: dict[str, Any]) -> dict[str, int]:
    """Types of which there are more than before, the most first."""
    more = {name: count - before["types"].get(name, 0) for name, count in after["types"].items()}
    return dict(sorted(((n, c) for n, c in more.items() if c > 10), key=lambda item: -item[1])[:12])


async def soak(kafka: RealKafka, folder: Path, minutes: float) -> bool:
    """Prints what it found; True when nothing grew beyond noise."""
    receivers = Receivers()
    topic = await kafka.topics.create("soak", PARTITIONS)
    config = write_config(
        folder / "soak", brokers=kafka.bootstrap, group=topic, webhooks=webhooks(receivers),
        sources=[{"topic": topic, "preset": "standard-webhooks"}], memory={"budget": "64MiB"},
    )  # fmt: skip
    try:
        async with watched(config) as service:
            feeding = asyncio.create_task(produce(kafka, topic))
            await service.watch(minutes * 60 * WARM_SHARE)
            heaps, middle = [await service.heap()], len(service.footprint.samples)
            for _ in range(LOOKS):
                await service.watch(minutes * 60 * (1 - WARM_SHARE) / LOOKS)
                heaps.append(await service.heap())
            feeding.cancel()
            await asyncio.wait({feeding})
            return await _tell(service, middle, heaps)
    finally:
        receivers.stop()


async def _tell(service: Watched, middle: int, heaps: list[dict[str, Any]]) -> bool:
    found, before, after = service.footprint, heaps[0], heaps[-1]
    slope, error = per_hour(found.samples[middle:])
    half = len(found.samples[middle:]) // 2
    means = [_mean(found.samples[middle : middle + half]), _mean(found.samples[middle + half :])]
    delivered = total(await service.metrics(), "forwarder_events_delivered_total")
    print(
        f"{delivered:,.0f} events delivered; RSS at the start {found.start / MIB:.1f}, peak {found.peak / MIB:.1f} MiB"
    )
    print(f"RSS after the warm-up: first half {means[0]:.1f}, second half {means[1]:.1f} MiB on average")
    print(f"growth by a straight line: {slope:+.1f} MiB an hour (standard error {error:.1f})")
    for name in ("objects", "blocks"):
        print(f"{name} at each look: {', '.join(f'{heap[name]:,}' for heap in heaps)}")
    print(f"more than before: {json.dumps(grown(before, after))}")
    print(f"allocator before {json.dumps(before['allocator'])}, after {json.dumps(after['allocator'])}")
    for line in after["largest"][:8]:
        print(f"  {line}")
    return slope <= NOISE_MIB + 2 * error


def _mean(samples: list[tuple[float, int]]) -> float:
    return sum(size for _, size in samples) / max(1, len(samples)) / MIB
