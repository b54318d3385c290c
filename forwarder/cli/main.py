"""The `forwarder` command: its subcommands, loaded when they are called, and what an error looks like. Holds no command."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from forwarder import __version__
from forwarder.errors import ConfigurationError, ForwarderError

_COMMANDS: Mapping[str, tuple[str, str]] = {
    "run": ("forwarder.cli.run", "Run the service: read events from Kafka and deliver them until SIGTERM."),
    "validate": ("forwarder.cli.validate", "Check the configuration, and with --connect what it points to."),
    "explain": ("forwarder.cli.explain", "Tell why an event goes where it goes, webhook by webhook, rule by rule."),
    "events": ("forwarder.cli.events", "List the event types that come, and which webhooks get them."),
    "import": ("forwarder.cli.import_", "Translate another product's configuration to Forwarder's."),
    "render": ("forwarder.cli.render", "Show the request that a webhook makes of an event. Sends nothing."),
    "send-test": ("forwarder.cli.send_test", "Send one test event of each kind to a webhook, the way real ones go."),
    "egress": ("forwarder.cli.egress", "Show which addresses may be connected to, and what firewalls have to allow."),
    "listen": ("forwarder.cli.listen", "Receive webhooks on this machine: verify, print, and answer as told."),
    "verify": ("forwarder.cli.verify", "Say whether a captured request's signature holds, by which key, or why not."),
    "jwks": ("forwarder.cli.jwks", "Print the public signature keys, for receivers to check signatures with."),
    "demo": ("forwarder.cli.demo.command", "Watch events flow from Kafka to five receivers, of which one is dead."),
    "config": ("forwarder.cli.config", "Look at the configuration as Forwarder understands it."),
    "schema": ("forwarder.cli.schema", "Print the JSON Schema of the configuration file, for editors."),
}
"""Name -> module and one line of help. A module has `app`, a Typer of its own, or a function named like the command."""


class Commands(TyperGroup):
    """Imports a command's module when the command is called: `--help` and completion must not wait for Kafka libraries."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command that `args` name, and the arguments left for it."""
        name, stub, rest = super().resolve_command(ctx, args)
        return name, (_load(name) if name else stub), rest

    def invoke(self, ctx: Any) -> Any:
        """Runs the command; an error that we raise on purpose becomes its text and its exit code."""
        try:
            return super().invoke(ctx)
        except ForwarderError as error:
            _tell(error)
            raise typer.Exit(error.exit_code) from None


def _load(name: str) -> Any:
    module = import_module(_COMMANDS[name][0])
    inner = getattr(module, "app", None)
    if inner is None:
        inner = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="markdown")
        inner.command(name)(getattr(module, name.replace("-", "_")))
    command = typer.main.get_command(inner)
    command.name = name
    return command


def _tell(error: ForwarderError) -> None:
    from forwarder.observe.redact import SECRETS

    lines = error.problems if isinstance(error, ConfigurationError) else [f"forwarder: {error}"]
    for line in lines:
        typer.echo(SECRETS.text(line), err=True)
    if isinstance(error, ConfigurationError):
        mistakes = f"{len(lines)} mistakes" if len(lines) > 1 else "1 mistake"
        typer.echo(f"forwarder: the configuration is refused ({mistakes})", err=True)


app = typer.Typer(
    name="forwarder", cls=Commands, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip


def _stub() -> None:
    """Stands for a command until it is called."""


for _name, (_, _help) in _COMMANDS.items():
    app.command(_name, help=_help)(_stub)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"forwarder {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Delivers security events from Kafka topics to webhooks: batched, signed, isolated, without loss.

    Start with `forwarder demo --for 30s`, then write a configuration, `forwarder validate --connect`, `forwarder send-test NAME`
    and `forwarder run`. Each command explains itself: `forwarder run --help`.

    Exit codes: 0 ok, 1 failed, 2 wrong use of the command line, 78 refused configuration.
    """


def main() -> None:
    """Entry point. Whatever goes wrong, nobody sees a traceback unless FORWARDER_LOG_LEVEL=debug asks for it."""
    try:
        app()
    except Exception as error:
        if os.environ.get("FORWARDER_LOG_LEVEL", "").lower() == "debug":
            raise
        text = f"forwarder: internal error: {type(error).__name__}: {error} (FORWARDER_LOG_LEVEL=debug shows where)"
        from forwarder.observe.redact import SECRETS

        typer.echo(SECRETS.text(text), err=True)
        sys.exit(1)
