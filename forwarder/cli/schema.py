"""`forwarder schema`: the JSON Schema of the configuration file. Reads no configuration."""

from __future__ import annotations

import typer


def schema() -> None:
    """Print the JSON Schema (2020-12) of the configuration file.

    Editors complete and check with it: put this at the top of the file.

        # yaml-language-server: $schema=./schema.json

        forwarder schema > config/schema.json
    """
    from forwarder.settings.schema import text

    typer.echo(text(), nl=False)
