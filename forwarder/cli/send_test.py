"""`forwarder send-test`: test events to one webhook, through the same decoding, payload, authentication, signature and TLS.

Marks every request as a test. Touches no Kafka, keeps no cursor.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
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
    from forwarder.cli.explain import Record
    from forwarder.deliver.sender import Sender
    from forwarder.model.attempt import Attempt
    from forwarder.model.event import Event
    from forwarder.settings.process import Settings, Source
    from forwarder.settings.webhook import Webhook

TEST_TOPIC = "forwarder-test"
"""Where test events say they come from: a receiver that drops what it has seen must not take them for real ones."""

_AUTO = ("falco", "ocsf", "cloudevents")
"""What stands for `auto`, which has no shape of its own."""

_SHOWN_BYTES = 1000


@dataclass(frozen=True, slots=True)
class Trial:
    """One request. `request` and `answer` have no secrets in them; nothing was sent where `outcome` is empty."""

    preset: str
    request: str
    outcome: str = ""
    seconds: float = 0.0
    answer: str = ""
    accepted: bool = True
    verdict: str = ""


def send_test(
    name: Annotated[str, typer.Argument(help="Name of the webhook.")],
    config: ConfigOption = DEFAULT_CONFIG,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the requests; send nothing.")] = False,
    output: OutputOption = Output.TABLE,
    log_level: LogLevelOption = LogLevel.WARNING,
    log_format: LogFormatOption = None,
) -> None:
    """Send one test event of each preset that the webhook's sources use, and print request and answer without secrets.

    The events go the way of real ones: decoding, payload, headers, authentication, signature, egress guard and TLS are the same.
    Filters are not asked. The header `Forwarder-Test: true` tells the receiver that it is a test. For `preset: auto` a few formats are
    tried. A disabled webhook is sent its test too.

    Exit code 1 when the receiver does not accept every event.

        forwarder send-test siem

        forwarder send-test siem --dry-run
    """
    start_logging(log_level, log_format)
    from forwarder.configuration import load_checked

    settings = load_checked(config).settings
    trials = asyncio.run(_try_all(settings, webhook_named(settings, name), dry_run))
    typer.echo(_as_json(trials) if output is Output.JSON else "\n\n".join(_as_text(trial) for trial in trials))
    raise typer.Exit(0 if all(trial.accepted for trial in trials) else 1)


def webhook_named(settings: Settings, name: str) -> Webhook:
    """The webhook of that name. Raises ForwarderError."""
    from forwarder.settings.problems import nearest

    names = [webhook.name for webhook in settings.webhooks]
    for webhook in settings.webhooks:
        if webhook.name == name:
            return webhook
    raise ForwarderError(f"there is no webhook {name!r}{nearest(name, names)}; there are: {', '.join(names) or 'none'}")


def kinds(settings: Settings, webhook: Webhook) -> Iterator[tuple[Source, str]]:
    """The sources whose events the webhook may get, each with a preset; every preset once per way of reading it."""
    seen = set()
    for source in settings.sources:
        if webhook.sources and source.topic not in webhook.sources:
            continue
        names = _AUTO if source.preset == "auto" else (source.preset,)
        for name in names:
            key = (name, source.preset, source.envelope)
            if key not in seen:
                seen.add(key)
                yield source, name


def record_of(settings: Settings, source: Source, preset: str, now: float) -> Record:
    """A sample of the preset as a record. `now` is in Unix seconds; it gives the offset, so that no test repeats another."""
    from forwarder.cli.explain import Record
    from forwarder.cli.samples.made_up import made_up

    own = settings.presets.get(preset)
    value, headers = made_up(own, source.envelope) if own else (samples.value(preset), samples.headers(preset))
    return Record(TEST_TOPIC, value, b"forwarder-test", headers, 0, int(now * 1000), int(now * 1000))


async def _try_all(settings: Settings, webhook: Webhook, dry_run: bool) -> list[Trial]:
    from forwarder.clock import SystemClock
    from forwarder.deliver.client import Client
    from forwarder.deliver.sender import Sender
    from forwarder.source.decode import Decoder

    clock = SystemClock()
    client = Client(settings.egress, clock)
    sender = Sender(webhook, client, settings.kafka.cluster, clock)
    trials = []
    try:
        for source, preset in kinds(settings, webhook):
            now = clock.wall()
            event = Decoder(source, settings.presets, settings.companies).decode(
                record_of(settings, source, preset, now)
            )
            title = preset if preset == source.preset else f"{preset} (read with {source.preset})"
            trials.append(await _try(sender, webhook, title, event, dry_run))
    finally:
        await client.close()
    return trials


async def _try(sender: Sender, webhook: Webhook, preset: str, event: Event, dry_run: bool) -> Trial:
    from forwarder.deliver.sender import Unsendable
    from forwarder.model.batch import Batch
    from forwarder.model.verdict import Delivered

    if event.problem is not None:
        return Trial(preset, "", "unreadable", accepted=False, verdict=f"{event.problem.value}: {event.detail}")
    prepared = sender.prepare(Batch(webhook.name, (event,)))
    if isinstance(prepared, Unsendable):
        return Trial(preset, "", "unsendable", accepted=False, verdict=prepared.failure.text)
    request = await sender.preview(prepared, test=True)
    if dry_run:
        return Trial(preset, request)
    attempt = await sender.attempt(prepared, 1, {}, test=True)
    verdict = sender.judge(prepared, attempt.result, 1)
    accepted = isinstance(verdict, Delivered)
    reason = "" if accepted else f"{type(verdict).__name__.lower()}: {getattr(verdict, 'reason', '')}"
    return Trial(preset, request, attempt.outcome_class, round(attempt.seconds, 3), _answer(attempt), accepted, reason)


def _answer(attempt: Attempt) -> str:
    """What came back, cut; the sender has blotted out our own secrets already."""
    from forwarder.model.attempt import Failure

    result = attempt.result
    if isinstance(result, Failure):
        return result.text
    head = [f"HTTP {result.status}", *(f"{name}: {value}" for name, value in result.headers.items())]
    return "\n".join([*head, "", result.body[:_SHOWN_BYTES].decode("utf-8", "replace")]).rstrip()


def _as_text(trial: Trial) -> str:
    from forwarder.observe.redact import SECRETS

    parts = [f"=== {trial.preset}"]
    parts += [trial.request] if trial.request else []
    if trial.outcome:
        said = "accepted" if trial.accepted else f"NOT accepted; the service would {trial.verdict}"
        parts += [f"--- {trial.outcome} after {trial.seconds} s: {said}", trial.answer]
    return SECRETS.text("\n".join(parts)).rstrip()


def _as_json(trials: list[Trial]) -> str:
    from dataclasses import asdict

    import msgspec

    from forwarder.observe.redact import SECRETS

    document = [SECRETS.value(asdict(trial)) for trial in trials]
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()
