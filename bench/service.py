"""The real service and its receivers as child processes, and what the kernel says of the service's memory. Judges nothing."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGUSR1
from typing import Any

from tests.support.forwarder import ForwarderProcess, Metrics, parse_metrics, total
from tests.support.kafka import ROOT

MIB = 2**20
SCRAPE_SECONDS = 10.0

SETTLE_SECONDS = 5.0
"""After it says that it is ready, imports, first fetches and the first checkpoint still cost some memory."""


class Receivers:
    """bench/endpoints.py as a process of its own."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.endpoints"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert self._process.stdout is not None
        self.port, self.blackhole_port = (int(each) for each in self._process.stdout.readline().split())

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/{path}"

    @property
    def refused(self) -> str:
        """Nobody listens there."""
        return "http://127.0.0.1:9/x"

    @property
    def blackhole(self) -> str:
        """A connection is never accepted."""
        return f"http://127.0.0.1:{self.blackhole_port}/x"

    def ages(self) -> dict[str, list[float]]:
        """Seconds between production and arrival, of every event since the last question, by receiver."""
        with urllib.request.urlopen(self.url("ages"), timeout=60) as response:
            found: dict[str, list[float]] = json.load(response)
            return found

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)


@dataclass
class Footprint:
    """Bytes: RSS when idle and assigned, at its peak (the kernel's own mark), and at the end; the budget's gauge at its highest."""

    start: int = 0
    peak: int = 0
    end: int = 0
    used: float = 0.0
    samples: list[tuple[float, int]] = field(default_factory=list)

    @property
    def grown(self) -> int:
        return self.peak - self.start


class Watched:
    """The service started through bench/launcher.py. `footprint.start` is taken when it is idle and owns its partitions."""

    def __init__(self, config: Path, environ: Mapping[str, str] | None = None) -> None:
        self._heap = config.parent / "heap.json"
        self.worker = ForwarderProcess(config, environ={"BENCH_HEAP": str(self._heap), **(environ or {})})
        self.worker.process.command[2] = "bench.launcher"
        self.footprint = Footprint()

    async def start(self) -> None:
        await asyncio.to_thread(self.worker.start)
        await asyncio.to_thread(self.worker.wait_ready, 120.0)
        await asyncio.sleep(SETTLE_SECONDS)
        self.mark_start()

    def mark_start(self) -> None:
        """From here on the peak is counted."""
        self.footprint = Footprint(start=self._status("VmRSS"))
        Path(f"/proc/{self.worker.process.pid}/clear_refs").write_text("5", encoding="ascii")

    async def watch(self, seconds: float, every: float = 1.0) -> None:
        """Let `seconds` pass; RSS each `every` seconds, the budget's gauge less often: a thousand webhooks' metrics take a second."""
        until, scrape = time.monotonic() + seconds, 0.0
        while (now := time.monotonic()) < until:
            self.footprint.samples.append((now, self._status("VmRSS")))
            if now >= scrape:
                scrape = now + SCRAPE_SECONDS
                self.footprint.used = max(
                    self.footprint.used, total(await self.metrics(), "forwarder_memory_used_bytes")
                )
            await asyncio.sleep(max(0.0, every - (time.monotonic() - now)))
        self.footprint.peak, self.footprint.end = self._status("VmHWM"), self._status("VmRSS")

    async def metrics(self) -> Metrics:
        """Of now; waits long for the answer, for a thousand webhooks have many and the machine may be busy."""
        return await asyncio.to_thread(self._ask)

    def _ask(self) -> Metrics:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.worker.port}/metrics", timeout=60) as response:
            return parse_metrics(response.read().decode())

    async def heap(self) -> dict[str, Any]:
        """What its heap holds now; see bench/launcher.py."""
        self._heap.unlink(missing_ok=True)
        self.worker.process.signal(SIGUSR1)
        for _ in range(300):
            if self._heap.exists():
                found: dict[str, Any] = json.loads(self._heap.read_text(encoding="utf-8"))
                return found
            await asyncio.sleep(0.1)
        return {}

    def _status(self, name: str) -> int:
        for line in Path(f"/proc/{self.worker.process.pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) * 1024
        raise AssertionError(f"the kernel does not tell {name}")


@asynccontextmanager
async def watched(config: Path, environ: Mapping[str, str] | None = None) -> AsyncIterator[Watched]:
    """Running, idle and measured once; ended whatever happens."""
    service = Watched(config, environ)
    try:
        await service.start()
        yield service
    finally:
        if service.worker.process.alive:
            try:
                await asyncio.to_thread(service.worker.terminate, 60.0)
            except AssertionError:
                service.worker.kill()
