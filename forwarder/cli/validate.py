"""`forwarder validate`: every mistake of the configuration at once and, if asked, whether what it points to can be reached."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from forwarder.cli.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    LogFormatOption,
    LogLevel,
    LogLevelOption,
    Output,
    OutputOption,
    start_logging,
)
from forwarder.cli.table import columns
from forwarder.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from forwarder.cli.connect import Reached

_PLACED = re.compile(r"(?P<file>.+?):(?P<line>\d+):(?P<column>\d+): (?P<problem>.*)", re.DOTALL)


def validate(
    config: ConfigOption = DEFAULT_CONFIG,
    connect: Annotated[
        bool,
        typer.Option("--connect", help="Also connect: Kafka, its topics, and each webhook's name, address and TLS."),
    ] = False,
    output: OutputOption = Output.TABLE,
    log_level: LogLevelOption = LogLevel.WARNING,
    log_format: LogFormatOption = None,
) -> None:
    """Check the configuration: all mistakes of all files at once, each with its place, what is allowed and the fix.

    With `--connect` also what it points to. No event is sent and no topic is made. Per webhook it says ok or names the fault: dns,
    refused, connect_timeout, unreachable, tls, egress_denied, way_out_failed (proxy or source address), credentials.

    Exit codes: 0 valid, 78 mistakes in the configuration, 1 something cannot be reached.

        forwarder validate -c config/forwarder.yaml

        forwarder validate --connect -o json | jq '.connections[] | select(.ok | not)'
    """
    start_logging(log_level, log_format)
    from forwarder.configuration import load_checked

    try:
        loaded = load_checked(config)
    except ConfigurationError as error:
        _print(output, errors=error.problems, warnings=(), connections=None)
        raise typer.Exit(error.exit_code) from None
    connections = None
    if connect:
        from forwarder.cli.connect import check_all

        connections = check_all(loaded.settings)
    _print(output, errors=(), warnings=loaded.warnings, connections=connections)
    raise typer.Exit(0 if all(one.ok for one in connections or ()) else 1)


def _print(
    output: Output, errors: Sequence[str], warnings: Sequence[str], connections: Sequence[Reached] | None
) -> None:
    if output is Output.JSON:
        typer.echo(_as_json(errors, warnings, connections))
        return
    for problem in errors:
        typer.echo(problem)
    for problem in warnings:
        typer.echo(f"warning: {problem}")
    if errors:
        typer.echo(f"{_counted(errors, 'mistake')}: this configuration is refused")
        return
    typer.echo("the configuration is valid" + (f", with {_counted(warnings, 'warning')}" if warnings else ""))
    if connections is not None:
        typer.echo(columns([("target", "result", ""), *((one.target, one.kind, one.text) for one in connections)]))


def _counted(things: Sequence[str], word: str) -> str:
    return f"{len(things)} {word}{'' if len(things) == 1 else 's'}"


def _as_json(errors: Sequence[str], warnings: Sequence[str], connections: Sequence[Reached] | None) -> str:
    import msgspec

    document: dict[str, Any] = {
        "valid": not errors,
        "errors": [_problem(text) for text in errors],
        "warnings": [_problem(text) for text in warnings],
    }
    if connections is not None:
        document["connections"] = [
            {"target": one.target, "ok": one.ok, "result": one.kind, "text": one.text} for one in connections
        ]
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()


def _problem(text: str) -> dict[str, Any]:
    """A problem's line taken apart; what has no place in a file (an environment variable) is text alone."""
    match = _PLACED.fullmatch(text)
    if match is None:
        return {"text": text}
    place = {"file": match["file"], "line": int(match["line"]), "column": int(match["column"])}
    return {"text": text, **place, "problem": match["problem"]}
