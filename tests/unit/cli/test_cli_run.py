"""What `forwarder run` does before there is a Kafka: refuses, warns, checks; and the same checks again at a reload."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from forwarder import app
from forwarder.cli import connect
from forwarder.cli.connect import Reached
from forwarder.configuration import load_checked
from forwarder.errors import StartAgain, StartupError
from forwarder.observe.events import ConfigRefused, ConfigReloaded, TlsVerificationDisabled
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


class Kept:
    """A logger that keeps its lines."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def log(self, level: int, event: str, **facts: Any) -> None:
        self.lines.append((event, facts))


def reloadable(path: Path) -> tuple[app.Service, Told, Kept]:
    told, kept = Told(), Kept()
    service = app.Service(path, load_checked(path), kept)
    service._observer = told  # type: ignore[assignment]
    return service, told, kept


async def test_a_mistake_that_was_undone_is_told_as_a_good_reload(write: Callable[..., Path]) -> None:
    path = write(settings())
    service, told, _ = reloadable(path)
    write(settings(filter="event.severty > 3"))
    await service.reload()
    write(settings())
    await service.reload()
    assert [type(occurrence) for occurrence in told.occurrences] == [ConfigRefused, ConfigReloaded]
    assert told.occurrences[1].changes == ()


async def test_a_reload_warns_of_what_it_brings_and_only_once(write: Callable[..., Path]) -> None:
    path = write(settings())
    service, told, kept = reloadable(path)
    write(settings(allowInvalidCerts=True))
    await service.reload()
    assert [event for event, _ in kept.lines] == ["configuration warning"]
    assert [type(occurrence) for occurrence in told.occurrences] == [ConfigReloaded, TlsVerificationDisabled]
    await service.reload()
    assert len(kept.lines) == 1


def test_what_ends_the_service_is_its_last_log_line(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, kept = write(settings()), Kept()

    async def refused(self: app.Service) -> int:
        raise StartupError("Kafka refused the login", retryable=False)

    monkeypatch.setattr(app.Service, "run", refused)
    assert app.run_service(lambda: app.Service(path, load_checked(path), kept)) == 1
    assert kept.lines == [("forwarder cannot go on", {"error": "Kafka refused the login"})]


def test_what_only_a_new_process_can_go_on_with_starts_it_anew_in_place(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, started = write(settings()), list[list[str]]()

    async def outgrown(self: app.Service) -> int:
        raise StartAgain("a source topic has grown")

    def execute(program: str, arguments: list[str]) -> NoReturn:
        started.append([program, *arguments])
        raise SystemExit(0)

    monkeypatch.setattr(app.Service, "run", outgrown)
    monkeypatch.setattr(app.os, "execv", execute)
    with pytest.raises(SystemExit):
        app.run_service(lambda: app.Service(path, load_checked(path), Kept()))
    assert started == [[sys.executable, sys.executable, *sys.orig_argv[1:]]]
