"""The short runs that provoke defects. Each is clean without one. A scenario acts; the judge alone decides."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable

from tests.chaos.mutants.provoke import DOOR, HELD, LANDED, WAITING
from tests.chaos.mutants.receiver import Visit, take
from tests.chaos.mutants.stage import INTERVAL_SECONDS, SESSION_SECONDS, Stage, running
from tests.chaos.mutants.weather import weather
from tests.support.forwarder import ForwarderProcess


async def restart(stage: Stage) -> None:
    """One endpoint takes batches and never says so, one refuses a single batch of several under way, one is well. Stop and start."""
    first: set[str] = set()
    healed = False

    async def hang(visit: Visit) -> None:
        if not healed:
            visit.hang()

    async def refuse_the_first(visit: Visit) -> None:
        if not healed and not first.isdisjoint(visit.ids):
            await asyncio.sleep(0.6)  # the others get ahead of it
            visit.refuse(503)

    stage.receiver.behaviours = {"hang": hang, "wide": refuse_the_first}
    stage.hook("plain")
    stage.hook("hang", {"timeout": "700ms"})
    stage.hook("wide", {"concurrency": 3}, ordered=False)
    worker = stage.worker("first")
    first.update(await stage.produce(4))
    async with running(worker):
        await stage.produce(500, rate=250)
    stage.fault("sigterm", "graceful", time.time())
    healed = True
    async with running(stage.worker("second")):
        await stage.produce(100)
        await stage.until_all("plain", "hang", "wide")


async def kill(stage: Stage) -> None:
    """Killed while a window holds events that wait for company."""
    stage.hook("patient", {"throttle": "30s", "maxEvents": 1000})
    worker = stage.worker("first")
    async with running(worker):
        await stage.produce(400, rate=400)
        await asyncio.sleep(3 * INTERVAL_SECONDS)
        begun = time.time()
        await asyncio.to_thread(worker.kill)
    stage.fault("kill9", "kill", begun)
    stage.change("patient", throttle="50ms")
    async with running(stage.worker("second")):
        await stage.until_all("patient")


async def hand_over(stage: Stage) -> None:
    """Another worker joins while an attempt is under way."""
    gate = _gate(stage)
    first, second = stage.worker("first"), stage.worker("second")
    async with running(first):
        gate.clear()
        await stage.produce(60)
        await stage.until(lambda: stage.receiver.requests("gated") >= 1)
        begun = time.time()
        async with running(second, ready=False):
            await _take_over(stage, gate)
            stage.fault("scale", "graceful", begun)
            await stage.until_all("gated")


async def stop_and_join(stage: Stage) -> None:
    """A worker joins while another one stops, with an attempt under way."""
    gate = _gate(stage)
    first, second = stage.worker("first"), stage.worker("second", "at-the-door")
    async with running(first), running(second, ready=False):
        gate.clear()
        await stage.produce(60)
        await stage.until(lambda: stage.receiver.requests("gated") >= 1)
        await stage.until(lambda: _said(second, WAITING) > 0, 30.0)
        begun = time.time()
        first.process.signal(signal.SIGTERM)
        (stage.config_folder("second") / DOOR).touch()
        await _take_over(stage, gate)
        stage.fault("rolling", "graceful", begun)
        await stage.produce(20)
        await stage.until_all("gated")


def _gate(stage: Stage) -> asyncio.Event:
    """A webhook whose requests wait at a gate: while it is closed, attempts are under way."""
    gate = asyncio.Event()
    gate.set()

    async def wait(visit: Visit) -> None:
        await gate.wait()

    stage.workers = 2
    stage.receiver.behaviours = {"gated": wait}
    stage.hook("gated", {"timeout": "60s"})
    return gate


async def _take_over(stage: Stage, gate: asyncio.Event) -> None:
    """Wait until the second worker has joined and, where nothing holds it back, sends; then let everything through."""
    deadline = time.monotonic() + 20.0
    while time.monotonic() < deadline and await stage.kafka.topics.group_members(stage.topic) < 2:
        await asyncio.sleep(0.1)
    before = stage.receiver.requests("gated")
    await stage.until(lambda: stage.receiver.requests("gated") > before, 3.0)
    gate.set()


async def late_write(stage: Stage) -> None:
    """A worker is stopped between the fence and the write of a checkpoint, and wakes up when its partitions have moved."""
    stage.workers = 3
    stage.receiver.behaviours = {"plain": take}
    stage.hook("plain")
    zombie, heir = stage.worker("zombie", "late-writes"), stage.worker("heir")
    async with running(zombie):
        await stage.produce(100)
        held = _said(zombie, HELD)
        await stage.until(lambda: _said(zombie, HELD) > held)
        begun, landed = time.time(), _said(zombie, LANDED)
        zombie.pause()
        await stage.produce(200)
        async with running(heir):
            await stage.until_all("plain")
            await asyncio.sleep(5.0)  # what a kill may undo is over, and the heir's last checkpoint is written
            zombie.resume()
            stage.fault("sigstop", "zombie", begun)
            await stage.until(lambda: _said(zombie, LANDED) > landed, 5.0)
            dying = time.time()
            await asyncio.to_thread(zombie.kill)
            stage.fault("kill9", "kill", dying)
    async with running(stage.worker("last")):
        await stage.until_all("plain", seconds=SESSION_SECONDS)
        await asyncio.sleep(1.5)


def _said(worker: ForwarderProcess, text: str) -> int:
    return worker.process.output().count(text)


Scenario = Callable[[Stage], Awaitable[None]]

SCENARIOS: dict[str, Scenario] = {
    "late-write": late_write,
    "stop-and-join": stop_and_join,
    "weather": weather,
    "hand-over": hand_over,
    "restart": restart,
    "kill": kill,
}
"""The longest first."""
