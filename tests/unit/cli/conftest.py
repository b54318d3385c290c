"""Fixtures of the command line's tests: configuration files, the command in this process, logging put back as it was."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
import yaml
from typer.testing import CliRunner

from forwarder.cli.main import app
from forwarder.observe.quiet import NOISY

# Python 3.11 makes a loop when pytest-asyncio asks for the current one and there is none; nobody would close it.
asyncio.set_event_loop(None)

Forwarder = Callable[..., Any]
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def _logging_restored() -> Iterator[None]:
    """Commands set up logging for their process, which here is pytest's."""
    names = ["", "asyncio", *NOISY]
    levels = {name: logging.getLogger(name).level for name in names}
    handlers = logging.getLogger().handlers[:]
    yield
    logging.captureWarnings(False)
    logging.getLogger().handlers[:] = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def forwarder(monkeypatch: pytest.MonkeyPatch) -> Forwarder:
    """Runs `forwarder ARGUMENTS...`; the result has exit_code, stdout and stderr."""
    for name in ("FORWARDER_CONFIG", "FORWARDER_LOG_LEVEL", "FORWARDER_LOG_FORMAT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: object, stdin: bytes | None = None) -> Any:
        return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)

    return run


@pytest.fixture
def write(tmp_path: Path) -> Callable[[dict[str, Any]], Path]:
    """Writes settings to a configuration file; its path."""

    def to_file(settings: dict[str, Any]) -> Path:
        path = tmp_path / "forwarder.yaml"
        path.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
        return path

    return to_file
