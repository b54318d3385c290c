"""`forwarder jwks`: the public signature keys as a JWK Set, for static hosting. Shows nothing private."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from forwarder.cli.options import DEFAULT_CONFIG, ConfigOption


def jwks(
    config: ConfigOption = DEFAULT_CONFIG,
    webhook: Annotated[
        list[str] | None, typer.Option(help="Only the keys of this webhook; repeat it for several.")
    ] = None,
) -> None:
    """Print the public Ed25519 and P-256 signature keys as a JWK Set (RFC 7517, RFC 8037).

    Put it where your receivers fetch it, and write it anew before a key changes: keys are told before their notBefore. A running
    Forwarder serves the same at /.well-known/jwks.json of `http.listen`.

        forwarder jwks -c config/forwarder.yaml > jwks.json
    """
    from forwarder.clock import SystemClock
    from forwarder.configuration import load_checked
    from forwarder.deliver.sign.jwks import document

    hooks = load_checked(config).settings.webhooks
    if unknown := set(webhook or ()) - {hook.name for hook in hooks}:
        raise typer.BadParameter(f"no webhook is called {', '.join(sorted(unknown))}")
    chosen = [hook for hook in hooks if not webhook or hook.name in webhook]
    typer.echo(json.dumps(document(chosen, SystemClock().wall()), indent=2))
