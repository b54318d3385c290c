"""Signals in the first second of the process, and across its restart in place: a stop ends it well, a reload is not lost."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.service.scenario import forwarder
from tests.support.forwarder import ForwarderProcess, write_config
from tests.support.kafka import ROOT

# As the service does it when a topic has grown: the signal comes after the last look and before the new program listens.
RESTART = """
import os, signal, sys
from forwarder.signals import hold_back
hold_back()
os.kill(os.getpid(), getattr(signal, sys.argv[1]))
os.execv(sys.executable, [sys.executable, "-m", "forwarder", "run", "--log-format", "json", "-c", sys.argv[2]])
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A service that waits for Kafka for ever."""
    hook = {"name": "siem", "url": "https://siem.example/"}
    return write_config(tmp_path, brokers="127.0.0.1:9", group="nobody", sources=["events"], webhooks=[hook])


async def until_held(worker: ForwarderProcess) -> None:
    """Until the process has taken its signals over: a bit in its mask of caught signals."""
    status = Path(f"/proc/{worker.process.pid}/status")
    async with asyncio.timeout(20.0):
        while not _caught(status) & (1 << (signal.SIGHUP - 1)):
            await asyncio.sleep(0.001)


def _caught(status: Path) -> int:
    return next(int(line.split()[1], 16) for line in status.read_text().splitlines() if line.startswith("SigCgt"))


async def logged(worker: ForwarderProcess, text: str) -> None:
    async with asyncio.timeout(20.0):
        while not worker.logged(text):
            assert worker.process.alive, worker.process.tail()
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_stop_in_the_first_moment_ends_it_well(config: Path, number: signal.Signals) -> None:
    async with forwarder(config, ready=False) as worker:
        await until_held(worker)
        assert not worker.logged("forwarder started")
        worker.process.signal(number)
        assert await asyncio.to_thread(worker.process.wait, 20.0) == 0


async def test_a_reload_in_the_first_moment_is_done_as_soon_as_it_can_be(config: Path) -> None:
    async with forwarder(config, ready=False) as worker:
        await until_held(worker)
        assert not worker.logged("forwarder started")
        worker.process.signal(signal.SIGHUP)
        await logged(worker, "ConfigReloaded")
        assert await asyncio.to_thread(worker.terminate) == 0


def test_a_stop_during_the_restart_in_place_ends_it_well(config: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", RESTART, "SIGTERM", str(config)], cwd=ROOT, capture_output=True, text=True, timeout=30,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "forwarder started" not in done.stderr


def test_a_reload_during_the_restart_in_place_is_not_lost(config: Path) -> None:
    command = [sys.executable, "-c", RESTART, "SIGHUP", str(config)]
    env = {**os.environ, "FORWARDER_HTTP_LISTEN": "127.0.0.1:0"}
    with subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.PIPE, text=True) as child:
        try:
            assert child.stderr is not None
            assert any("ConfigReloaded" in line for line in child.stderr)
        finally:
            child.kill()
