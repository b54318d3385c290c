"""Memory as the kernel counts it: what a fetch unpacks to must not pass the budget, however well it was compressed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from tests.integration.service.scenario import config_for, event, forwarder
from tests.support.kafka import RealKafka
from tests.support.process import free_port

EVENTS, EVENT_BYTES = 120, 1_000_000
BUDGET, CONSTANT = 16 * 2**20, 48 * 2**20


@asynccontextmanager
async def forgetful() -> AsyncIterator[str]:
    """A receiver that takes everything and keeps nothing; its URL."""

    async def take(request: web.Request) -> web.Response:
        async for _ in request.content.iter_any():
            pass
        return web.Response()

    app, port = web.Application(), free_port()
    app.router.add_post("/", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        await runner.cleanup()


def memory(pid: int, name: str) -> int:
    """`VmRSS` or `VmHWM` (its highest since the start) in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name + ":"))


async def test_a_backlog_that_unpacks_to_a_thousand_times_its_size_stays_within_the_budget(
    kafka: RealKafka, tmp_path: Path
) -> None:
    topic = await kafka.topics.create(partitions=1)
    async with forgetful() as url:
        hooks = [{"name": "healthy", "url": url, "throttle": "50ms"}]
        config = config_for(tmp_path, kafka, topic, [topic], hooks, memory={"budget": BUDGET})
        async with forwarder(config) as worker:
            idle = memory(worker.process.pid, "VmRSS")
            await burst(kafka, topic)
            await asyncio.to_thread(
                worker.wait_metric, "forwarder_events_delivered_total", lambda n: n >= EVENTS, 60.0, webhook="healthy"
            )
            grown = memory(worker.process.pid, "VmHWM") - idle
    assert grown <= BUDGET + CONSTANT, f"{grown / 2**20:.0f} MiB more than when idle"


async def burst(kafka: RealKafka, topic: str) -> None:
    """All become readable in one moment: they are one transaction."""
    options = {"compression_type": "zstd", "max_request_size": 4 * 2**20, "transactional_id": topic}
    async with kafka.topics.producer(**options) as producer, producer.transaction():
        for number in range(EVENTS):
            await producer.send(topic, event(number, 0, pad="x" * EVENT_BYTES), partition=0)
