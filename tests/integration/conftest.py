"""Integration tests use real sockets, processes and Kafka: real time, 127.0.0.1 only, a marker for what needs the broker."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`-m "not kafka"` leaves out what needs the broker, without every test saying so itself."""
    for item in items:
        if "kafka" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.kafka)
