"""Stopping the process: asked once, echoes ignored; a second signal or the watchdog ends it at once, also when the loop is stuck."""

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
def block():
    while True:
        pass
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


def test_a_signal_that_finds_the_loop_stuck_ends_the_process_within_the_limit() -> None:
    """The loop's own handlers would never run, and nothing but SIGKILL would help."""
    body = """
    async def main():
        Shutdown(0.3).install()
        import threading
        threading.Timer(0.3, os.kill, (me, signal.SIGTERM)).start()
        block()
    asyncio.run(main())
    """
    assert run(body) == 1


def test_a_second_signal_ends_a_process_whose_loop_is_stuck_at_once() -> None:
    body = """
    async def main():
        module.ECHO_SECONDS = 0.0
        Shutdown(3600.0).install()
        import threading
        for after in (0.2, 0.4):
            threading.Timer(after, os.kill, (me, signal.SIGTERM)).start()
        block()
    asyncio.run(main())
    """
    assert run(body) == 1


def test_a_signal_that_came_before_anybody_could_take_it_is_not_lost() -> None:
    body = """
    module.hold_signals()
    os.kill(me, signal.SIGTERM)
    async def main():
        shutdown = Shutdown(60.0)
        shutdown.install()
        await asyncio.wait_for(shutdown.requested.wait(), 10)
        shutdown.finished()
        sys.exit(0)
    asyncio.run(main())
    """
    assert run(body) == 0


def test_a_signal_that_was_held_survives_a_restart_of_the_process() -> None:
    body = """
    if "again" not in sys.argv:
        module.hold_signals()
        os.kill(me, signal.SIGTERM)
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:], "again"])
    async def main():
        shutdown = Shutdown(60.0)
        shutdown.install()
        await asyncio.wait_for(shutdown.requested.wait(), 10)
        sys.exit(0)
    asyncio.run(main())
    """
    assert run(body) == 0


def test_a_signal_while_a_failed_worker_stops_does_not_cut_its_stop_short() -> None:
    body = """
    async def main():
        module.ECHO_SECONDS = 0.0
        shutdown = Shutdown(60.0)
        shutdown.install()
        shutdown.request()
        os.kill(me, signal.SIGTERM)
        await asyncio.sleep(0.3)
        shutdown.finished()
        sys.exit(0)
    asyncio.run(main())
    """
    assert run(body) == 0


def test_a_signal_in_the_middle_of_a_log_line_asks_and_breaks_nothing() -> None:
    """A handler that writes a line of its own while one is being written fails, and the failure shows up in the interrupted code."""
    body = """
    import io, threading
    class Half(io.TextIOWrapper):
        def write(self, text):
            signal.raise_signal(signal.SIGTERM)
            return super().write(text)
    async def main():
        seen = []
        Shutdown._signalled = lambda self, number: seen.append(threading.current_thread().name)
        Shutdown(60.0).install()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        raw = io.BufferedWriter(io.FileIO(os.open("/dev/null", os.O_WRONLY), "w"))
        Half(raw).write("a line")
        while not seen:
            await asyncio.sleep(0.01)
        sys.exit(0 if seen == ["stops"] else 3)
    asyncio.run(main())
    """
    assert run(body) == 0
