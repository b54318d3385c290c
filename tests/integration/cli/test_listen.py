"""`forwarder listen` as a process of its own: what it prints where, and how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

COMMAND = [sys.executable, "-c", "import typer; from forwarder.cli.listen import listen; typer.run(listen)"]
HEADERS = {
    "Forwarder-Batch-Id": "fb_1",
    "Forwarder-Attempt": "2",
    "Forwarder-Events": "1",
    "Forwarder-Offsets": "t/0:4",
    "Forwarder-Discarded": "expired=3",
    "Authorization": "Bearer hush",
}


@contextmanager
def _listening(*options: str, **environ: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(
        [*COMMAND, "--port", "0", *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env={**os.environ, **environ},
    )  # fmt: skip
    try:
        assert process.stderr is not None
        first = process.stderr.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+/", first)
        assert found, first
        yield process, found[0]
    finally:
        process.kill()
        process.communicate()


def _post(url: str, body: bytes = b'[{"id":"a"}]') -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, HEADERS), timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def _end(process: subprocess.Popen[str]) -> tuple[str, str]:
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    return out, err


def test_each_request_is_a_line_on_stdout_and_the_sum_goes_to_stderr() -> None:
    with _listening("--bodies") as (process, url):
        assert _post(url) == 200
        assert _post(url) == 200
        out, err = _end(process)
    first, event, second, _ = out.splitlines()
    assert "200  taken" in first
    assert "1 new" in first
    assert "attempt 2" in first
    assert "t/0:4" in first
    assert "discarded before: expired=3" in first
    assert event.strip() == '{"id":"a"}'
    assert "1 repeated" in second
    assert "2 requests, 2 taken: 1 events, 1 repeated" in err
    assert "hush" not in out + err


def test_json_lines_hold_the_verdict_on_the_signature_and_no_key() -> None:
    with _listening("-o", "json", "--secret-env", "KEY", KEY="topsecret") as (process, url):
        assert _post(url) == 401
        out, err = _end(process)
    line = json.loads(out)
    assert (line["status"], line["accepted"], line["verified"]) == (401, False, False)
    assert line["reason"]
    assert "topsecret" not in out + err


def test_it_answers_as_told() -> None:
    with _listening("--behaviour", "status:503", "--quiet") as (process, url):
        assert _post(url) == 503
        out, err = _end(process)
    assert out == ""
    assert "1 requests, 0 taken" in err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--behaviour", "sleepy"], "is no behaviour"),
        (["--scheme", "rot13"], "is no signature scheme"),
        (["--secret-env", "NO_SUCH_VARIABLE"], "NO_SUCH_VARIABLE is not set"),
        (["--scheme", "standard-webhooks", "--secret", "!"], "is not whsec_ and base64"),
    ],
)
def test_wrong_options_are_refused_with_the_reason(options: list[str], said: str) -> None:
    done = subprocess.run(
        [*COMMAND, *options], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode != 0
    assert said in re.sub(r"\s*│?\n│?\s*", " ", done.stderr)
