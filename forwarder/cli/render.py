"""`forwarder render`: the request that a webhook would make of an event, secrets blotted out. Touches no Kafka and sends nothing."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forwarder.cli import samples
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
    from forwarder.deliver.sender import Sender
    from forwarder.model.event import Event
    from forwarder.settings.process import Settings, Source
    from forwarder.settings.webhook import Webhook

_SAMPLE = "falco"
"""The event that stands for all where none is given with --all."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """One request, or (with `problem`) why there is none. Holds no secret."""

    title: str
    events: int
    problem: str = ""
    method: str = ""
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""


def render(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME [FILE]...",
            help="Name of the webhook, then files with an event each, as it lies in Kafka; - reads standard input. With --all: files.",
            show_default=False,
        ),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    everything: Annotated[
        bool, typer.Option("--all", help="One event through every built-in payload format, instead of a webhook.")
    ] = False,
    lines: Annotated[bool, typer.Option("--lines", help="Each line of a file is an event.")] = False,
    topic: Annotated[
        str, typer.Option(help="The topic the events come from; may be left out when there is only one source.")
    ] = "",
    output: OutputOption = Output.TABLE,
    log_level: LogLevelOption = LogLevel.WARNING,
    log_format: LogFormatOption = None,
) -> None:
    """Show the requests that a webhook makes of events: method, URL, headers and body, secrets blotted out.

    Several events are one batch, or as many as the format and the webhook allow in one. Without a file, a sample of each preset that
    the webhook's sources use is shown. Filters are not asked. What a template cannot render is told with line and column.

    Exit code 1 when a request cannot be made.

        forwarder render slack event.json

        kcat -C -t falco -c 5 -e | forwarder render slack - --lines

        forwarder render --all event.json
    """
    start_logging(log_level, log_format)
    given = list(words or [])
    if everything:
        found = asyncio.run(_all(_values(given, lines)))
    elif not given:
        raise typer.BadParameter("a webhook's name is missing (or --all)", param_hint="NAME")
    else:
        from forwarder.configuration import load_checked

        found = asyncio.run(_one(load_checked(config).settings, given[0], _values(given[1:], lines), topic))
    typer.echo(_as_json(found) if output is Output.JSON else "\n\n".join(_as_text(one) for one in found))
    raise typer.Exit(1 if any(one.problem for one in found) else 0)


def _values(files: Sequence[str], lines: bool) -> list[bytes]:
    """The records' values."""
    found = []
    for name in files:
        try:
            content = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        except OSError as error:
            raise ForwarderError(f"{name} cannot be read: {error.strerror}") from None
        found += [line for line in content.splitlines() if line.strip()] if lines else [content]
    if files and not found:
        raise ForwarderError("there is no event in what was given")
    return found


async def _one(settings: Settings, name: str, values: list[bytes], topic: str) -> list[Rendered]:
    """Given events through a webhook; samples where none are given."""
    from forwarder.cli.explain import source_of
    from forwarder.cli.send_test import kinds, record_of, webhook_named

    webhook = webhook_named(settings, name)
    if values:
        source = source_of(settings, topic)
        return await _through(
            settings, webhook, [(name, [_event(settings, source, v, at) for at, v in enumerate(values)])]
        )
    groups = []
    for at, (source, preset) in enumerate(kinds(settings, webhook)):
        value = record_of(settings, source, preset, 0.0).value or b""
        groups.append((f"{name}: a sample of {preset}", [_event(settings, source, value, at, samples.headers(preset))]))
    return await _through(settings, webhook, groups)


async def _all(values: list[bytes]) -> list[Rendered]:
    """Every built-in format."""
    from forwarder.settings.process import Settings, Source

    settings = Settings(sources=(Source(topic=_SAMPLE),))
    source = settings.sources[0]
    events = [_event(settings, source, v, at) for at, v in enumerate(values or [samples.value(_SAMPLE)])]
    found: list[Rendered] = []
    for webhook in examples():
        found += await _through(settings, webhook, [(webhook.payload.format, events)])
    return found


