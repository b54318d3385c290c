"""Log lines on standard error, ours and the libraries', as JSON or for a terminal, without secrets. Decides no text.

Every line has `timestamp` (UTC, RFC 3339), `level` and `message`; lines of libraries have `logger`.
"""

from __future__ import annotations

import json
import logging
import sys
from enum import Enum
from typing import Any, TextIO, cast

import msgspec
import structlog
from structlog.types import EventDict, Processor

from forwarder.observe.observer import Logger
from forwarder.observe.quiet import NOISY, QuietLibraries
from forwarder.observe.redact import SECRETS, Redactor

_OURS = ("timestamp", "level")
"""Made by ourselves for every line: there is nothing to hide in them."""


class LogFormat(Enum):
    """`json` is one object per line; `console` is for people at a terminal."""

    JSON = "json"
    CONSOLE = "console"


class _Lines:
    """Writes whole lines. A reader that went away must not stop delivery, so failures to write are ignored."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def msg(self, line: str) -> None:
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            return

    log = debug = info = warning = warn = error = exception = critical = fatal = failure = msg


class _Foreign(logging.Handler):
    """Takes what libraries log through the standard library to the same place."""

    def __init__(self, lines: _Lines) -> None:
        super().__init__()
        self._lines = lines
        self.addFilter(QuietLibraries())

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._lines.msg(self.format(record))
        except Exception:
            self.handleError(record)


def configure_logging(
    style: LogFormat, level: int, stream: TextIO | None = None, redactor: Redactor = SECRETS
) -> Logger:
    """Set up logging for the process and return the logger for the Observer. `level` is as in `logging`.

    Calling it again replaces what was set up before.
    """
    lines = _Lines(stream or sys.stderr)
    common: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    tail: list[Processor] = [structlog.processors.format_exc_info, _redacting(redactor), *_render(style, stream)]
    structlog.configure(
        processors=[*common, *tail],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: lines,
        cache_logger_on_first_use=False,
    )
    _route_standard_library(_Foreign(lines), level, common, tail)
    return cast(Logger, structlog.get_logger().bind())


def _route_standard_library(
    handler: logging.Handler, level: int, common: list[Processor], tail: list[Processor]
) -> None:
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                *common,
                structlog.stdlib.add_logger_name,
                structlog.stdlib.ExtraAdder(allow=["suppressed"]),
            ],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *tail],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(True)
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.INFO if level <= logging.DEBUG else max(level, logging.WARNING))
    logging.getLogger("asyncio").setLevel(max(level, logging.INFO))


def _redacting(redactor: Redactor) -> Processor:
    def redact(_logger: Any, _method: str, line: EventDict) -> EventDict:
        return {name: value if name in _OURS else redactor.named(name, value) for name, value in line.items()}

    return redact


def _render(style: LogFormat, stream: TextIO | None) -> list[Processor]:
    if style is LogFormat.JSON:
        return [_arrange, structlog.processors.JSONRenderer(serializer=_to_json)]
    terminal = (stream or sys.stderr).isatty()
    renderer = structlog.dev.ConsoleRenderer(
        colors=terminal, sort_keys=False, exception_formatter=structlog.dev.plain_traceback
    )
    return [_harmless, renderer]


def _arrange(_logger: Any, _method: str, line: EventDict) -> EventDict:
    """What is read first stands first. structlog calls the text `event`; that word means something else here."""
    head = {"timestamp": line.pop("timestamp", None), "level": line.pop("level", None)}
    return {**head, "message": line.pop("event", ""), **line}


def _harmless(_logger: Any, _method: str, line: EventDict) -> EventDict:
    """Control characters in foreign text could move the cursor of a terminal or forge a line: they are shown escaped."""
    return {key: _escaped(value) if key != "exception" else value for key, value in line.items()}


def _escaped(value: Any) -> Any:
    if not isinstance(value, str) or value.isprintable():
        return value
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in value)


def _to_json(line: Any, **_: Any) -> str:
    try:
        return msgspec.json.encode(line, enc_hook=str).decode()
    except (ValueError, TypeError, RecursionError):  # lone surrogates, integers beyond 64 bits, odd keys
        return json.dumps(line, default=str, skipkeys=True)
