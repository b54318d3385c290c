"""The Forwarder processes of a run: started, harmed and watched. Decides neither when nor whom."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.journal import Journal
from tests.chaos.scene import DRAIN_SECONDS
from tests.support.kafka import ROOT
from tests.support.process import Child, ChildError

STOP_BOUND_SECONDS = DRAIN_SECONDS + 17.0
"""What a stop may take: the drain, Forwarder's own margin, and two seconds for a busy machine."""


@dataclass
class Report:
    """What the harness itself has seen. `findings` are violations."""

    findings: list[str] = field(default_factory=list)
    broker_away: bool = False
    takeover: list[float] = field(default_factory=list)
    stops: list[float] = field(default_factory=list)


class Faults:
    """Writes `faults.jsonl` and counts by kind."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.counts: dict[tuple[str, str], int] = {}
        self.number = 0

    @asynccontextmanager
    async def during(
        self, kind: str, klass: str, target: str, given: Mapping[str, Any] | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        """Notes the fault's begin and end. What the body puts into the yielded dict is noted too."""
        detail = dict(given or {})
        self.number += 1
        line = {"t0": time.time(), "kind": kind, "class": klass, "target": target, "n": self.number}
        self._journal.write(line | {"begin": True, "detail": detail})
        try:
            yield detail
        finally:
            self._journal.write(line | {"t1": time.time(), "detail": detail})
            self.counts[klass, kind] = self.counts.get((klass, kind), 0) + 1


class Worker:
    """One worker, under one name and port for the whole run. Use its operations inside `lock`."""

    def __init__(self, number: int, config: Path, folder: Path, port: int, report: Report) -> None:
        self.number = number
        self.name = f"worker-{number}"
        self.lock = asyncio.Lock()
        self.wanted = False
        self.clock = folder / f"{self.name}.clock"
        self._metrics = folder / "metrics"
        self._port = port
        self._report = report
        self._scrapes = 0
        env = {
            "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "CHAOS_CLOCK": str(self.clock),
            "FORWARDER_HTTP_LISTEN": f"127.0.0.1:{port}",
        }  # fmt: skip
        arguments = [sys.executable, "-m", "tests.chaos.launch", "run", "-c", str(config), "--log-format", "json"]
        self.process = Child(self.name, arguments, folder / "workers" / f"{self.name}.log", env=env, cwd=ROOT)

    async def start(self) -> None:
        self.wanted = True
        if not self.process.alive:
            await asyncio.to_thread(self.process.start)

    async def kill(self) -> None:
        self.wanted = False
        await asyncio.to_thread(self.process.kill)

    async def terminate(self, *, scrape: bool = True) -> float:
        """SIGTERM, to the end; how long it took. A stop that is too long, or fails, is a finding."""
        self.wanted = False
        if not self.process.alive:
            return 0.0
        if scrape:
            await self.scrape()
        begun, away = time.monotonic(), self._report.broker_away
        try:
            code = await asyncio.to_thread(self.process.terminate, STOP_BOUND_SECONDS)
        except ChildError:
            self._report.findings.append(f"{self.name} did not end within {STOP_BOUND_SECONDS:g} s of SIGTERM")
            return STOP_BOUND_SECONDS
        spent = time.monotonic() - begun
        self._report.stops.append(round(spent, 2))
        # Before it has set its handlers up a signal ends it at once: there is nothing to hand over. With no broker to leave it
        # is cut off at its hard bound, as promised, and says so by its exit code.
        early = code == -signal.SIGTERM and '"Started"' not in self.process.output()
        cut_off = (away or self._report.broker_away) and "ending at once" in self.process.output()[-5000:]
        if code != 0 and not early and not cut_off:
            self._report.findings.append(f"{self.name} ended with exit code {code} after SIGTERM at {time.time():.1f}")
        return spent

    def pause(self) -> None:
        with suppress(ProcessLookupError):
            self.process.pause()

    def resume(self) -> None:
        with suppress(ProcessLookupError):
            self.process.resume()

    def signal_stop(self) -> None:
        """SIGTERM without waiting."""
        self.wanted = False
        with suppress(ProcessLookupError):
            self.process.signal(signal.SIGTERM)

    async def scrape(self) -> None:
        """Keeps what /metrics says now."""
        status, body = await self.get("/metrics")
        if status == 200:
            self._scrapes += 1
            self._metrics.mkdir(exist_ok=True)
            (self._metrics / f"{self.name}-{self._scrapes}.txt").write_text(body, encoding="utf-8")

    async def get(self, path: str) -> tuple[int, str]:
        """(0, reason) when nobody answers within a second and a half."""
        return await asyncio.to_thread(_get, f"http://127.0.0.1:{self._port}{path}")

    async def metric(self, name: str) -> float | None:
        """The sum of all its samples; None when the worker does not answer."""
        status, body = await self.get("/metrics")
        lines = (line for line in body.splitlines() if line.startswith((f"{name}{{", f"{name} ")))
        return sum(float(line.rpartition(" ")[2]) for line in lines) if status == 200 else None

    async def ready(self) -> bool:
        return self.process.alive and (await self.get("/readyz"))[0] == 200


def _get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=1.5) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


async def until_ready(workers: list[Worker], seconds: float) -> bool:
    """Whether all of them are ready at once within `seconds`."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not all(await asyncio.gather(*(worker.ready() for worker in workers))):
                await asyncio.sleep(0.25)
            return True
    return False


async def watch(workers: list[Worker], faults: Faults, report: Report) -> None:
    """Starts a worker again that ended by itself, as an orchestrator would, and says so."""
    while True:
        await asyncio.sleep(0.3)
        for worker in workers:
            if worker.wanted and not worker.process.alive and not worker.lock.locked():
                code = worker.process.exit_code
                last = worker.process.tail(6)
                report.findings.append(
                    f"{worker.name} ended by itself with exit code {code} at {time.time():.1f}: {last}"
                )
                async with worker.lock, faults.during("crash", "kill", worker.name, {"exit": code}):
                    await worker.start()
