"""Checks of payload formats: that each webhook's is known and has its options, and that users' `providers` can be used."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from forwarder.model.severity import Severity
from forwarder.settings.checks.headers import CONTROL, header_problems
from forwarder.settings.payload import MODELS, CustomPayload, Payload, model_of
from forwarder.settings.phrases import phrase
from forwarder.settings.problems import SILENT, Finding, nearest, shown
from forwarder.settings.process import Settings
from forwarder.settings.providers.leaves import LeafError, leaves, parse, steps
from forwarder.settings.providers.shapes import references
from forwarder.settings.providers.spec import ProviderSpec
from forwarder.settings.resolve import given, provider_problems
from forwarder.settings.tree import Mark, Step, Text
from forwarder.settings.webhook import Webhook


def payloads(settings: Settings) -> Iterator[Finding]:
    """All providers of the configuration, and every webhook's payload."""
    for name, spec in settings.providers.items():
        for path, text in _of_provider(name, spec):
            yield Finding(("providers", name, *path), text)
    for index, hook in enumerate(settings.webhooks):
        for path, text in _of_webhook(hook, settings):
            yield Finding(("payload", *path), text, index)


def _of_provider(name: str, spec: ProviderSpec) -> Iterator[tuple[tuple[Step, ...], str]]:
    found = [*provider_problems(name, spec), *_headers(spec)]
    yield from found
    if not found:
        yield from _defaults(spec)


def _headers(spec: ProviderSpec) -> Iterator[tuple[tuple[Step, ...], str]]:
    """Headers that a provider may not write, or whose fixed values no header can hold."""
    for name, value in spec.headers.items():
        for text in header_problems(name, value, set()):
            yield ("headers", name), text
    if spec.auth is not None:
        for text in header_problems(spec.auth.header, spec.auth.prefix, set()):
            yield ("auth", "header"), text


def _defaults(spec: ProviderSpec) -> Iterator[tuple[tuple[Step, ...], str]]:
    """Defaults that are no value of their option's type."""
    for option, known in spec.options.items():
        if known.default is None or known.required:
            continue
        alone = spec.model_copy(update={"options": {option: known}})
        try:
            model_of("checked", alone).model_validate({"format": "checked"})
        except ValidationError as error:
            for found in _errors(error):
                yield ("options", option, "default"), phrase(found, Payload, _text(known.default))


def _of_webhook(hook: Webhook, settings: Settings) -> Iterator[tuple[tuple[Step, ...], str]]:
    payload = hook.payload
    if not isinstance(payload, CustomPayload):
        yield from _options(payload)
    elif payload.format not in settings.providers:
        known = (*MODELS, *settings.providers)
        yield (
            ("format",),
            f"no payload format is called {payload.format!r}{nearest(payload.format, known)}; known: {', '.join(known)}; "
            "your own go under `providers`",
        )
    elif not any(provider_problems(payload.format, settings.providers[payload.format])):
        model = model_of(payload.format, settings.providers[payload.format])
        extra = payload.model_extra or {}
        try:
            model.model_validate(given(payload))
        except ValidationError as error:
            for found in _errors(error):
                path: tuple[Step, ...] = found["loc"]
                if found["type"] == "missing" or path[0] in extra:  # a wrong default is the provider's, and said there
                    value = extra.get(str(path[0]))
                    yield (
                        _without_tags(path, extra),
                        phrase(found, model, _text(value)) + _value(found, value, ("payload", *path)),
                    )


def _options(payload: Payload) -> Iterator[tuple[tuple[Step, ...], str]]:
    """What a type cannot say: options that hold paths or go into headers, and the severities' names."""
    for value in payload.spec.headers.values():
        option = value.removeprefix("$option.")
        if option != value and CONTROL.search(str(payload.options.get(option) or "")):
            yield (option,), "goes into a header, which cannot hold control characters or line breaks"
    for option in sorted(_paths(payload.spec)):
        try:
            steps(str(payload.options.get(option) or "data"))
        except LeafError as error:
            yield (option,), str(error)
    levels = [level.name.lower() for level in Severity]
    words = payload.options.get("severity")
    for level in words if payload.spec.severity and isinstance(words, dict) else ():
        if level not in levels:
            yield ("severity", level), f"one of {', '.join(levels)} is expected{nearest(level, levels)}"


def _paths(spec: ProviderSpec) -> set[str]:
    found: set[str] = set()
    for _, text in leaves(spec.body):
        try:
            parts = references(parse(text)) if isinstance(text, str) else []
        except LeafError:
            continue
        found |= {str(part.path[0]) for part in parts if part.name == "at"}
        found |= {s.argument.removeprefix("at.") for p in parts for s in p.filters if s.argument.startswith("at.")}
    return found & set(spec.options)


def _errors(error: ValidationError) -> list[ErrorDetails]:
    return error.errors(include_url=False, include_input=False)


def _text(value: object) -> Text:
    text = value if isinstance(value, str) else None
    return Text(Mark(""), text, text or "")


def _value(error: ErrorDetails, value: object, path: tuple[Step, ...]) -> str:
    return "" if error["type"] in SILENT else shown(_text(value), path)


def _without_tags(path: tuple[Step, ...], extra: object) -> tuple[Step, ...]:
    """The path as it is in the file: a union's tags are no keys."""
    kept: list[Step] = []
    for at, step in enumerate(path):
        if isinstance(extra, dict) and step in extra:
            extra = extra[step]
        elif at < len(path) - 1:
            continue
        kept.append(step)
    return tuple(kept)
