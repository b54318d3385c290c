"""Does the steps of a plan to the stage: processes, broker, endpoints, clock, load. Each is in the journal while it lasts."""

from __future__ import annotations

import asyncio
import resource
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from tests.chaos.control import call
from tests.chaos.plan import Family, Step
from tests.chaos.stage import Stage
from tests.chaos.topics import operate
from tests.chaos.workers import Worker, until_ready
from tests.support.kafka import RealKafka
from tests.support.process import ChildError

READY_SECONDS = 40.0
TAKEOVER_BOUND_SECONDS = 25.0
LATE_SECONDS = 12.0
"""A step that could not begin within this of its time is left out: the wave that it belongs to is over."""


async def perform(stage: Stage, step: Step, begun: float) -> None:
    """Does one step; what it meets on the way is no error, only what it says in the report is."""
    match step.family:
        case Family.PROCESS:
            await _Processes(stage, step, begun).run()
        case Family.BROKER:
            await _broker(stage, step, begun)
        case Family.ENDPOINT:
            await _endpoint(stage, step)
        case Family.LOAD:
            async with stage.faults.during(step.kind, "load", "", step.detail):
                await call(stage.producer, {"do": step.kind, **step.detail})
        case Family.TOPIC:
            await operate(stage, step)
        case Family.CLOCK:
            await _clock(stage, step)


def _late(step: Step, begun: float) -> bool:
    return time.monotonic() - begun > step.at + LATE_SECONDS


@dataclass
class _Processes:
    """One step that hits workers."""

    stage: Stage
    step: Step
    begun: float

    async def run(self) -> None:
        match self.step.kind:
            case "rolling":
                for worker in self.stage.workers:
                    await self._stop_and_start(worker, "rolling", 0.0)
                    await until_ready([worker], READY_SECONDS)
            case "scale":
                others = [worker for worker in self.stage.workers if str(worker.number) != self.step.target]
                await asyncio.gather(*(self._stop_and_start(w, "scale", self.step.seconds) for w in others))
            case _:
                await self._one(self.stage.workers[int(self.step.target)])

    async def _one(self, worker: Worker) -> None:
        if self.step.kind == "sigterm":
            await self._stop_and_start(worker, "sigterm", self.step.seconds)
            return
        async with worker.lock:
            if not worker.process.alive or _late(self.step, self.begun):
                return
            match self.step.kind:
                case "kill9":
                    async with self._note("kill", worker):
                        await worker.kill()
                    await asyncio.sleep(self.step.seconds)
                case "sigterm-kill9":
                    await self._killed_after(worker, worker.signal_stop)
                case "sigstop-kill9":
                    await self._killed_after(worker, worker.pause)
                case "sigstop" | "sigstop-short":
                    async with self._note("zombie", worker):
                        worker.pause()
                        await asyncio.sleep(self.step.seconds)
                        worker.resume()
                case "takeover":
                    await self._takeover(worker)
            await worker.start()

    def _note(self, klass: str, worker: Worker, kind: str = "") -> Any:
        return self.stage.faults.during(kind or self.step.kind, klass, worker.name, self.step.detail)

    async def _killed_after(self, worker: Worker, first: Any) -> None:
        """Does `first`, then kills it some time later. The journal's time is that of the kill."""
        worker.wanted = False
        first()
        await asyncio.sleep(self.step.detail["before"])
        async with self._note("kill", worker):
            await worker.kill()
        await asyncio.sleep(self.step.seconds)

    async def _stop_and_start(self, worker: Worker, kind: str, down: float) -> None:
        async with worker.lock:
            if not worker.process.alive or _late(self.step, self.begun):
                return
            async with self.stage.faults.during(kind, "graceful", worker.name) as detail:
                detail["seconds"] = round(await worker.terminate(), 2)
            await asyncio.sleep(down)
            await worker.start()

    async def _takeover(self, worker: Worker) -> None:
        """Kill it, and measure until the others own everything. Only from calm, and nobody may touch broker or topics meanwhile:
        else something else would be measured."""
        others, stage = [other for other in self.stage.workers if other is not worker], self.stage
        if stage.operator.locked() or stage.broker.locked() or not others:
            async with self._note("kill", worker):
                await worker.kill()
            return
        async with stage.operator, stage.broker:  # both free: no wait while holding the worker, so no deadlock
            calm = await until_ready(stage.workers, 3.0)
            async with self._note("kill", worker):
                await worker.kill()
            if calm:
                await self._measure(worker, others)

    async def _measure(self, worker: Worker, others: list[Worker]) -> None:
        killed, wanted = time.monotonic(), sum(self.stage.partitions.values())
        while time.monotonic() - killed < TAKEOVER_BOUND_SECONDS:
            await asyncio.sleep(0.2)
            if any(other.lock.locked() for other in others):
                return  # the next fault came first
            owned = [await other.metric("forwarder_assigned_partitions") for other in others]
            if sum(count or 0 for count in owned) == wanted and all([await other.ready() for other in others]):
                self.stage.report.takeover.append(round(time.monotonic() - killed, 2))
                return
        self.stage.report.findings.append(f"nobody took over from {worker.name} within {TAKEOVER_BOUND_SECONDS:g} s")


# -- broker


async def _broker(stage: Stage, step: Step, begun: float) -> None:
    async with stage.broker:
        if _late(step, begun):
            return
        async with stage.faults.during(step.kind, "broker", "kafka", {"seconds": step.seconds}):
            stage.report.broker_away = True
            try:
                await _harm_broker(stage.kafka, step)
            except ChildError as error:
                stage.report.findings.append(f"the broker did not do as told ({step.kind}): {str(error)[:300]}")
                await asyncio.to_thread(stage.kafka.kill)
                await asyncio.to_thread(stage.kafka.start)
            finally:
                stage.report.broker_away = False


async def _harm_broker(kafka: RealKafka, step: Step) -> None:
    match step.kind:
        case "kafka-pause":
            kafka.pause()
            await asyncio.sleep(step.seconds)
            kafka.resume()
            return
        case "kafka-kill9":
            await asyncio.to_thread(kafka.kill)
        case "kafka-sigterm":
            await asyncio.to_thread(kafka.stop)
        case "disk-full":
            # No file may grow any more: each write of the log fails, as it does on a full disk, and the broker gives up its
            # log folder and with it itself. Needs neither root nor a file system.
            resource.prlimit(kafka.process.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
            with suppress(ChildError):
                await asyncio.to_thread(kafka.process.wait, 15.0)
            await asyncio.to_thread(kafka.kill)
    await asyncio.sleep(step.seconds)
    await asyncio.to_thread(kafka.start)


# -- endpoints, clock


async def _endpoint(stage: Stage, step: Step) -> None:
    port = stage.receivers[step.target]
    async with stage.faults.during(step.kind, "endpoint", step.target, step.detail):
        await call(port, {"do": "behave", "webhook": step.target, "mode": step.detail})
        await asyncio.sleep(step.seconds)
        await call(port, {"do": "behave", "webhook": step.target, "mode": {"kind": "ok"}})


async def _clock(stage: Stage, step: Step) -> None:
    worker = stage.workers[int(step.target)]
    async with stage.faults.during(step.kind, "clock", worker.name, step.detail):
        worker.clock.write_text(str(-step.detail["back"]), encoding="utf-8")
        await asyncio.sleep(step.seconds)
        worker.clock.write_text("0", encoding="utf-8")
