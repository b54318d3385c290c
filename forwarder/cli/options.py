"""The options that commands share, and setting up logging from them. Imports nothing heavy: `--help` must be quick."""

from __future__ import annotations

import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from forwarder.observe.observer import Logger

DEFAULT_CONFIG = Path("config/forwarder.yaml")


class LogLevel(Enum):
    """From the most talkative to the quietest."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogStyle(Enum):
    """JSON lines, or text for people."""

    JSON = "json"
    CONSOLE = "console"


class Output(Enum):
    """How a command prints its data."""

    TABLE = "table"
    JSON = "json"


ConfigOption = Annotated[
    Path, typer.Option("--config", "-c", envvar="FORWARDER_CONFIG", help="The configuration file (YAML or JSON).")
]
LogLevelOption = Annotated[
    LogLevel, typer.Option("--log-level", envvar="FORWARDER_LOG_LEVEL", help="The least level that is logged.")
]
LogFormatOption = Annotated[
    LogStyle | None,
    typer.Option(
        "--log-format", envvar="FORWARDER_LOG_FORMAT",
        help="How log lines look, on standard error.", show_default="console at a terminal, json elsewhere",
    ),
]  # fmt: skip
OutputOption = Annotated[Output, typer.Option("--output", "-o", help="How to print the result, on standard output.")]


def start_logging(level: LogLevel, style: LogStyle | None) -> Logger:
    """Log to standard error from now on."""
    import logging

    from forwarder.observe.logs import LogFormat, configure_logging

    chosen = style or (LogStyle.CONSOLE if sys.stderr.isatty() else LogStyle.JSON)
    return configure_logging(LogFormat(chosen.value), logging.getLevelNamesMapping()[level.name])
