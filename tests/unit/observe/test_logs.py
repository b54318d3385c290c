"""What comes out on standard error: one JSON object per line, or readable text, from us and from libraries alike."""

from __future__ import annotations

import io
import json
import logging
import warnings
from typing import Any

import pytest

from forwarder.clock import ManualClock
from forwarder.observe.events import CircuitOpened
from forwarder.observe.logs import LogFormat, configure_logging
from forwarder.observe.metrics import Metrics
from forwarder.observe.observer import Observer
from forwarder.observe.redact import MASK, Redactor

pytestmark = pytest.mark.usefixtures("logging_restored")


class Setup:
    def __init__(self, style: LogFormat = LogFormat.JSON, level: int = logging.INFO) -> None:
        self.out = io.StringIO()
        self.redactor = Redactor()
        self.redactor.register("hunter2-hunter2")
        self.log = configure_logging(style, level, self.out, self.redactor)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.getvalue().splitlines()]


def test_our_line_is_one_json_object_with_the_head_first() -> None:
    setup = Setup()
    Observer(Metrics(), setup.log, ManualClock()).emit(CircuitOpened("siem", 5, "refused"))
    (line,) = setup.lines()
    assert list(line)[:3] == ["timestamp", "level", "message"]
    assert line["timestamp"].endswith("Z")
    del line["timestamp"]
    assert line == {
        "level": "warning", "message": "circuit opened", "occurrence": "CircuitOpened",
        "webhook": "siem", "failures": 5, "class": "refused",
    }  # fmt: skip


def test_a_library_line_has_the_same_shape_and_its_logger() -> None:
    setup = Setup()
    logging.getLogger("some.library").warning("lost %s after %d s", "broker", 3)
    (line,) = setup.lines()
    assert (line["level"], line["message"], line["logger"]) == ("warning", "lost broker after 3 s", "some.library")


def test_warnings_are_log_lines() -> None:
    setup = Setup()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn("old thing", UserWarning, stacklevel=1)
        logging.captureWarnings(False)
    (line,) = setup.lines()
    assert line["logger"] == "py.warnings"
    assert "old thing" in line["message"]


@pytest.mark.parametrize("style", LogFormat)
def test_secrets_are_masked_in_our_lines_in_library_lines_and_in_tracebacks(style: LogFormat) -> None:
    setup = Setup(style)
    setup.log.log(logging.INFO, "x", error="refused hunter2-hunter2", nested={"a": ["hunter2-hunter2"]}, token="abc")
    logging.getLogger("library").warning("login as %s", "hunter2-hunter2")
    try:
        raise ValueError("bad key hunter2-hunter2 at https://u:p@h/?k=1")
    except ValueError:
        logging.getLogger("library").exception("failed")
        setup.log.log(logging.ERROR, "failed too", exc_info=True)
    written = setup.out.getvalue()
    assert "hunter2" not in written
    assert "abc" not in written
    assert "u:p" not in written
    assert written.count("ValueError") >= 2
    assert written.count(MASK) >= 8


def test_lines_below_the_level_are_not_written() -> None:
    setup = Setup(level=logging.WARNING)
    setup.log.log(logging.INFO, "quiet")
    logging.getLogger("library").info("quiet")
    setup.log.log(logging.ERROR, "loud")
    assert [line["message"] for line in setup.lines()] == ["loud"]


def test_kafka_libraries_start_at_warning() -> None:
    setup = Setup()
    for name in ("faust.worker", "mode.services", "aiokafka.consumer"):
        logging.getLogger(name).info("starting")
        logging.getLogger(name).warning("lost")
    assert [line["message"] for line in setup.lines()] == ["lost"] * 3


def test_kafka_libraries_tell_more_when_debugging() -> None:
    setup = Setup(level=logging.DEBUG)
    logging.getLogger("faust.worker").info("starting")
    assert [line["message"] for line in setup.lines()] == ["starting"]


def test_repeated_library_lines_are_limited_and_the_next_says_how_many() -> None:
    setup = Setup()
    handler = logging.getLogger().handlers[0]
    for at in (0.0, 1.0, 2.0, 11.0):
        record = logging.makeLogRecord(
            {"name": "aiokafka", "levelno": 30, "levelname": "WARNING", "msg": "down", "created": at}
        )
        handler.handle(record)
    first, second = setup.lines()
    assert "suppressed" not in first
    assert second["suppressed"] == 2


def test_one_line_stays_one_line_whatever_is_in_it() -> None:
    setup = Setup()
    setup.log.log(
        logging.INFO, "x", error='a\nb\x1b[2J"\u2028', lone="\ud800", big=2**80, odd={1: {2}}, nan=float("nan")
    )
    (line,) = (json.loads(text) for text in setup.out.getvalue().split("\n") if text)
    assert line["error"] == 'a\nb\x1b[2J"\u2028'
    assert line["message"] == "x"


def test_console_lines_cannot_be_forged_or_move_the_cursor() -> None:
    setup = Setup(LogFormat.CONSOLE)
    setup.log.log(logging.INFO, "attempt finished", error="\x1b[2Jgone\nINFO all is well")
    logging.getLogger("library").warning("bad\r\nINFO all is well")
    written = setup.out.getvalue()
    assert "\x1b" not in written and "\r" not in written
    assert written.count("\n") == 2
    assert "attempt finished" in written


def test_a_reader_that_went_away_does_not_stop_us() -> None:
    setup = Setup()
    setup.out.close()
    setup.log.log(logging.ERROR, "nobody listens")
    logging.getLogger("library").error("nobody listens")


def test_setting_up_again_replaces_and_does_not_double() -> None:
    Setup()
    setup = Setup()
    logging.getLogger("library").warning("once")
    assert len(setup.lines()) == 1
