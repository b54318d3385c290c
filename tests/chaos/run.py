"""One run from beginning to end: set the scene, follow the plan, heal everything, wait, stop, harvest. Judges nothing."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.chaos.actions import perform
from tests.chaos.control import call
from tests.chaos.fleet import TIMEOUT_SECONDS, Hook
from tests.chaos.harvest import harvest
from tests.chaos.journal import Journal, write_json
from tests.chaos.plan import Family, Step, calms, plan
from tests.chaos.progress import Missing
from tests.chaos.scene import TOPICS, Ports, hooks_of, plan_facts, write_settings
from tests.chaos.stage import Stage
from tests.chaos.workers import Faults, Report, Worker, until_ready, watch
from tests.support.kafka import ROOT, RealKafka
from tests.support.process import Child

RECEIVERS = 2
PROGRESS_SECONDS = 5.0
STUCK_SECONDS = 60.0
"""Once all is well again, something must move within this, until receivers have everything."""

QUIET_SECONDS = 3.0
CALM_SECONDS = 45.0
"""How long the plan waits for a slow machine after each wave, at most."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Order:
    """What is asked for. `rate` is events per second, without bursts."""

    seed: int
    minutes: float
    families: frozenset[Family]
    workers: int
    rate: int
    folder: Path


class Run:
    """One run in `order.folder`. `go` leaves the journal there; `close` ends every process whatever happened."""

    def __init__(self, order: Order, say: Say) -> None:
        self._order = order
        self._say = say
        self._folder = order.folder
        self._children: list[Child] = []
        self._helpers: list[Child] = []
        self._kafka = RealKafka(order.folder / "kafka")
        self._ports = Ports(random.Random())
        self.report = Report()
        self.faults = Faults(Journal(order.folder / "faults.jsonl"))

    async def go(self) -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(40))
        stage = await self._set()
        steps = plan(self._order.seed, self._order.minutes, self._order.workers, self._order.families)
        self._say(f"{len(steps)} steps planned; journal in {self._folder}")
        watching = asyncio.create_task(watch(stage.workers, self.faults, self.report))
        telling = asyncio.create_task(self._tell(stage))
        await self._follow(stage, steps)
        telling.cancel()
        await self._heal(stage)
        watching.cancel()
        await self._settle(stage)
        await self._finish(stage)

    def close(self) -> None:
        for child in self._children:
            with suppress(ProcessLookupError):
                child.kill()
        self._kafka.kill()
        log = self._folder / "kafka" / "kafka.log"
        if log.exists():
            shutil.copy(log, self._folder / "kafka.log")
        shutil.rmtree(self._folder / "kafka", ignore_errors=True)

    # -- the scene

    async def _set(self) -> Stage:
        order, folder = self._order, self._folder
        write_json(folder / "plan.json", plan_facts(order.seed, order.minutes, order.workers))
        self._say("starting Kafka")
        await asyncio.to_thread(self._kafka.start)
        for topic in TOPICS:
            await self._kafka.topics.create(topic.name, topic.partitions)
        urls, controls = await self._start_receivers()
        config = write_settings(folder, self._kafka.bootstrap, urls)
        workers = [Worker(n, config, folder, self._ports.take(), self.report) for n in range(order.workers)]
        self._children += [worker.process for worker in workers]
        self._say(f"starting {len(workers)} Forwarder processes")
        await asyncio.gather(*(worker.start() for worker in workers))
        if not await until_ready(workers, 60.0):
            raise RuntimeError(f"the workers were not ready within 60 s: {workers[0].process.tail(5)}")
        producer, produced = await self._start_producer(), Journal(folder / "produced.jsonl")
        return Stage(workers, self._kafka, self.faults, self.report, produced, producer, controls)

    async def _start_receivers(self) -> tuple[dict[str, str], dict[str, int]]:
        """URLs by webhook, and the control port of the process that serves it."""
        urls: dict[str, str] = {}
        controls: dict[str, int] = {}
        for number in range(RECEIVERS):
            control = self._ports.take()
            endpoints = [_endpoint(hook, self._ports.take()) for hook in hooks_of(number, RECEIVERS)]
            name = f"receiver-{number}"
            journal = self._folder / "received" / f"{name}.jsonl"
            Journal(journal).close()
            await self._start(name, {"control": control, "journal": str(journal), "endpoints": endpoints}, control)
            urls |= {str(e["name"]): f"http://127.0.0.1:{e['port']}/{e['name']}" for e in endpoints}
            controls |= {str(e["name"]): control for e in endpoints}
        return urls, controls

    async def _start_producer(self) -> int:
        control = self._ports.take()
        topics = [
            {"name": t.name, "partitions": t.partitions, "style": t.style, "rate": self._order.rate * t.share}
            for t in TOPICS
        ]
        spec = {"control": control, "journal": str(self._folder / "produced.jsonl"), "topics": topics,
                "bootstrap": self._kafka.bootstrap, "seed": self._order.seed}  # fmt: skip
        await self._start("producer", spec, control)
        return control

    async def _start(self, name: str, spec: dict[str, object], control: int) -> None:
        file = self._folder / f"{name}.json"
        file.write_text(json.dumps(spec), encoding="utf-8")
        module = f"tests.chaos.{name.partition('-')[0]}"
        child = Child(name, [sys.executable, "-m", module, str(file)], self._folder / f"{name}.log", cwd=ROOT)
        self._children.append(child)
        self._helpers.append(child)
        child.start()
        async with asyncio.timeout(30.0):
            while True:
                try:
                    await call(control, {"do": "status"})
                    return
                except OSError:
                    if not child.alive:
                        raise child.failure("ended at once") from None
                    await asyncio.sleep(0.1)

    # -- the run

    async def _follow(self, stage: Stage, steps: list[Step]) -> None:
        """The plan's clock stands still where all should be well and is not yet: a slow machine gets the same plan, later."""
        begun, tasks = time.monotonic(), list[asyncio.Task[None]]()
        due = [(step.at, step) for step in steps] + [(at, None) for at in calms(self._order.minutes)]
        for at, step in sorted(due, key=lambda one: one[0]):
            while (left := begun + at - time.monotonic()) > 0:
                await asyncio.sleep(min(left, 1.0))
                self._check_helpers()
            if step is None:
                begun += await self._calm(stage)
            else:
                tasks.append(asyncio.create_task(self._step(stage, step, begun)))
        await asyncio.sleep(max(0.0, begun + self._order.minutes * 60 - time.monotonic()))
        late = [task for task in tasks if not task.done()]
        if late:
            await asyncio.wait(late, timeout=120.0)
        for task in tasks:
            task.cancel()

    async def _calm(self, stage: Stage) -> float:
        """Waits until every worker is ready; how long it waited, in seconds."""
        begun = time.monotonic()
        await until_ready(stage.workers, CALM_SECONDS)
        return time.monotonic() - begun

    def _check_helpers(self) -> None:
        """Raises when a process that nobody harms has ended: what such a run shows is worth nothing."""
        for child in self._helpers:
            if not child.alive:
                raise child.failure("ended by itself")

    async def _step(self, stage: Stage, step: Step, begun: float) -> None:
        try:
            await perform(stage, step, begun)
        except Exception as error:
            self.report.findings.append(f"step {step.kind} {step.target} at {step.at} failed: {error!r}")

    async def _tell(self, stage: Stage) -> None:
        begun = time.monotonic()
        while True:
            await asyncio.sleep(PROGRESS_SECONDS)
            self._say(f"{time.monotonic() - begun:5.0f} s  {await self._state(stage)}")

    async def _state(self, stage: Stage) -> str:
        with suppress(OSError):
            made = (await call(stage.producer, {"do": "status"}))["produced"]
            taken = sum([(await call(c, {"do": "status"}))["accepted"] for c in set(stage.receivers.values())])
            ready = "".join(["+" if await w.ready() else "-" if w.process.alive else "x" for w in stage.workers])
            hits = sum(n for (klass, _), n in self.faults.counts.items() if klass in ("graceful", "kill", "zombie"))
            broken = sum(n for (klass, _), n in self.faults.counts.items() if klass == "broker")
            return (
                f"{made} produced, {taken} taken; workers {ready}; {hits} process and {broken} broker faults; "
                f"{len(self.report.findings)} findings"
            )
        return "nobody answers"

    # -- the end

    async def _heal(self, stage: Stage) -> None:
        self._say("healing everything")
        async with stage.broker:
            if not self._kafka.process.alive:
                await asyncio.to_thread(self._kafka.start)
            await asyncio.to_thread(self._kafka.wait_ready)
        for control in set(stage.receivers.values()):
            await call(control, {"do": "heal"})
        for worker in stage.workers:
            worker.resume()
            worker.clock.write_text("0", encoding="utf-8")
            await worker.start()
        await call(stage.producer, {"do": "stop"})
        async with asyncio.timeout(150.0):
            while not (await call(stage.producer, {"do": "status"}))["finished"]:
                await asyncio.sleep(0.5)
        if not await until_ready(stage.workers, 60.0):
            self.report.findings.append("not all workers were ready within 60 s although all was well again")

    async def _settle(self, stage: Stage) -> None:
        """Until receivers that may lose nothing have everything, nothing is pending, and nothing has come for a while. Gives up
        when nothing has moved for long."""
        missing, begun, moved, state = Missing(self._folder), time.monotonic(), time.monotonic(), ""
        while time.monotonic() - moved < STUCK_SECONDS:
            left = await asyncio.to_thread(missing.look)
            taken = sum([(await call(c, {"do": "status"}))["accepted"] for c in set(stage.receivers.values())])
            pending = [await worker.metric("forwarder_events_pending") for worker in stage.workers]
            lag = [await worker.metric("forwarder_consumer_lag_records") for worker in stage.workers]
            now = f"{sum(left.values())} missing at {len(left)} receivers, {taken} taken, pending {pending}, lag {lag}"
            if now != state:
                moved, state = time.monotonic(), now
                self._say(f"waiting: {now}")
            if not left and {*pending, *lag} == {0.0} and time.monotonic() - moved > QUIET_SECONDS:
                self._say(f"everything has arrived after {time.monotonic() - begun:.0f} s")
                return
            await asyncio.sleep(2.0)
        self.report.findings.append(f"nothing moved for {STUCK_SECONDS:g} s after the last fault: {state}")

    async def _finish(self, stage: Stage) -> None:
        self._say("stopping")
        for worker in stage.workers:
            async with worker.lock:
                await worker.terminate()
        for control in set(stage.receivers.values()):
            await call(control, {"do": "end"})
        await call(stage.producer, {"do": "end"})
        write_json(self._folder / "harness.json", asdict(self.report))
        await harvest(self._kafka.topics, self._folder)


def _endpoint(hook: Hook, port: int) -> dict[str, object]:
    """A receiver's endpoint for the webhook."""
    settings = hook.mode.settings
    secret = settings.get("signatureKey")
    scheme = settings.get("signature", {}).get("scheme", "stalwart")
    return {
        "name": hook.name, "port": port, "format": settings.get("payload", {}).get("format", "json"),
        "timeout": TIMEOUT_SECONDS, "most": hook.mode.most, "poison": hook.mode.poison,
        "signature": {"scheme": scheme, "key": secret["secret"]} if secret else None,
    }  # fmt: skip
