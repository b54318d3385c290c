"""Stopping the process: asked once, echoed signals ignored, a second one or the watchdog ends it at once."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

PRELUDE = """
import asyncio, os, signal, sys
from forwarder.kafka import shutdown as module
from forwarder.kafka.shutdown import Shutdown
me = os.getpid()
"""


def run(body: str) -> int:
    program = PRELUDE + textwrap.dedent(body)
    return subprocess.run([sys.executable, "-c", program], timeout=30, check=False, cwd=ROOT).returncode


def test_the_first_signal_only_asks() -> None:
    body = """
    async def main():
        shutdown = Shutdown(60.0)
        shutdown.install()
        os.kill(me, signal.SIGTERM)
        await shutdown.requested.wait()
        shutdown.finished()
        sys.exit(0)
    asyncio.run(main())
    """
    assert run(body) == 0


def test_the_same_signal_passed_on_twice_asks_once() -> None:
    body = """
    async def main():
        module.ECHO_SECONDS = 3600.0
        shutdown = Shutdown(60.0)
        shutdown.install()
        for _ in range(3):
            os.kill(me, signal.SIGINT)
            await asyncio.sleep(0.05)
        sys.exit(0 if shutdown.requested.is_set() else 3)
    asyncio.run(main())
    """
    assert run(body) == 0


def test_a_second_signal_ends_the_process_at_once() -> None:
    body = """
    async def main():
        module.ECHO_SECONDS = 0.0
        shutdown = Shutdown(60.0)
        shutdown.install()
        os.kill(me, signal.SIGTERM)
        await shutdown.requested.wait()
        os.kill(me, signal.SIGTERM)
        await asyncio.sleep(30)
    asyncio.run(main())
    """
    assert run(body) == 1


def test_the_watchdog_ends_a_process_whose_loop_is_stuck() -> None:
    body = """
    async def main():
        import threading
        Shutdown(0.1).request()
        threading.Event().wait(30)
    asyncio.run(main())
    """
    assert run(body) == 1


def test_the_watchdog_is_called_off() -> None:
    body = """
    async def main():
        shutdown = Shutdown(0.2)
        shutdown.request()
        shutdown.finished()
        await asyncio.sleep(0.6)
    asyncio.run(main())
    """
    assert run(body) == 0
