"""docs/configuration.md, from the models. `python -m forwarder.settings.reference > docs/configuration.md`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from forwarder.model.severity import NAMES
from forwarder.settings import types
from forwarder.settings.auth import AwsSigV4, Basic, Bearer, HeaderAuth, Login, OAuth2, Unauthenticated
from forwarder.settings.dialects import NAMES as DIALECTS
from forwarder.settings.environment import COMMAND_LINE, variables
from forwarder.settings.payload import MODELS, Payload
from forwarder.settings.process import EventSet, Preset, Settings, Source, Tenant
from forwarder.settings.providers.spec import Option, ProviderSpec
from forwarder.settings.secrets import EnvironmentSecret, FileSecret, NoSecret, ValueSecret
from forwarder.settings.templates.model import Template
from forwarder.settings.types import Model
from forwarder.settings.walk import fields, members, models, tag_of
from forwarder.settings.webhook import Webhook

_INTRO = """# Configuration

Generated from the models by `python -m forwarder.settings.reference`; do not edit.

One YAML (or JSON) file, a folder of webhook files (`webhooksDir`), and environment variables over both. `forwarder validate`
reports all mistakes of all files at once. `config/schema.json` is the same as JSON Schema, for editors.

- **Durations** are `250ms 30s 5m 2h 7d`, or a number of seconds. **Sizes** are `64KiB 4MiB 1MB`, or a number of bytes.
- **Levels** are 0..6 (OCSF: unknown, informational, low, medium, high, critical, fatal) or a name: `{levels}`.
- **Secrets** are one of the forms under [Secrets](#secrets). They are never shown; `forwarder config show` prints fingerprints.
- `${{ENV}}` and `${{ENV:-default}}` in a value are replaced after parsing; `$${{` is a plain `${{`. Keys are never replaced.
- Text is taken as it stands: `on`, `yes`, `0123` and `1.10` stay what they are. null means "not set".
- A key may be written once. Anchors, aliases and `<<` work; YAML tags do not.
- File names are relative to the working directory, except `webhooksDir`, which is relative to the configuration file.
- A file in `webhooksDir` (`.yaml .yml .json`, sub-folders too, hidden names not) holds one webhook, a list, `webhooks: [...]`,
  or several YAML documents. A webhook may be written in another product's form: `dialect:` {dialects} ([how](dialects.md)).
- Command line: {command_line}. Any other `FORWARDER_*` variable that is not in these tables gives a warning.
"""
_KINDS: dict[Callable[..., Any], str] = {
    types.parse_duration: "duration",
    types.parse_forever: "duration or `never`",
    types.parse_size: "size",
    types.parse_level: "level",
    types.check_start: "`now`, `earliest` or a time",
}
_WORDS: dict[Any, str] = {str: "text", int: "whole number", float: "number", bool: "true or false", SecretStr: "text"}
_UNIONS = (
    ("Secrets", (NoSecret, ValueSecret, EnvironmentSecret, FileSecret)),
    ("httpAuth", (Unauthenticated, Basic, Bearer, HeaderAuth, Login, OAuth2, AwsSigV4)),
)

_NAMED: tuple[tuple[str, type[Model]], ...] = (
    ("tenants.NAME", Tenant),
    ("eventSets.NAME", EventSet),
    ("presets.NAME", Preset),
    ("templates.NAME", Template),
    ("providers.NAME", ProviderSpec),
    ("providers.NAME.options.NAME", Option),
)
"""Mappings of names to models, which the tables show as one row."""


def text() -> str:
    """The whole page."""
    return "\n".join(_page()) + "\n"


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _page() -> Iterator[str]:
    yield _INTRO.format(levels=" ".join(NAMES), command_line=_listed(COMMAND_LINE), dialects=_listed(DIALECTS))
    env = {variable.path: variable.name for variable in variables()}
    yield from _section("Process", Settings, env)
    yield from _section("sources[]", Source)
    for title, model in _NAMED:
        yield from _section(title, model)
    yield from _section("Webhook", Webhook)
    yield from _formats()
    for title, forms in _UNIONS:
        yield f"## {title}\n"
        for form in forms:
            yield from _form(form)


def _section(title: str, model: type[Model], env: dict[tuple[str, ...], str] | None = None) -> Iterator[str]:
    yield f"## {title}\n\n`{model.__name__}`: {_doc(model)}\n"
    last = " environment |" if env else ""
    yield f"| path | type | default | meaning |{last}\n|---|---|---|---|{'---|' if env else ''}"
    for path, info in _rows(model, ()):
        variable = f" {'`' + env[path] + '`' if path in env else ''} |" if env else ""
        yield f"| `{'.'.join(path)}` | {_type(info)} | {_default(info)} | {_meaning(info)} |{variable}"
    yield ""


def _formats() -> Iterator[str]:
    """The payload formats with their options."""
    yield "## payload\n\n`format` is one of those below or one of `providers`; every one knows `timestampFormat` too:\n"
    yield from (f"- `{name}` ({_type(info)}): {_meaning(info)}" for name, info in fields(Payload).items())
    yield "\nWhat each format sends, its caps and what answers mean: [providers.md](providers.md).\n"
    for name, model in MODELS.items():
        yield f"`format: {name}`: {_doc(model)}\n"
        for option, info in fields(model).items():
            if option not in fields(Payload):
                value = _default(info)
                said = " (required)" if value == "**required**" else f" ({value})" if value else ""
                yield f"- `{option}` ({_type(info)}){said}: {_meaning(info)}"
        yield ""


def _form(form: type[Model]) -> Iterator[str]:
    yield f'`"@type": {tag_of(form)}`: {_doc(form)}\n'
    for name, info in fields(form).items():
        if name != "@type":
            yield f"- `{name}` ({_type(info)}): {_meaning(info)}"
    yield ""


def _rows(model: type[Model], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], FieldInfo]]:
    """Every leaf; lists, mappings and unions count as leaves, for they have a section of their own."""
    for name, info in fields(model).items():
        inside = models(info.annotation)
        if len(inside) == 1 and not any(get_origin(kind) in (tuple, dict) for kind in members(info.annotation)):
            yield from _rows(inside[0], (*path, name))
        elif (
            inside
            and (nested := [m for m in inside if tag_of(m) is None and not issubclass(m, Payload)])
            and nested[0] not in (Source, Webhook)
        ):
            yield (*path, name), info
            yield from _rows(nested[0], (*path, f"{name}[]"))
        else:
            yield (*path, name), info


def _untagged(inside: list[type[Model]]) -> list[type[Model]]:
    """The models that have no section of their own."""
    return [model for model in inside if tag_of(model) is None and not issubclass(model, Payload)]


def _meaning(info: FieldInfo) -> str:
    """On one line: a line break would end the table."""
    return " ".join((info.description or "").split())


def _doc(model: type[Model]) -> str:
    return " ".join((model.__doc__ or "").split())


def _type(info: FieldInfo) -> str:
    for item in info.metadata:
        if kind := _kind(item):
            return kind
    return _describe(info.annotation)


def _kind(metadata: Any) -> str | None:
    return _KINDS.get(getattr(metadata, "func", None))  # type: ignore[arg-type]


def _describe(annotation: Any) -> str:
    """A type in words."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return next(filter(None, map(_kind, arguments[1:])), None) or _describe(arguments[0])
    if origin is Literal:
        return ", ".join(f"`{choice}`" for choice in arguments)
    if origin is tuple:
        return f"list of {_describe(arguments[0])}"
    if origin is dict:
        return f"names to {_describe(arguments[1])}"
    parts = [part for part in arguments if part is not type(None)]
    tags = [tag_of(part) for part in members(annotation) if isinstance(part, type) and issubclass(part, Model)]
    if "EnvironmentVariable" in tags:
        return "text or secret" if str in members(annotation) else "secret"
    if "Unauthenticated" in tags:
        return "see [httpAuth](#httpauth)"
    if any(isinstance(part, type) and issubclass(part, Payload) for part in members(annotation)):
        return "see [payload](#payload)"
    if parts:
        return _describe(parts[0])
    return _WORDS.get(annotation) or f"`{annotation.__name__}`"


def _default(info: FieldInfo) -> str:
    value = info.default
    if value is PydanticUndefined:
        return "**required**"
    if value is None or value in ((), {}, ""):
        return ""
    if isinstance(value, Model):
        return f"`{tag_of(type(value))}`" if tag_of(type(value)) else ""
    if isinstance(value, tuple):
        return ", ".join(f"`{item}`" for item in value)
    return f"`{_amount(value, _type(info))}`"


def _amount(value: Any, kind: str) -> str:
    """Durations and sizes in their largest whole unit."""
    if isinstance(value, bool | str):
        return str(value).lower() if isinstance(value, bool) else value
    units: dict[str, float] = {}
    if kind.startswith("duration"):
        units = {"d": 86400, "h": 3600, "m": 60, "s": 1, "ms": 0.001}
    elif kind == "size":
        units = {"GiB": 1024**3, "MiB": 1024**2, "KiB": 1024, "B": 1}
    return next((f"{value / size:g}{unit}" for unit, size in units.items() if value and value % size == 0), str(value))


if __name__ == "__main__":
    sys.stdout.write(text())
