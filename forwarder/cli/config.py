"""`forwarder config show`: the configuration as Forwarder understands it, without secrets. Changes nothing."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from forwarder.cli.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    LogFormatOption,
    LogLevel,
    LogLevelOption,
    start_logging,
)

app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="markdown"
)


class Form(Enum):
    """The language of the output."""

    YAML = "yaml"
    JSON = "json"


@app.callback()
def _root() -> None:
    """Look at the configuration as Forwarder understands it."""


@app.command()
def show(
    config: ConfigOption = DEFAULT_CONFIG,
    output: Annotated[Form, typer.Option("--output", "-o", help="The language to print in.")] = Form.YAML,
    log_level: LogLevelOption = LogLevel.WARNING,
    log_format: LogFormatOption = None,
) -> None:
    """Print the whole configuration: defaults filled in, environment applied, other products' forms translated.

    Secrets are shown as fingerprints: equal secrets have equal ones.

        forwarder config show

        forwarder config show -o json | jq '.webhooks[].name'
    """
    start_logging(log_level, log_format)
    from forwarder.configuration import load_checked
    from forwarder.settings.show import as_json, as_yaml

    settings = load_checked(config).settings
    typer.echo(as_json(settings) if output is Form.JSON else as_yaml(settings).rstrip("\n"))
