"""What is wrong with a provider's file beyond its fields: trees, names, options, statuses. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from forwarder.model.severity import Severity
from forwarder.settings.problems import nearest
from forwarder.settings.providers.leaves import (
    FILTERS,
    NAMES,
    Constant,
    Filter,
    LeafError,
    Mixed,
    Reference,
    leaves,
    parse,
)
from forwarder.settings.providers.spec import Option, ProviderSpec

Complaint = tuple[tuple[str | int, ...], str]
MOST_LEAVES = 1000
_COUNTS = frozenset({"cut", "bytes", "key"})
_WITH_ARGUMENT = _COUNTS | {"default", "or", "then", "map", "prefix", "suffix"}
_STATUS = re.compile(r"[1-5]xx|[1-5]\d\d|[1-5]\d\d-[1-5]\d\d")


def complaints(spec: ProviderSpec) -> Iterator[Complaint]:
    """What makes a provider unusable, each with its path inside the file (names as files have them)."""
    if spec.batch == "digest":
        yield ("batch",), "a digest needs code; array, lines, concatenated, envelope and one do not"
    if spec.body is None:
        yield (
            ("body",),
            "is missing, and required: the tree of one event's part of the body, such as {id: $id, data: $data}",
        )
    for name, tree in (("body", spec.body), ("around", spec.around)):
        for path, text in tree_complaints(tree, spec, inside_around=name == "around"):
            yield (name, *path), text
    yield from _around(spec)
    yield from _fields(spec)
    yield from _sending(spec)


def tree_complaints(tree: Any, spec: ProviderSpec, *, inside_around: bool = False) -> Iterator[Complaint]:
    """What is wrong in a tree."""
    for number, (path, text) in enumerate(leaves(tree)):
        if number >= MOST_LEAVES:
            yield (), f"more than {MOST_LEAVES} values"
            return
        if not isinstance(text, str):
            continue  # null, or what a file of ours holds: written as it is
        try:
            leaf = parse(text)
        except LeafError as error:
            yield path, str(error)
            continue
        for reference in references(leaf):
            for problem in _of_reference(reference, spec, inside_around):
                yield path, problem
            if inside_around and reference.name == "events" and (text != "$events" or "$text" in path):
                yield path, "`$events` stands alone: it is a list, and neither inside a text nor filtered"


def references(leaf: Constant | Reference | Mixed) -> list[Reference]:
    """The parts of the event in a leaf."""
    if isinstance(leaf, Mixed):
        return [part for part in leaf.parts if isinstance(part, Reference)]
    return [leaf] if isinstance(leaf, Reference) else []


def _of_reference(reference: Reference, spec: ProviderSpec, inside_around: bool) -> Iterator[str]:
    name = reference.name
    if name == "option" or (name == "at" and not inside_around):
        yield from _of_option(reference, spec)
    elif name not in NAMES and name != "at":
        known = ", ".join((*NAMES, "data.PATH", "option.NAME", "at.NAME"))
        yield f"no part of an event is called `{name}`{nearest(name, NAMES) or f'; known: {known}'}"
    elif name == "events" and not inside_around:
        yield "`$events` belongs into `around`"
    elif inside_around and name not in ("events", "count", "cluster"):
        yield f"`{name}` is a part of one event, and `around` stands around all of them: $events, $count, $option.NAME"
    for step in reference.filters:
        yield from _of_filter(step, spec, inside_around)


def _of_option(reference: Reference, spec: ProviderSpec) -> Iterator[str]:
    asked = str(reference.path[0]) if len(reference.path) == 1 else ""
    if not asked:
        yield f"`{reference.name}` is followed by the name of an option, such as $option.index"
    elif asked not in spec.options:
        yield f"no option is called `{asked}`{nearest(asked, spec.options)}; it must be one of `options`"
    elif reference.name == "at" and spec.options[asked].type != "text":
        yield f"the option `{asked}` holds no path: its type is {spec.options[asked].type}"


def _of_filter(step: Filter, spec: ProviderSpec, inside_around: bool) -> Iterator[str]:
    if step.name not in FILTERS:
        yield f"no filter is called `{step.name}`{nearest(step.name, FILTERS) or '; known: ' + ', '.join(FILTERS)}"
    elif step.name in _COUNTS and not (
        step.argument.isascii() and step.argument.isdigit() and int(step.argument[:9]) > 0
    ):
        yield f"`{step.name}` needs a number above zero, such as `{step.name}:100`"
    elif step.name not in _WITH_ARGUMENT and step.argument:
        yield f"`{step.name}` takes no argument"
    elif step.name in ("or", "then"):
        yield from _alternative(step, spec, inside_around)
    elif step.name == "map" and (step.argument not in spec.options or spec.options[step.argument].type != "names"):
        yield f"`map` needs the name of an option of type names, not `{step.argument}`"


def _alternative(step: Filter, spec: ProviderSpec, inside_around: bool) -> Iterator[str]:
    try:
        leaf = parse(f"${step.argument}")
    except LeafError:
        yield f"`{step.name}` needs a part of the event, such as `{step.name}:identity`"
        return
    for reference in references(leaf):
        yield from _of_reference(reference, spec, inside_around)


def _around(spec: ProviderSpec) -> Iterator[Complaint]:
    found = [text for _, text in leaves(spec.around) if text == "$events"] if spec.around is not None else []
    if spec.batch == "envelope" and len(found) != 1:
        yield ("around",), "`batch: envelope` needs the tree around all events, with one value that is `$events`"
    if spec.batch != "envelope" and spec.around is not None:
        yield ("around",), f"has no effect with `batch: {spec.batch}`; write `batch: envelope`"


def _fields(spec: ProviderSpec) -> Iterator[Complaint]:
    if spec.severity and len(spec.severity) != len(Severity):
        words = ", ".join(level.name.lower() for level in Severity)
        yield ("severity",), f"seven words are expected, one for each of {words}"
    for key in spec.status:
        if not _STATUS.fullmatch(key):
            yield ("status", key), "a status is expected: 404, 4xx or 400-499"
    for name in spec.options:
        if name in ("format", "timestampFormat") or not re.fullmatch("[a-z][A-Za-z0-9]{0,62}", name):
            yield (
                ("options", name),
                "an option's name is letters and digits, such as `sourceType`; format and timestampFormat are taken",
            )


def _sending(spec: ProviderSpec) -> Iterator[Complaint]:
    for name, value in spec.headers.items():
        option = value.removeprefix("$option.")
        if option != value and option not in spec.options:
            yield ("headers", name), f"no option is called `{option}`{nearest(option, spec.options)}"
        elif option != value and spec.options[option].type == "secret":
            yield (
                ("headers", name),
                "a secret goes into `auth: {option: ..., header: ...}`, or into the webhook's `httpHeaders`",
            )
    if spec.auth is not None and _type_of(spec.options.get(spec.auth.option)) != "secret":
        yield ("auth", "option"), f"`{spec.auth.option}` must be one of `options`, of type secret"
    if spec.path and not spec.path.startswith("/"):
        yield ("path",), "a path is expected, such as /v1/events"
    if not re.fullmatch(r"[\x20-\x7e]+/[\x20-\x7e]+", spec.content_type):
        yield ("contentType",), "a media type is expected, such as application/json"


def _type_of(option: Option | None) -> str:
    return option.type if option else ""
