"""An outage of Kafka gives a handful of lines of its libraries, and nobody else's lines are touched."""

from __future__ import annotations

import logging
from itertools import product

import pytest

from forwarder.observe.quiet import LINES, QuietLibraries, template


def record(name: str, message: str, at: float, level: int = logging.WARNING) -> logging.LogRecord:
    made = logging.makeLogRecord({"name": name, "msg": message, "levelno": level})
    made.created = at
    return made


def test_an_outage_is_a_handful_of_lines() -> None:
    """The measured outage: some 1,000 lines in ten seconds, from three loggers."""
    quiet, said = QuietLibraries(), []
    for number in range(3000):
        at = number / 100
        for name in ("aiokafka.conn", "faust.transport.drivers.aiokafka", "mode.worker"):
            line = record(name, f"Unable to connect to broker {number} after 0x{number:x} tries", at)
            if quiet.filter(line):
                said.append(line)
    assert len(said) == 9
    assert [getattr(line, "suppressed", 0) for line in said] == [0, 0, 0, 999, 999, 999, 999, 999, 999]


def test_lines_that_all_look_different_are_limited_too() -> None:
    quiet = QuietLibraries()
    words = ["".join(letters) for letters in product("abcdefghij", repeat=3)]
    said = [word for at, word in enumerate(words) if quiet.filter(record("aiokafka", word, at / 1000))]
    assert len(said) == LINES
    later = record("aiokafka", "another", 20.0)
    assert quiet.filter(later)
    assert later.suppressed == 1000 - LINES  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["forwarder.deliver", "asyncio", "aiohttp.server", "aiokafkaesque", "py.warnings"])
def test_other_loggers_are_not_limited(name: str) -> None:
    quiet = QuietLibraries()
    assert all(quiet.filter(record(name, "again", 0.0)) for _ in range(100))


def test_critical_lines_always_pass() -> None:
    quiet = QuietLibraries()
    assert all(quiet.filter(record("faust", "crashed", 0.0, logging.CRITICAL)) for _ in range(100))


def test_a_louder_line_of_the_same_text_is_another_line() -> None:
    quiet = QuietLibraries()
    assert quiet.filter(record("faust", "lost", 0.0, logging.WARNING))
    assert quiet.filter(record("faust", "lost", 0.0, logging.ERROR))


def test_numbers_names_and_objects_do_not_make_a_new_kind() -> None:
    one = template("Topic 'a-b' [12] failed at <Node 0x7f01 id=3> after 1.5s")
    other = template("Topic 'xyz' [7] failed at <Node 0x99aa id=44> after 22.75s")
    assert one == other
    assert template("Heartbeat failed") != template("Commit failed")
