"""`forwarder demo`: the whole path on this machine in one command. Loads the rest only when it is asked for."""

from __future__ import annotations

import asyncio
import logging
import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer

_SHORTEST_SECONDS = 10.0


def _duration(text: str | None) -> str | None:
    if text is None:
        return None
    from forwarder.settings.types import parse_duration

    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if seconds < _SHORTEST_SECONDS:
        raise typer.BadParameter(f"at least {_SHORTEST_SECONDS:g}s: slow windows and retries need their time")
    return text


def demo(
    duration: Annotated[
        str | None, typer.Option("--for", help="End after this time, such as 30s or 5m.", callback=_duration)
    ] = None,
    rate: Annotated[float, typer.Option(help="Events per second, all producers together.", min=1, max=5000)] = 200.0,
    folder: Annotated[
        Path | None, typer.Option("--dir", help="Keep the configuration and the logs in this folder.")
    ] = None,
) -> None:
    """Watch events flow from Kafka through Forwarder into signed webhooks, while one receiver is dead.

    Starts an embedded Kafka-compatible broker, a real `forwarder run` as a child process, five producers and seven receivers on
    this machine: a SIEM, one shaped like Slack, like Splunk and like PagerDuty each, a flaky one, a dead one, and one that comes
    back. Ends with the books: every event that was read is delivered, discarded, dead-lettered or pending, per webhook. Exit
    code 0 only if every signature verified, the books balance and the healthy receivers got every event exactly once, in order.

        forwarder demo --for 30s

        forwarder demo --rate 1000 --dir /tmp/demo     (until Ctrl-C)
    """
    from forwarder.cli.demo.screen import Screen
    from forwarder.cli.demo.session import Session
    from forwarder.settings.types import parse_duration

    made = folder is None
    place = Path(tempfile.mkdtemp(prefix="forwarder-demo-")) if folder is None else folder
    place.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(filename=place / "demo.log", level=logging.WARNING)  # of libraries: not among the tables
    screen = Screen()
    good = False
    try:
        seconds = None if duration is None else parse_duration(duration)
        good = asyncio.run(Session(place, seconds, rate, screen).run())
    except asyncio.CancelledError:
        raise typer.Abort() from None
    finally:
        screen.close()
        if made and good:
            shutil.rmtree(place, ignore_errors=True)
        elif not good:
            typer.echo(f"configuration and logs: {place}", err=True)
    raise typer.Exit(0 if good else 1)
