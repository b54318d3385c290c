"""Fixtures of the tests of observe: a clock that moves when told, an observer that keeps its lines, logging restored."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

import pytest
import structlog

from forwarder.clock import ManualClock
from forwarder.observe.metrics import Metrics
from forwarder.observe.observer import Observer
from forwarder.observe.quiet import NOISY
from tests.unit.observe.support import Kept

# Python 3.11 makes a loop when pytest-asyncio asks for the current one and there is none; nobody would close it.
asyncio.set_event_loop(None)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def observer(metrics: Metrics, kept: Kept, clock: ManualClock) -> Observer:
    return Observer(metrics, kept, clock)


@pytest.fixture
def logging_restored() -> Iterator[None]:
    """For tests that set up logging: what they change is undone."""
    names = ["", "asyncio", *NOISY]
    levels = {name: logging.getLogger(name).level for name in names}
    handlers = logging.getLogger().handlers[:]
    yield
    logging.captureWarnings(False)
    logging.getLogger().handlers[:] = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    structlog.reset_defaults()
