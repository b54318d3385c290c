"""`forwarder import PRODUCT FILE`: another product's configuration as Forwarder's own. Connects to nothing, writes no file."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forwarder.errors import ConfigurationError, ForwarderError

if TYPE_CHECKING:
    from forwarder.settings.imports.outcome import Outcome

app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="markdown"
)
FileArgument = Annotated[Path, typer.Argument(help="The file; - reads standard input.")]
SecretsOption = Annotated[
    bool,
    typer.Option("--with-secrets", help="Write secrets into the result instead of naming variables that hold them."),
]
_MOST_BYTES = 16 * 1024 * 1024
_LITERAL = "url-export"


@app.callback()
def _root() -> None:
    """Translate another product's configuration to Forwarder's, on standard output.

    What could not be carried over is in the result's comments and on standard error; nothing is left out in silence. Secrets are
    left out, with the variables to set, unless `--with-secrets` is given.

        forwarder import falcosidekick config.yaml > forwarder.yaml

        forwarder import stalwart webhooks.json > forwarder.yaml && forwarder validate -c forwarder.yaml
    """


@app.command()
def falcosidekick(
    file: FileArgument,
    topic: Annotated[str, typer.Option(help="The Kafka topic that Falco's events are in.")] = "falco",
    with_secrets: SecretsOption = False,
) -> None:
    """Falcosidekick's config.yaml: its outputs become webhooks.

    forwarder import falcosidekick config.yaml
    """
    from forwarder.settings.imports.falcosidekick import translate

    _import("falcosidekick", translate, file, topic, with_secrets)


@app.command()
def stalwart(
    file: Annotated[list[Path], typer.Argument(help="The exported webhooks; - reads standard input.")],
    topic: Annotated[str, typer.Option(help="The Kafka topic that Stalwart's events are in.")] = "stalwart",
    with_secrets: SecretsOption = False,
) -> None:
    """Stalwart's webhooks, exported: WebHook objects (one, a list, a JMAP request or response), or its older settings
    `webhook.ID.key = value` (TOML, or lines).

    forwarder import stalwart webhooks.json
    """
    from forwarder.settings.imports.stalwart import translate

    named = file[1:] if len(file) == 2 and str(file[0]).lower() == _LITERAL else file
    if len(named) != 1:
        raise typer.BadParameter("one file is expected", param_hint="FILE")
    _import("stalwart", translate, named[0], topic, with_secrets)


def _import(
    product: str, translate: Callable[[str, Outcome, str], None], file: Path, topic: str, with_secrets: bool
) -> None:
    from forwarder.settings.imports.outcome import Outcome, Unusable
    from forwarder.settings.imports.written import text

    outcome = Outcome(reveal=with_secrets)
    try:
        translate(_content(file), outcome, topic)
    except Unusable as error:
        raise ForwarderError(f"{file}: {error}") from None
    made = text(outcome, f"{product} {file}")
    typer.echo(made, nl=False)
    for lost in outcome.lost:
        typer.echo(f"not carried over: {' '.join(lost.split())}", err=True)
    for needed in outcome.needed:
        typer.echo(f"set {needed.variable} to what {needed.place} is", err=True)
    for problem in _problems(made, outcome):
        typer.echo(f"needs your hand: {problem}", err=True)


def _content(file: Path) -> str:
    """The file's text. Raises ForwarderError for what cannot be read, is too large or no text."""
    if str(file).startswith(("http:", "https:")):
        raise ForwarderError(f"{file} is an address; save what it answers to a file first")
    try:
        with sys.stdin.buffer if str(file) == "-" else file.open("rb") as stream:
            content = stream.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise ForwarderError(f"{file} is larger than {_MOST_BYTES // 1024**2} MiB")
        return content.decode("utf-8-sig")
    except OSError as error:
        raise ForwarderError(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ForwarderError(f"{file} is not UTF-8 text") from None


def _problems(made: str, outcome: Outcome) -> list[str]:
    """What `forwarder validate` would say of the result on this machine, were its variables set."""
    from forwarder.configuration import load_checked

    environ = {**os.environ, **{needed.variable: needed.value for needed in outcome.needed}}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "forwarder.yaml"
        path.touch(mode=0o600)
        path.write_text(made, encoding="utf-8")
        try:
            load_checked(path, environ)
        except ConfigurationError as error:
            return [problem.replace(f"{folder}/", "") for problem in error.problems]
    return []
