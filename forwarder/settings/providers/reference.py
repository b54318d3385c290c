"""docs/providers.md, from the providers' files: `python -m forwarder.settings.providers.reference > docs/providers.md`.

Adds the two things that the files do not hold: what formats with code make of answers, and what receiver the tests use.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

import yaml

from forwarder.settings.payload import MODELS
from forwarder.settings.providers.leaves import FILTERS, NAMES, Filter, LeafError, leaves, parse
from forwarder.settings.providers.shapes import references
from forwarder.settings.providers.spec import Option, ProviderSpec

ANSWERS: Mapping[str, str] = {
    "splunk": "HEC codes, the invalid event's number, acknowledgements",
    "elastic": "each item's result; 409 is success",
    "opensearch": "each item's result; 409 is success",
    "loki": "the words of a 400",
    "otlp": "`partialSuccess`",
    "slack": "`invalid_payload`, `channel_is_archived` and such",
    "teams": "words of the flow",
    "discord": "`retry_after` in the body",
    "cloudevents": "handshake, 410, 415, 429",
}
"""Formats whose code looks into answers, or speaks before or after the POST."""
CUTS: Mapping[str, str] = {
    "splunk": "record, to the cap", "elastic": "none: refused", "opensearch": "none: refused", "loki": "line, to `maxLine`",
    "otlp": "body, to the cap", "slack": "lines and fields", "teams": "lines, to 21 KB", "discord": "lines and fields",
    "googlechat": "lines", "mattermost": "lines", "connectsecure": "lines", "cloudevents": "none", "json": "none", "ndjson": "none",
    "stalwart": "none", "template": "by the template",
}  # fmt: skip
"""What formats with code do about fields and records that are too long."""
REAL = frozenset({"splunk", "opensearch", "elastic", "loki", "otlp", "datadog", "json", "ndjson", "template"})
"""Formats that the tests send to a real receiver where one is there (`scripts/test-providers`)."""
PLAIN = frozenset({"json", "ndjson", "stalwart", "template"})
"""Formats of no vendor: any HTTP server receives them."""
_SAMPLES = {"index": "security-events", "project": "SEC"}
_INTRO = """# Payload formats

Generated from `forwarder/settings/providers/builtin` by `python -m forwarder.settings.providers.reference`; do not edit.

`payload: {format: NAME, ...}` chooses how a webhook's events are written. One conformance suite runs over all formats
(`tests/unit/deliver/providers/test_conformance.py`): same events, same bytes; valid for their media type; order kept; each event known
again by its identity; caps never exceeded; every severity and every status understood; hostile texts stay texts; no secret shown.

| format | body | media type | events | bytes | one event | login | identity | severity | too long | answers | made of | tested with |
|---|---|---|---|---|---|---|---|---|---|---|---|---|"""
_BATCHES = {
    "array": "JSON array", "lines": "JSON lines", "concatenated": "JSON values in a row", "envelope": "one object around all",
    "digest": "one message about all", "one": "one event per request",
}  # fmt: skip


def text() -> str:
    """The whole page."""
    return "\n".join(_page()) + "\n"


def _page() -> Iterator[str]:
    yield _INTRO
    for name in MODELS:
        yield "| " + " | ".join(row(name)) + " |"
    yield _OWN.format(
        own=_OWN_EXAMPLE,
        names="\n".join(f"| `${name}` | {meaning} |" for name, meaning in NAMES.items()),
        filters="\n".join(f"| `{name}` | {meaning} |" for name, meaning in FILTERS.items()),
    )
    for name, model in MODELS.items():
        yield from _section(name, model.spec)


def row(name: str) -> list[str]:
    """The format's row of the conformance table."""
    spec = MODELS[name].spec
    caps = spec.caps
    login = f"`{spec.auth.header}: {spec.auth.prefix}{spec.auth.option}`" if spec.auth else "`httpAuth`"
    answers = ANSWERS.get(name, "status")
    if spec.status:
        answers += ", with " + ", ".join(f"{status} {action}" for status, action in spec.status.items())
    tested = (
        "real receiver and strict double"
        if name in REAL - PLAIN
        else "real receiver"
        if name in REAL
        else "strict double"
    )
    return [
        f"[{name}](#{name})",
        _BATCHES[spec.batch],
        f"`{spec.content_type}`",
        str(caps.max_events or ""),
        _bytes(caps.max_bytes),
        _bytes(caps.event_bytes),
        login,
        f"{spec.identity}" or "none",
        " ".join(dict.fromkeys(spec.severity)) or "none",
        CUTS.get(name) or _cut(spec),
        answers,
        "code" if spec.body is None else "data" if name not in ("jsm", "opsgenie") else "data, and code to close",
        "plain server" if name in PLAIN - REAL else tested,
    ]


