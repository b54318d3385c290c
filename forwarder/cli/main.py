"""The `forwarder` command: wires the subcommands together. Holds no logic of its own."""

from __future__ import annotations

import typer

from forwarder.cli.demo.command import demo
from forwarder.cli.run import run

app = typer.Typer(
    name="forwarder", help="Delivers security events from Kafka topics to webhooks.",
    no_args_is_help=True, add_completion=True, pretty_exceptions_enable=False,
)  # fmt: skip
app.command()(run)
app.command()(demo)


@app.callback()
def _root() -> None:
    """Delivers security events from Kafka topics to webhooks: batched, signed, isolated, without loss."""


def main() -> None:
    """Entry point."""
    app()
