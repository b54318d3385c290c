"""A child process of a test: log on disk, bounded waits whose errors show the log's tail, and no orphan whatever happens to us.

Knows nothing of Kafka or Forwarder.
"""

from __future__ import annotations

import atexit
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

# Runs beside each child and holds the other end of a pipe that only the test process has: when that process is gone, even by
# kill -9, the pipe ends and so does the child. PR_SET_PDEATHSIG would not do: it fires when the starting *thread* ends.
_GUARD = """
import os, signal, sys
pid = int(sys.argv[1])
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
try:
    fd = os.pidfd_open(pid)
    kill = lambda: signal.pidfd_send_signal(fd, signal.SIGKILL)
except (AttributeError, OSError):
    kill = lambda: os.kill(pid, signal.SIGKILL)
if not os.read(0, 1):
    try:
        kill()
    except ProcessLookupError:
        pass
"""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listened on a moment ago."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class ChildError(AssertionError):
    """The child ended, or did not do in time what was waited for. The text ends with its log."""


class Child:
    """One process at a time, started again as often as wanted; output is appended to `log`."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.name = name
        self.command = list(command)
        self.log = log
        self._env = dict(env) if env is not None else None
        self._cwd = cwd
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._stopped = False
        self._started_at = 0

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.name} was never started"
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative for a signal."""
        return None if self._process is None else self._process.poll()

    def start(self) -> None:
        assert not self.alive, f"{self.name} runs already"
        if self._guard is not None:  # it ended by itself
            self._reap(10.0)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._started_at = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=self._env, cwd=self._cwd,
                start_new_session=True,
            )  # fmt: skip
        self._guard = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _GUARD, str(self.pid)], stdin=subprocess.PIPE, start_new_session=True
        )
        atexit.register(self.kill)

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def pause(self) -> None:
        """SIGSTOP: alive, sockets open, answers nothing."""
        self.signal(signal.SIGSTOP)
        self._stopped = True

    def resume(self) -> None:
        self.signal(signal.SIGCONT)
        self._stopped = False

    def terminate(self, timeout: float = 30.0) -> int:
        """SIGTERM and wait; the exit code. Raises ChildError (and kills it) when it does not end within `timeout` seconds."""
        if self.alive:
            if self._stopped:
                self.resume()
            self.signal(signal.SIGTERM)
        return self.wait(timeout)

    def kill(self) -> None:
        """SIGKILL and wait. Does nothing when it has ended."""
        if self.alive:
            self.signal(signal.SIGKILL)
        self._reap(10.0)

    def wait(self, timeout: float) -> int:
        """The exit code, within `timeout` seconds. Raises ChildError (and kills it) otherwise."""
        assert self._process is not None, f"{self.name} was never started"
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            error = self.failure(f"still runs after {timeout:g} s")
            self.kill()
            raise error from None
        self._reap(timeout)
        return self._process.returncode

    def _reap(self, timeout: float) -> None:
        if self._process is not None:
            self._process.wait(timeout)
        self._stopped = False
        atexit.unregister(self.kill)
        guard, self._guard = self._guard, None
        if guard is not None and guard.stdin is not None:
            try:
                guard.stdin.write(b"q")
                guard.stdin.close()
            except BrokenPipeError:
                pass
            guard.wait(timeout)

    def wait_until(self, what: str, ready: Callable[[], bool], timeout: float, pause: float = 0.05) -> None:
        """Polls `ready`. Raises ChildError when the process ends or `timeout` seconds pass."""
        deadline = time.monotonic() + timeout
        while not ready():
            if not self.alive:
                raise self.failure(f"ended with exit code {self.exit_code} before: {what}")
            if time.monotonic() > deadline:
                raise self.failure(f"not within {timeout:g} s: {what}")
            time.sleep(pause)

    def output(self, *, all_runs: bool = False) -> str:
        """What it printed since its last start (or since ever)."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as file:
            file.seek(0 if all_runs else self._started_at)
            return file.read().decode("utf-8", "replace")

    def tail(self, lines: int = 40) -> str:
        return "\n".join(self.output(all_runs=True).splitlines()[-lines:])

    def failure(self, what: str) -> ChildError:
        return ChildError(f"{self.name} {what}\n--- end of its log ({self.log}) ---\n{self.tail()}")
