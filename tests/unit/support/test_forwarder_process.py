"""The harness around `forwarder run`, without Forwarder: a stand-in process shows that waits end and say why."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest
import yaml

from forwarder.settings.process import Settings
from tests.support.forwarder import ForwarderProcess, parse_metrics, total, write_config
from tests.support.process import Child, ChildError

EXPOSITION = """\
# TYPE forwarder_events_delivered_total counter
forwarder_events_delivered_total{webhook="a",topic="x"} 3
forwarder_events_delivered_total{webhook="a",topic="y"} 4
forwarder_events_delivered_total{webhook="b",topic="x"} 5
"""


def _child(tmp_path: Path, code: str) -> Child:
    return Child("child", [sys.executable, "-u", "-c", code], tmp_path / "child.log")


def test_the_written_configuration_is_one_that_the_settings_take(tmp_path: Path) -> None:
    path = write_config(
        tmp_path, brokers="127.0.0.1:1", sources=["falco", {"topic": "ocsf", "preset": "ocsf"}],
        webhooks=[{"name": "siem", "url": "http://127.0.0.1:2/"}], kafka={"sessionTimeout": "6s"},
    )  # fmt: skip
    settings = Settings.model_validate(yaml.safe_load(path.read_text()))
    assert [source.topic for source in settings.sources] == ["falco", "ocsf"]
    assert (settings.kafka.session_timeout, settings.kafka.cluster) == (6.0, "test")
    assert settings.webhooks[0].allow_plain_http


def test_metrics_are_summed_over_the_labels_not_asked_for() -> None:
    metrics = parse_metrics(EXPOSITION)
    assert total(metrics, "forwarder_events_delivered_total", webhook="a") == 7
    assert total(metrics, "forwarder_events_delivered_total") == 12
    assert total(metrics, "forwarder_events_delivered_total", webhook="c") == 0


def test_a_child_that_ends_early_fails_the_wait_with_its_last_words(tmp_path: Path) -> None:
    child = _child(tmp_path, "import sys; sys.exit('no such topic')")
    child.start()
    with pytest.raises(ChildError, match=r"(?s)exit code 1 before: never.*no such topic"):
        child.wait_until("never", lambda: False, 30)


def test_a_wait_is_bounded(tmp_path: Path) -> None:
    child = _child(tmp_path, "import time; print('hello'); time.sleep(60)")
    child.start()
    try:
        child.wait_until("said hello", lambda: "hello" in child.output(), 30)
        with pytest.raises(ChildError, match=r"(?s)not within 0.1 s: never.*hello"):
            child.wait_until("never", lambda: False, 0.1)
    finally:
        child.kill()
    assert child.exit_code == -9


def test_a_paused_child_is_still_terminated_and_its_exit_code_kept(tmp_path: Path) -> None:
    code = (
        "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(7)); print('up')\nwhile True: time.sleep(0.05)"
    )
    child = _child(tmp_path, code)
    child.start()
    child.wait_until("up", lambda: "up" in child.output(), 30)
    child.pause()
    assert child.terminate(30) == 7
    assert not child.alive


def test_a_child_that_ended_by_itself_starts_again(tmp_path: Path) -> None:
    child = _child(tmp_path, "print('line')")
    child.start()
    while child.alive:
        time.sleep(0.01)
    child.start()
    assert child.wait(30) == 0
    assert child.output(all_runs=True) == "line\nline\n"


def test_output_starts_anew_with_each_start(tmp_path: Path) -> None:
    child = _child(tmp_path, "print('line')")
    for _ in range(2):
        child.start()
        assert child.wait(30) == 0
    assert child.output() == "line\n"
    assert child.output(all_runs=True) == "line\nline\n"


def test_nobody_answers_is_no_exception_but_metrics_are_one(tmp_path: Path) -> None:
    path = write_config(tmp_path, brokers="127.0.0.1:1", sources=["t"], webhooks=[])
    forwarder = ForwarderProcess(path, command=("--no-such-option",))
    assert forwarder.get("/readyz")[0] == 0
    with pytest.raises(ChildError, match="/metrics: 0"):
        forwarder.metrics()