def examples() -> Iterator[Webhook]:
    """A webhook for each built-in format, every option that it must have filled with an example."""
    from forwarder.observe.redact import register_secret
    from forwarder.settings.payload import payload_of
    from forwarder.settings.providers.catalogue import builtin
    from forwarder.settings.templates.resolve import filled
    from forwarder.settings.webhook import Webhook

    for name, spec in builtin().items():
        document: dict[str, object] = {"format": name}
        if name == "template":
            document["template"] = "slack-violation"
        for key, option in spec.options.items():
            if option.type == "secret" and (option.required or (spec.auth is not None and spec.auth.option == key)):
                secret = f"example-{key}-of-{name}"
                register_secret(secret)
                document[key] = {"@type": "Value", "secret": secret}
            elif option.required and key not in document:
                document[key] = option.choices[0] if option.choices else _EXAMPLES.get(option.type, f"example-{key}")
        payload = filled(payload_of(document), {}, "render")
        yield Webhook(name="render", url=spec.example, payload=payload)


_EXAMPLES = {"number": "1", "flag": "true", "duration": "1s", "size": "1KiB"}


def _event(
    settings: Settings, source: Source, value: bytes, offset: int, headers: Sequence[tuple[str, bytes]] = ()
) -> Event:
    from forwarder.cli.explain import Record
    from forwarder.clock import SystemClock
    from forwarder.source.decode import Decoder

    now = int(SystemClock().wall() * 1000)
    record = Record(source.topic, value.strip(), None, tuple(headers), 0, offset, now)
    return Decoder(source, settings.presets, settings.companies).decode(record)


async def _through(settings: Settings, webhook: Webhook, groups: list[tuple[str, list[Event]]]) -> list[Rendered]:
    from forwarder.clock import SystemClock
    from forwarder.deliver.client import Client
    from forwarder.deliver.sender import Sender
    from forwarder.lane.policy import policy_of

    clock = SystemClock()
    client = Client(settings.egress, clock)
    try:
        sender = Sender(webhook, client, settings.kafka.cluster, clock)
        most = policy_of(webhook).max_events
        batches = [(title, events[at : at + most]) for title, events in groups for at in range(0, len(events), most)]
        return [await _request(sender, webhook, title, tuple(events)) for title, events in batches]
    finally:
        await client.close()


async def _request(sender: Sender, webhook: Webhook, title: str, events: tuple[Event, ...]) -> Rendered:
    from forwarder.deliver.redact import shown_headers, shown_url
    from forwarder.deliver.sender import Unsendable
    from forwarder.deliver.sign.scheme import KeyUnusable
    from forwarder.model.batch import Batch
    from forwarder.settings.secrets import SecretUnavailable

    for event in events:
        if event.problem is not None:
            said = f"the event at offset {event.offset} cannot be read: {event.problem.value}: {event.detail}"
            return Rendered(title, len(events), said)
    prepared = sender.prepare(Batch(webhook.name, events))
    if isinstance(prepared, Unsendable):
        return Rendered(title, len(events), prepared.failure.text)
    try:
        request, content = await sender.draft(prepared, test=False)
    except (SecretUnavailable, KeyUnusable) as error:
        return Rendered(title, len(events), str(error))
    body = sender.blotted(content.decode("utf-8", "replace"))
    return Rendered(
        title, len(events), "", request.method, shown_url(request.url, request.secret_url), shown_headers(request), body
    )


def _as_text(one: Rendered) -> str:
    from forwarder.observe.redact import SECRETS

    head = f"=== {one.title} ({one.events} event{'s' if one.events > 1 else ''})"
    if one.problem:
        return SECRETS.text(f"{head}\nno request: {one.problem}")
    lines = [
        head,
        f"{one.method} {one.url}",
        *(f"{name}: {value}" for name, value in one.headers.items()),
        "",
        one.body,
    ]
    return SECRETS.text("\n".join(lines)).rstrip()


def _as_json(found: list[Rendered]) -> str:
    import msgspec

    from forwarder.observe.redact import SECRETS

    document = [SECRETS.value(asdict(one)) for one in found]
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()
