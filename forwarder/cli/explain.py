"""`forwarder explain`: one record, read and routed as the service would, with the reasons. Sends nothing, touches no Kafka."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
from forwarder.cli.table import columns
from forwarder.errors import ForwarderError

if TYPE_CHECKING:
    from forwarder.model.event import Event, Headers
    from forwarder.route.explain import Explanation, Step
    from forwarder.settings.process import Settings, Source

_MARKS = {True: "yes", False: "no", None: "-"}
_HELD_BACK = "enable"


@dataclass(frozen=True, slots=True)
class Record:
    """A record as it would come from Kafka."""

    topic: str
    value: bytes
    key: bytes | None
    headers: Headers
    partition: int = 0
    offset: int = 0
    timestamp: int = -1


def explain(
    file: Annotated[
        Path, typer.Argument(help="File with the record's value, as it lies in Kafka; - reads standard input.")
    ],
    config: ConfigOption = DEFAULT_CONFIG,
    topic: Annotated[
        str, typer.Option(help="The topic it comes from; may be left out when there is only one source.")
    ] = "",
    header: Annotated[
        list[str] | None, typer.Option(help="A record header, as name=value; repeat it for several.")
    ] = None,
    key: Annotated[str | None, typer.Option(help="The record's key.")] = None,
    output: OutputOption = Output.TABLE,
    log_level: LogLevelOption = LogLevel.WARNING,
    log_format: LogFormatOption = None,
) -> None:
    """Tell why an event goes where it goes: what is read of it, then every webhook with every condition, in the order asked.

    A condition that was not reached, because an earlier one had decided, shows as "-".

        forwarder explain event.json --topic falco

        kcat -C -t falco -c 1 -e | forwarder explain - --topic falco -o json
    """
    start_logging(log_level, log_format)
    from forwarder.configuration import load_checked
    from forwarder.route.explain import explain as reasons
    from forwarder.source.decode import Decoder

    settings = load_checked(config).settings
    source = source_of(settings, topic)
    record = Record(source.topic, _value(file), None if key is None else key.encode(), _headers(header or []))
    event = Decoder(source, settings.presets, settings.companies).decode(record)
    found = reasons(event, settings.webhooks, event_sets=settings.event_sets, tenants=settings.tenants)
    preset = source.preset if source.preset != "auto" or "auto" in settings.presets else f"auto: {detected(event)}"
    typer.echo(_as_json(event, found, preset) if output is Output.JSON else _as_text(event, found, preset))


def source_of(settings: Settings, topic: str) -> Source:
    """The source of a topic, or the only one there is. Raises ForwarderError."""
    from forwarder.settings.problems import nearest

    topics = [source.topic for source in settings.sources]
    if not topic and len(topics) > 1:
        raise ForwarderError(f"--topic is needed, for there are several sources: {', '.join(topics)}")
    for source in settings.sources:
        if source.topic == (topic or topics[0]):
            return source
    raise ForwarderError(f"no source reads topic {topic!r}{nearest(topic, topics)}; there are: {', '.join(topics)}")


def _value(file: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise ForwarderError(f"{file} cannot be read: {error.strerror}") from None


def _headers(given: list[str]) -> Headers:
    pairs = [(text, *text.partition("=")) for text in given]
    for text, name, separator, _ in pairs:
        if not name or not separator:
            raise typer.BadParameter(f"{text!r} is not written as name=value", param_hint="--header")
    return tuple((name, value.encode()) for _, name, _, value in pairs)


def detected(event: Event) -> str:
    """The preset that `auto` finds for the record: the first that takes it for its own, else raw."""
    from forwarder.source.presets import auto, cloudevents, registry
    from forwarder.source.presets.lenient import read_lenient

    if event.problem is not None:
        return "nothing"
    if cloudevents.is_binary(event.headers):
        return "cloudevents"
    fields = read_lenient(auto.everything(registry.IN_ORDER), event.value or b"")
    fitting = (preset.name for preset in registry.IN_ORDER if fields is not None and preset.detect(fields))
    return next(fitting, registry.RAW)


def _envelope(event: Event) -> dict[str, Any]:
    """What Forwarder read of the record."""
    from datetime import UTC, datetime

    seconds = event.time_ns / 1_000_000_000
    return {
        "topic": event.tp.topic,
        "id": event.id,
        "type": event.type,
        "time": datetime.fromtimestamp(seconds, UTC).isoformat() if event.time_ns else "",
        "severity": event.severity,
        "tenant": event.tenant,
        "problem": event.problem.value if event.problem else "",
        "detail": event.detail,
    }


def _as_json(event: Event, found: list[Explanation], preset: str) -> str:
    import msgspec

    document = {"event": {"preset": preset, **_envelope(event)}, "webhooks": [asdict(one) for one in found]}
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()


def _as_text(event: Event, found: list[Explanation], preset: str) -> str:
    from forwarder.model.severity import Severity

    read = _envelope(event)
    read["severity"] = f"{event.severity} ({Severity(event.severity).name.lower()})"
    lines = [f"event (read with preset {preset})"]
    lines += [
        f"  {name:<9} {text or '(none)'}" for name, text in read.items() if text or name not in ("problem", "detail")
    ]
    going = sum(one.matched for one in found)
    lines += ["", f"it goes to {going} of {len(found)} webhooks"]
    for one in found:
        held = any(step.check == _HELD_BACK for step in one.steps)
        lines += ["", f"{one.webhook}: {_verdict(one.matched, held)}", _steps(one.steps)]
    return "\n".join(lines)


def _verdict(matched: bool, held: bool) -> str:
    if not matched:
        return "NO"
    return "yes, but it is disabled: nothing is sent" if held else "YES"


def _steps(steps: tuple[Step, ...]) -> str:
    return columns([("  " + step.check, _MARKS[step.passed], step.why) for step in steps])
