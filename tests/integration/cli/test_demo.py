"""`forwarder demo` as it is: a broker, a real Forwarder, real requests. Ends with the books, and leaves no process behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from forwarder.cli.demo.processes import Child
from forwarder.errors import ForwarderError

END_SECONDS = 90.0
CHILD = "import sys, time; print('up', flush=True); time.sleep(600)"


def demo(folder: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "forwarder", "demo", "--dir", str(folder), *options],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def running(word: str) -> list[str]:
    """Command lines of processes that mention `word`."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (
                (entry / "cmdline").read_bytes().decode("utf-8", "replace").split("\0") if entry.name.isdigit() else []
            )
        except OSError:
            continue
        if any(word in part for part in words):
            found.append(" ".join(words))
    return found


def brokers_port(folder: Path) -> str:
    """From the configuration that Forwarder was given."""
    config = (folder / "forwarder.yaml").read_text()
    return config.split("127.0.0.1:")[1].split()[0]


def test_the_demo_ends_by_itself_with_books_that_balance(tmp_path: Path) -> None:
    out, err = demo(tmp_path, "--for", "10s", "--rate", "100").communicate(timeout=END_SECONDS)
    assert "every healthy receiver got every event exactly once" in out, out + err
    accounts = [line.split() for line in out[out.index("The books") :].splitlines()[2:9]]
    assert [account[0] for account in accounts] == [
        "siem", "slack", "splunk", "pagerduty", "flaky", "dead", "returning",
    ]  # fmt: skip
    assert all("balances" in account for account in accounts)
    assert int(accounts[0][1]) > 300
    assert "returning is back" in out
    assert running(str(tmp_path)) == []
    assert running(brokers_port(tmp_path)) == []


def test_ctrl_c_ends_the_play_in_order(tmp_path: Path) -> None:
    process = demo(tmp_path)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if "events read" in line:
                break
        time.sleep(3)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=END_SECONDS)
    finally:
        process.kill()
    assert process.returncode == 0, out + err
    assert "The books" in out
    assert "Traceback" not in err
    assert running(str(tmp_path)) == []


def test_ctrl_c_before_the_play_breaks_off_at_once(tmp_path: Path) -> None:
    process = demo(tmp_path)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if "starting Forwarder" in line:
                break
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=END_SECONDS)
    finally:
        process.kill()
    assert process.returncode == 1
    assert "Traceback" not in err
    assert running(str(tmp_path)) == []


@pytest.mark.skipif(sys.platform != "linux", reason="prctl(2) is Linux's")
def test_a_killed_demo_takes_its_children_with_it(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom forwarder.cli.demo.processes import Child\n"
        f"Child('x', [sys.executable, '-c', {CHILD!r}, {str(tmp_path)!r}], Path({str(tmp_path / 'log')!r}))\n"
        "time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + 30
    while not ((tmp_path / "log").exists() and "up" in (tmp_path / "log").read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait(10)
    while running(str(tmp_path)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert running(str(tmp_path)) == []


async def test_a_child_that_ends_early_is_told_with_its_last_words(tmp_path: Path) -> None:
    child = Child("x", [sys.executable, "-c", "print('no such luck'); raise SystemExit(3)"], tmp_path / "log")
    with pytest.raises(ForwarderError, match=r"(?s)x ended with exit code 3 before: ready.*no such luck"):
        await child.until("ready", lambda: False, 30)


async def test_a_child_that_does_not_listen_to_sigterm_is_killed(tmp_path: Path) -> None:
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
    )
    child = Child("x", [sys.executable, "-c", code], tmp_path / "log")
    await child.until("up", lambda: "up" in child.log.read_text(), 30)
    assert await child.terminate(0.2) == -signal.SIGKILL
