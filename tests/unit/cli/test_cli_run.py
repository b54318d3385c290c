"""What `forwarder run` does before there is a Kafka: refuses, warns, checks; and the same checks again at a reload."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forwarder import app
from forwarder.cli import connect
from forwarder.cli.connect import Reached
from forwarder.configuration import load_checked
from forwarder.observe.events import ConfigRefused
from forwarder.observe.redact import SECRETS
from tests.unit.cli.conftest import Forwarder


def settings(**webhook: Any) -> dict[str, Any]:
    return {"sources": [{"topic": "a"}], "webhooks": [{"name": "w", "url": "https://w.example/", **webhook}]}


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[app.Service]:
    """Services that were to be run; nothing really runs, and each ends with 0."""
    services: list[app.Service] = []

    def run_service(make: Callable[[], app.Service]) -> int:
        services.append(make())
        return 0

    monkeypatch.setattr(app, "run_service", run_service)
    return services


def test_a_valid_configuration_starts_the_service(
    forwarder: Forwarder, write: Callable[..., Path], started: list[app.Service]
) -> None:
    result = forwarder("run", "-c", write(settings()))
    assert result.exit_code == 0
    assert [service.loaded.settings.webhooks[0].name for service in started] == ["w"]


def test_a_broken_filter_starts_nothing(
    forwarder: Forwarder, write: Callable[..., Path], started: list[app.Service]
) -> None:
    result = forwarder("run", "-c", write(settings(filter="event.severity >")))
    assert result.exit_code == 78
    assert "webhooks[w].filter" in result.stderr
    assert started == []


def test_warnings_are_logged(forwarder: Forwarder, write: Callable[..., Path], started: list[app.Service]) -> None:
    result = forwarder("run", "-c", write(settings(allowInvalidCerts=True)), "--log-format", "json")
    lines = [json.loads(line) for line in result.stderr.splitlines()]
    assert [(line["level"], line["message"]) for line in lines] == [("warning", "configuration warning")]
    assert len(started) == 1


@pytest.mark.parametrize(("reachable", "code"), [(True, 0), (False, 1)])
def test_check_starts_only_what_can_be_reached(
    forwarder: Forwarder, write: Callable[..., Path], started: list[app.Service], monkeypatch: pytest.MonkeyPatch,
    reachable: bool, code: int,
) -> None:  # fmt: skip
    found = [Reached("kafka", True, "ok", ""), Reached("webhook w", reachable, "dns", "the name does not resolve")]
    monkeypatch.setattr(connect, "check_all", lambda _settings: found)
    result = forwarder("run", "--check", "-c", write(settings()), "--log-format", "json")
    assert result.exit_code == code
    assert len(started) == (1 if reachable else 0)
    assert ("webhook w" in result.stderr) == (not reachable)


class Told:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.occurrences: list[Any] = []

    def emit(self, occurrence: Any) -> None:
        self.occurrences.append(occurrence)


async def test_a_reload_asks_the_same_checks_and_learns_new_secrets(write: Callable[..., Path]) -> None:
    path = write(settings())
    service = app.Service(path, load_checked(path), logger=None)  # type: ignore[arg-type] # nothing is logged here
    service._observer = told = Told()  # type: ignore[assignment]
    write(settings(filter="event.severty > 3"))
    await service.reload()
    [refused] = told.occurrences
    assert isinstance(refused, ConfigRefused)
    assert "did you mean severity" in refused.problems[0]
    assert service.loaded.settings.webhooks[0].filter is None

    write(settings(signatureKey={"@type": "Value", "secret": "brand-new-secret-5511"}))
    await service.reload()
    assert SECRETS.text("x brand-new-secret-5511") == "x ***"
