"""What the cases of the benchmark share: events, settings, and the real pipeline run in this process. Measures nothing itself."""

from __future__ import annotations

import asyncio
import gc
import json
import random
import time
import uuid
from collections.abc import Callable
from typing import Any

PARTITIONS = 4
TYPES = 1000
PAYLOAD = "x" * 330


def event(number: int) -> bytes:
    """About 500 B, shaped as a Standard Webhooks event; the type runs through TYPES values."""
    return json.dumps(
        {
            "type": f"auth.kind{number % TYPES}",
            "timestamp": "2026-11-22T10:00:00.123456Z",
            "id": f"evt-{number:012d}",
            "severity": "high",
            "tenant": "acme",
            "data": {"n": number, "user": "alice", "source": "10.1.2.3", "note": PAYLOAD},
        }
    ).encode()


async def fill(bootstrap: str, topic: str, count: int) -> None:
    from aiokafka import AIOKafkaProducer

    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=20, max_batch_size=256 * 1024, acks=1)
    await producer.start()
    try:
        for number in range(count):
            await producer.send(topic, event(number), partition=number % PARTITIONS)
    finally:
        await producer.stop()


def measured(seen: int, started: float, cpu: float) -> dict[str, float]:
    used = time.process_time() - cpu
    return {"per_cpu_second": seen / used, "per_second": seen / (time.perf_counter() - started), "cpu_seconds": used}


def configuration(bootstrap: str, topic: str, webhooks: list[dict[str, Any]], **more: Any) -> Any:
    from forwarder.settings.process import Settings

    return Settings.model_validate(
        {
            "kafka": {"brokers": bootstrap, "group": f"bench-{uuid.uuid4().hex[:8]}"},
            "sources": [{"topic": topic, "startAt": "earliest", "preset": "standard-webhooks"}],
            "egress": {"allow": ["127.0.0.0/8"]},
            "webhooks": webhooks,
            **more,
        }
    )


def webhook(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "url": "http://127.0.0.1:9/x", "allowPlainHttp": True, **more}


class Rig:
    """The real pipeline in this process, as `forwarder run` builds it."""

    def __init__(self, settings: Any, adjust: Callable[[Any], None] = lambda pipeline: None) -> None:
        self.settings = settings
        self.adjust = adjust
        self.pipeline: Any = None

    async def run(self, watch: Callable[[Any], Any]) -> dict[str, float]:
        from forwarder.clock import SystemClock
        from forwarder.kafka.preflight import preflight
        from forwarder.kafka.shutdown import Shutdown
        from forwarder.kafka.worker import run_worker
        from forwarder.observe.health import Health
        from forwarder.observe.logs import LogFormat, configure_logging
        from forwarder.observe.metrics import Metrics
        from forwarder.observe.observer import Observer
        from forwarder.pipeline import Pipeline, Surroundings
        from forwarder.progress.checkpoint import order_of

        clock = SystemClock()
        observer = Observer(Metrics(), configure_logging(LogFormat.JSON, 40), clock)
        health = Health(clock, ("kafka", "assignment", "checkpoints", "topics"))
        shutdown = Shutdown(60.0)
        failures: list[BaseException] = []

        def make(group: Any) -> Any:
            self.pipeline = Pipeline(
                self.settings, group, Surroundings(observer, health, clock, random.random, failures.append)
            )
            self.adjust(self.pipeline)
            gc.collect()
            gc.freeze()
            gc.set_threshold(50_000, 20, 100)
            return self.pipeline

        found = await preflight(self.settings)
        worker = asyncio.create_task(
            run_worker(self.settings, found.sources, make, order_of=order_of, shutdown=shutdown)
        )
        while self.pipeline is None or not self.pipeline.positions.expected:
            await asyncio.sleep(0.01)
        try:
            figures: dict[str, float] = await watch(self.pipeline)
        finally:
            shutdown.request()
            await worker
            shutdown.finished()
        if failures:
            raise failures[0]
        return figures


def null(pipeline: Any, spare: str = "") -> None:
    """Batches are formed and settled, but not sent: what remains is decode, route and window. `spare` is sent for real."""
    from forwarder.model.attempt import Attempt, Response
    from forwarder.model.verdict import Delivered

    dispatcher, delivered, answer = pipeline._dispatcher, Delivered(), Attempt("id", 1, Response(200), 0.0)
    timers, real = dispatcher.timers, dispatcher.serve

    def serve(lane: Any) -> None:
        if lane.name == spare:
            real(lane)
            return
        now, wall = asyncio.get_running_loop().time(), time.time()
        for action in lane.poll(now, wall):
            lane.on_verdict(action.flight, answer, delivered, now, wall, 0.0)
        timers.schedule(lane, lane.next_poll(now, wall))

    dispatcher.serve = timers._fire = serve


def settled(pipeline: Any) -> int:
    return sum(lane.books.delivered for lane in pipeline.roster)
