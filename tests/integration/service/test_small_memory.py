"""Many dead endpoints and large events within a small budget: the healthy webhook gets everything, and the budget holds."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from forwarder.cli.behaviour import Status
from forwarder.cli.receiver import Receiver
from tests.integration.service.scenario import config_for, event, forwarder, until_received
from tests.support.kafka import RealKafka

EVENTS, EVENT_BYTES, DEAD, BUDGET = 200, 100_000, 12, 8 * 1024 * 1024


@pytest.mark.parametrize("lossy", [False, True])
async def test_dead_endpoints_do_not_take_the_memory_that_a_healthy_one_needs(
    kafka: RealKafka, tmp_path: Path, lossy: bool
) -> None:
    topic = await kafka.topics.create(partitions=2)
    async with Receiver() as healthy, Receiver(behaviour=Status(503)) as dead:
        retry = {"base": "500ms", "cap": "5s"}
        hooks = [{"name": "healthy", "url": healthy.url, "throttle": "100ms"}]
        hooks += [
            {
                "name": f"dead-{n}", "url": dead.url, "throttle": "100ms", "retry": retry, "lossy": lossy,
                "discardAfter": "never",
            }
            for n in range(DEAD)
        ]  # fmt: skip
        config = config_for(tmp_path, kafka, topic, [topic], hooks, memory={"budget": BUDGET})
        async with forwarder(config) as worker:
            values = [event(n, n % 2, pad="x" * EVENT_BYTES) for n in range(EVENTS)]
            await asyncio.gather(*(kafka.topics.produce(topic, values[p::2], partition=p) for p in range(2)))
            findings = await until_received(healthy, list(range(EVENTS)))
            assert findings.clean, findings
            metrics = await asyncio.to_thread(worker.metrics)
            used = sum(value for (name, _), value in metrics.items() if name == "forwarder_memory_used_bytes")
            assert 0 < used <= BUDGET
            assert not any(value for (name, _), value in metrics.items() if name == "forwarder_books_imbalance")
