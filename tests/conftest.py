"""What every test may use: the repository on the import path, and one real Kafka for the whole session."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = str(Path(__file__).resolve().parents[1])
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)

from tests.support.kafka import RealKafka  # noqa: E402 (needs the path above)


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealKafka]:
    """The session's broker; tests keep apart by their topics' names. A test that hurts the broker starts its own."""
    broker = RealKafka(tmp_path_factory.mktemp("kafka"))
    broker.start()
    yield broker
    broker.kill()
