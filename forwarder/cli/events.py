"""`forwarder events`: which event types come, what they are called and which webhooks get them. Changes nothing and joins no group."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
from forwarder.errors import ForwarderError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from forwarder.cli.eventtable import Types
    from forwarder.settings.process import Settings

MOST = 1_000_000
"""Records that --from-kafka reads at most."""


def events(
    config: ConfigOption = DEFAULT_CONFIG,
    url: Annotated[
        list[str] | None,
        typer.Option(
            help="A running service, as in http://127.0.0.1:9090; repeat it for several, whose counts are added up."
        ),
    ] = None,
    from_kafka: Annotated[
        bool, typer.Option("--from-kafka", help="Read the newest records of the topics instead of asking a service.")
    ] = False,
    last: Annotated[
        int, typer.Option(min=1, max=MOST, help="With --from-kafka: records to read of each topic.")
    ] = 10_000,
    topic: Annotated[str, typer.Option(help="Only this topic.")] = "",
    webhook: Annotated[str, typer.Option(help="Only types that this webhook gets.")] = "",
    sets: Annotated[
        bool, typer.Option("--sets", help="List the event sets instead: the configuration's, and those that ship.")
    ] = False,
    output: OutputOption = Output.TABLE,
    log_level: LogLevelOption = LogLevel.WARNING,
    log_format: LogFormatOption = None,
) -> None:
    """List the event types that come: title, count, when last, and the webhooks that get them. Types that nobody gets are marked.

    Asks the running service (the configuration's `http.listen`, or `--url`), which knows what it has read since it started. With
    `--from-kafka` it reads the newest records itself, without a group, and asks every filter with every event.

        forwarder events --url http://127.0.0.1:9090

        forwarder events --from-kafka --last 10000 -o json | jq '.types[] | select(.nobody)'

        forwarder events --sets
    """
    start_logging(log_level, log_format)
    from forwarder.cli import eventtable

    if sets:
        typer.echo(eventtable.sets(_settings(config, needed=False), output))
        return
    if url and from_kafka:
        raise typer.BadParameter("ask a service or read from Kafka, not both", param_hint="--url / --from-kafka")
    if from_kafka:
        from forwarder.cli.eventtail import read

        settings = _needed(config)
        found = read(settings, _topics(settings, topic), last)
    else:
        from forwarder.cli.eventservice import ask

        found = ask(url or [_own(_needed(config))])
    typer.echo(eventtable.types(_chosen(found, topic, webhook), output))


def _settings(config: Path, *, needed: bool) -> Settings | None:
    """The configuration; None where it is not needed and not there."""
    from forwarder.configuration import load_checked

    return load_checked(config).settings if needed or config.exists() else None


def _needed(config: Path) -> Settings:
    settings = _settings(config, needed=True)
    assert settings is not None
    return settings


def _own(settings: Settings) -> str:
    """Where this configuration's service listens, seen from its own machine."""
    host, port = settings.http.address
    if port == 0:
        raise ForwarderError("http.listen has port 0, so the service's port is not known here: give --url")
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _topics(settings: Settings, topic: str) -> Sequence[str]:
    from forwarder.settings.problems import nearest

    known = [source.topic for source in settings.sources]
    if topic and topic not in known:
        raise ForwarderError(f"no source reads topic {topic!r}{nearest(topic, known)}; there are: {', '.join(known)}")
    return [topic] if topic else known


def _chosen(found: Types, topic: str, webhook: str) -> Types:
    """The types asked for. Raises ForwarderError for a topic or a webhook that does not exist."""
    from forwarder.settings.problems import nearest

    if webhook and webhook not in found.webhooks:
        known = ", ".join(found.webhooks) or "none"
        raise ForwarderError(f"no webhook is called {webhook!r}{nearest(webhook, found.webhooks)}; there are: {known}")
    rows = [row for row in found.rows if not topic or row["topic"] == topic]
    return found.having([row for row in rows if not webhook or webhook in row["webhooks"]])
