"""The grammar of the texts in a provider's `body`: which parts of an event they stand for. Looks at no event and renders nothing.

`$name|filter:argument` is a whole value and keeps its type; `$(name|filter)` stands inside a text; `$true`, `$false`, `$null` and
`$number:3` are JSON's own; `$$` is a plain `$`. A key that ends in `?` takes its mapping along when its value is absent; a mapping
`{$text: tree}` is the tree's JSON as a text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_PATH = r"""(?:\.[^.\[\]"'\s|()$]+|\[\d{1,9}\]|\["(?:[^"\\]|\\.)*"\])*"""
_NAME = rf"(?P<name>[A-Za-z]+)(?P<path>{_PATH})"
_WHOLE = re.compile(rf"\${_NAME}(?P<filters>(?:\|[A-Za-z]+(?::[^|]*)?)*)")
_INSIDE = re.compile(rf"\$\({_NAME}(?P<filters>(?:\|[A-Za-z]+(?::[^|)]*)?)*)\)")
_STEP = re.compile(r"""\.([^.\[\]"'\s|()$]+)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]""")
_FILTER = re.compile(r"\|([A-Za-z]+)(?::([^|]*))?")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,30})(?:\.\d{1,30})?")
_FIXED = {"$true": b"true", "$false": b"false", "$null": b"null"}

NAMES: dict[str, str] = {
    "id": "the producer's id, else the identity",
    "identity": "`cluster/topic/partition/offset`: unique for ever, the same on every retry",
    "type": "the event's type; absent where it has none",
    "time": "its time in the webhook's `timestampFormat`",
    "time.s": "its time in whole seconds since 1970",
    "time.ms": "in milliseconds",
    "time.us": "in microseconds",
    "time.ns": "in nanoseconds",
    "time.rfc3339": "as RFC 3339 text, UTC",
    "time.plain": "as `2026-01-31 12:00:00`, UTC",
    "severity": "the receiver's word for its severity (`severity` of the provider), else its name",
    "severityName": "its severity's name: unknown, informational, low, medium, high, critical, fatal",
    "severityNumber": "its severity 0..6 (OCSF)",
    "tenant": "its tenant; absent where it has none",
    "topic": "its Kafka topic",
    "partition": "its Kafka partition",
    "offset": "its Kafka offset",
    "key": "its record's key as text; absent where it has none",
    "cluster": "`kafka.cluster`",
    "data": "the producer's own bytes as a JSON value",
    "text": "the producer's own bytes as text",
    "summary": "a short line for people: type, severity, tenant, and the first telling text of the record",
    "count": "how many events the body holds",
    "events": "in `around` only: all events of the batch",
}
"""What may be named, beside `data.PATH` (a value inside the record), `option.NAME` (an option of `payload`) and `at.NAME` (the value
inside the record at the path that the option NAME holds)."""

ROOTED = ("data", "option", "at")
"""Names that go on with a path or an option's name."""

FILTERS: dict[str, str] = {
    "cut": "count: the text in at most so many characters, the marker included",
    "bytes": "count: in at most so many bytes of UTF-8, the marker included; a larger JSON value becomes its text, cut",
    "key": "count: a text that is longer becomes its SHA-256, so that it stays unique",
    "default": "text: this text where the value is absent or blank",
    "or": "reference: another part of the event where the value is absent or blank",
    "then": "reference: another part of the event where the value is there; absent where it is not, or blank",
    "map": "option: the word that this `names` option has for the value (case does not matter); absent where it has none",
    "prefix": "text: put before the value, where there is one",
    "suffix": "text: put after the value, where there is one",
    "text": "its JSON as text",
    "upper": "in upper case",
    "lower": "in lower case",
    "word": "letters, digits and `_-./:` only; anything else becomes `_`",
    "number": "as a JSON number; absent where it is none",
}
"""What may be done with a value, and what its argument is (before the colon)."""


class LeafError(ValueError):
    """A text that means nothing. Its words are for people."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal: JSON bytes where it is JSON's own, text otherwise."""

    value: str | bytes


@dataclass(frozen=True, slots=True)
class Filter:
    """One step of what is done with a value."""

    name: str
    argument: str = ""

    @property
    def count(self) -> int:
        """The argument as a number."""
        return int(self.argument)


@dataclass(frozen=True, slots=True)
class Reference:
    """A part of the event. `path` leads into the record, or is the one name of an option."""

    name: str
    path: tuple[str | int, ...] = ()
    filters: tuple[Filter, ...] = ()


@dataclass(frozen=True, slots=True)
class Mixed:
    """Text with parts of the event inside."""

    parts: tuple[str | Reference, ...]


Leaf = Constant | Reference | Mixed


def parse(text: str) -> Leaf:
    """Raises LeafError, saying what is accepted."""
    if text in _FIXED:
        return Constant(_FIXED[text])
    if text.startswith("$number:"):
        if not _NUMBER.fullmatch(text[8:]):
            raise LeafError("$number: must be followed by a number, such as $number:3")
        return Constant(text[8:].encode())
    if re.match(r"\$[A-Za-z]", text):
        whole = _WHOLE.fullmatch(text)
        if whole is None:
            raise LeafError(
                "a value that starts with $ is one part of the event, such as $id or $data.user|cut:80; inside a text write "
                "$(id), and $$ for a plain $"
            )
        return _reference(whole)
    parts = tuple(_parts(text))
    if any(isinstance(part, Reference) for part in parts):
        return Mixed(parts)
    return Constant("".join(str(part) for part in parts))


def _parts(text: str) -> Iterator[str | Reference]:
    at = 0
    while (sign := text.find("$", at)) >= 0:
        yield text[at:sign]
        if text.startswith("$(", sign):
            inside = _INSIDE.match(text, sign)
            if inside is None:
                raise LeafError(
                    "$( must be followed by a part of the event and ), such as $(id) or $(data.user|cut:80)"
                )
            yield _reference(inside)
            at = inside.end()
        else:
            yield "$"
            at = sign + (2 if text.startswith("$$", sign) else 1)
    yield text[at:]


def _reference(match: re.Match[str]) -> Reference:
    name, path = match["name"], tuple(_steps(match["path"]))
    if name not in ROOTED:
        name, path = name + match["path"], ()
    return Reference(name, path, tuple(Filter(word, argument) for word, argument in _FILTER.findall(match["filters"])))


def _steps(path: str) -> Iterator[str | int]:
    for key, index, quoted in _STEP.findall(path):
        yield int(index) if index else key or re.sub(r"\\(.)", r"\1", quoted)


def steps(path: str) -> tuple[str | int, ...]:
    """The steps of a path as people write it in an option: `data.alert.id`, `alert.id` or `["a.b"].c`. Raises LeafError."""
    text = path if path.startswith("[") else f".{path}"
    if not path or not re.fullmatch(_PATH, text):
        raise LeafError(f'{path!r} is not a path: write keys with dots between them, a key with dots as ["a.b"]')
    found = tuple(_steps(text))
    return found[1:] if found[0] == "data" and len(found) > 1 else found


def leaves(tree: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every text of a tree with its path; what is no text, mapping or list comes as it is."""
    if isinstance(tree, dict):
        for key, item in tree.items():
            yield from leaves(item, (*path, key))
    elif isinstance(tree, list | tuple):
        for index, item in enumerate(tree):
            yield from leaves(item, (*path, index))
    else:
        yield path, tree