def _bytes(size: int | None) -> str:
    if size is None:
        return ""
    units = {"MB": 1000**2, "KB": 1000, "MiB": 1024**2, "KiB": 1024}
    return next((f"{size // unit} {name}" for name, unit in units.items() if size % unit == 0), str(size))


def _cut(spec: ProviderSpec) -> str:
    """What a shape cuts: bounded fields, and the record where a cap is to be kept."""
    bounded = 0
    for _, leaf in leaves(spec.body):
        try:
            found = references(parse(leaf)) if isinstance(leaf, str) else []
        except LeafError:
            continue
        bounded += any(
            step.name in ("cut", "bytes") for part in found for step in part.filters if isinstance(step, Filter)
        )
    said = [f"{bounded} fields"] if bounded else []
    return ", ".join([*said, "record, to the cap"] if spec.caps.event_bytes or spec.caps.max_bytes else said) or "none"


def _section(name: str, spec: ProviderSpec) -> Iterator[str]:
    yield f"\n## {name}\n\n{spec.title}.\n"
    yield "```yaml\n" + example(name).rstrip() + "\n```\n"
    if spec.options:
        yield (
            "\n".join(
                f"- `{option}`{_default(known)}: {known.meaning.rstrip('.')}." for option, known in spec.options.items()
            )
            + "\n"
        )
    yield "Follows:\n"
    yield "\n".join(f"- {document}" for document in spec.documents)


def _default(option: Option) -> str:
    if option.required:
        return " (required)"
    if option.default in (None, "", {}):
        return ""
    if isinstance(option.default, dict):
        return " (" + ", ".join(f"{key}: {value}" for key, value in option.default.items()) + ")"
    return f" ({option.default})"


def example(name: str) -> str:
    """A configuration with one webhook of this format."""
    spec = MODELS[name].spec
    payload: dict[str, Any] = {"format": name} | {
        option: _value(name, option, known)
        for option, known in spec.options.items()
        if known.required or (spec.auth is not None and spec.auth.option == option)
    }
    if name == "template":
        payload["template"] = "slack-violation"
    hook = {"name": name, "url": spec.example, **spec.also, "payload": payload}
    document = {"sources": [{"topic": "security-events"}], "webhooks": [hook]}
    return str(yaml.safe_dump(document, sort_keys=False, width=120))


def _value(name: str, option: str, known: Option) -> Any:
    if known.type == "secret":
        variable = re.sub("[A-Z]", lambda letter: "_" + letter[0], option).upper()
        return {"@type": "EnvironmentVariable", "variableName": f"{name.upper().replace('-', '_')}_{variable}"}
    return _SAMPLES.get(option, option)


_OWN_EXAMPLE = (files("forwarder.settings.providers") / "own.yaml").read_text("utf-8").rstrip()
_OWN = """
## Formats of your own

Under `providers` in the configuration, or one file each in `providersDir`, in the form that the built-in ones have. Fields of a file:
[providers.NAME](configuration.md#providersname).

```yaml
{own}
```

`body` is the tree of one event. A text that starts with `$` is a part of the event and keeps its type; `$(...)` stands in a text;
`$true`, `$false`, `$null` and `$number:3` are JSON's own; `$$` is a plain `$`. What an event does not have is left out with its key; a
key that ends in `?` takes its mapping along. `{{$text: tree}}` is the tree's JSON as a text. Bodies that would be larger than
`caps` are written again with the record's texts cut, and the `marker` where they end. Mistakes are refused at load, with
file, line and column.

| part | what it is |
|---|---|
{names}
| `$data.PATH` | the value inside the record, such as `$data.user["a.b"][0]`; absent where it is missing or null |
| `$option.NAME` | an option of the webhook's `payload` |
| `$at.NAME` | the value inside the record at the path that the option NAME holds |

Filters follow with `|`, such as `$data.user|cut:80|default:nobody`:

| filter | argument, and what it does |
|---|---|
{filters}
"""


if __name__ == "__main__":
    sys.stdout.write(text())
