"""What every test may use: the repository on the import path, hypothesis without a clock, one real Kafka for the session."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

ROOT = str(Path(__file__).resolve().parents[1])
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)

from tests.support.kafka import RealKafka  # noqa: E402 (needs the path above)

# a law must not fail because the machine was busy
hypothesis.settings.register_profile("forwarder", hypothesis.settings(), deadline=None)
hypothesis.settings.load_profile("forwarder")


def pytest_sessionstart() -> None:
    """No loop but those of the tests: looptime asks for the current one even around a test without async, which would make
    one that nobody closes, and its ResourceWarning would hit some later test."""
    asyncio.set_event_loop(None)


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealKafka]:
    """The session's broker; tests keep apart by their topics' names. A test that hurts the broker starts its own."""
    broker = RealKafka(tmp_path_factory.mktemp("kafka"))
    broker.start()
    yield broker
    broker.kill()
