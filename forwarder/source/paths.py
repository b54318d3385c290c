"""Paths into a record (`a.b["k.with.dots"][0]`, `headers.NAME`, `key`, `topic`) and the scalars found at their ends.

Reads by walking raw JSON, so that one odd field never hides another. Decides nothing about presets and never raises on data.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from operator import attrgetter
from typing import Any

import msgspec
from msgspec import Raw

from forwarder.model.event import Headers

Scalar = str | int | float | None
"""What an envelope field can hold. None is a missing value; JSON null, booleans and objects count as missing."""

Parts = tuple[str | int, ...]

as_object = msgspec.json.Decoder(dict[str, Raw]).decode
as_array = msgspec.json.Decoder(list[Raw]).decode
_scalar_or_list: Callable[[Raw | bytes], Scalar | list[Raw]] = msgspec.json.Decoder(Scalar | list[Raw]).decode

_STEP = re.compile(r"""(\.?)([^.\[\]"'\s]+)|\[(\d{1,9})\]|\[("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\]""")


class Root(Enum):
    """Where a path starts."""

    BODY = "body"
    HEADER = "headers"
    KEY = "key"
    TOPIC = "topic"


@dataclass(frozen=True, slots=True)
class Path:
    """A parsed path. `parts` leads into the body, or is the one name of a header; empty for `key` and `topic`."""

    root: Root
    parts: Parts = ()


def parse_path(text: str) -> Path:
    """Raises ValueError, saying what is accepted. A body field called `key`, `topic` or `headers` is written `["key"]`."""
    parts: list[str | int] = []
    position = 0
    while position < len(text):
        step = _STEP.match(text, position)
        if step is None or (step[2] is not None and bool(step[1]) == (position == 0)):
            break
        parts.append(_part(step))
        position = step.end()
    if not parts or position < len(text):
        raise ValueError(
            f'{text!r} is not a path: write keys with dots between them, a key that holds dots as ["a.b"], '
            "an array element as [0]; or headers.NAME, key, topic"
        )
    return _rooted(text, parts)


def _part(step: re.Match[str]) -> str | int:
    if step[3] is not None:
        return int(step[3])
    if step[4] is not None:
        return re.sub(r"\\(.)", r"\1", step[4][1:-1])
    return step[2]


def _rooted(text: str, parts: list[str | int]) -> Path:
    if text in ("key", "topic"):
        return Path(Root(text))
    if text.startswith(("headers.", "headers[")) and len(parts) > 1:
        return Path(Root.HEADER, (".".join(str(part) for part in parts[1:]),))
    return Path(Root.BODY, tuple(parts))


def scalar(raw: Raw | bytes) -> Scalar:
    """The scalar that `raw` holds; the first one of an array (ECS keeps categories so); None for everything else."""
    try:
        value = _scalar_or_list(raw)
        if isinstance(value, list):
            return next((found for item in value if not _is_array(item) and (found := scalar(item)) is not None), None)
        return value
    except msgspec.DecodeError:
        return None


def _is_array(raw: Raw) -> bool:
    return bytes(raw).lstrip()[:1] == b"["


def lookup(body: Raw | bytes, parts: Sequence[str | int]) -> Scalar:
    """The scalar at `parts`, or None where anything on the way is missing or of another kind."""
    try:
        for part in parts:
            body = _step_into(body, part)
    except (msgspec.DecodeError, UnicodeDecodeError, LookupError, RecursionError):
        return None
    return scalar(body)


def _step_into(body: Raw | bytes, part: str | int) -> Raw:
    if isinstance(part, int):
        return as_array(body)[part]
    try:
        return as_object(body)[part]
    except msgspec.ValidationError:
        if not (part.isascii() and part.isdigit()):
            raise
        return as_array(body)[int(part)]


def compile_lookup(paths: Sequence[Parts]) -> Callable[[bytes], tuple[Scalar, ...]]:
    """One function that finds all `paths` in a body: a single typed decode, and the walk where the types do not fit."""

    def walk(body: bytes) -> tuple[Scalar, ...]:
        return tuple(lookup(body, parts) for parts in paths)

    typed = _typed(paths)
    if typed is None:
        return walk
    decode, get = typed

    def find(body: bytes) -> tuple[Scalar, ...]:
        try:
            return get(decode(body))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return walk(body)

    return find


def _typed(paths: Sequence[Parts]) -> tuple[Callable[[bytes], Any], Callable[[Any], tuple[Scalar, ...]]] | None:
    """A struct shaped like `paths` and its getter; None where indexes, or a path inside another, forbid one."""
    tree: dict[str, Any] = {}
    names = []
    for parts in paths:
        node: dict[str, Any] = tree
        name: list[str] = []
        for depth, part in enumerate(parts):
            leaf = depth == len(parts) - 1
            if isinstance(part, int) or part.isdigit() or (part in node and leaf != (node[part] is None)):
                return None
            name.append(f"f{list(node).index(part) if part in node else len(node)}")
            child: Any = None if leaf else {}
            node = node.setdefault(part, child)
        names.append(".".join(name))
    getter = attrgetter(*names)
    get: Callable[[Any], Any] = getter if len(names) > 1 else lambda found: (getter(found),)
    return msgspec.json.Decoder(_struct(tree)).decode, get


def _struct(tree: dict[str, Any]) -> type[msgspec.Struct]:
    fields: list[tuple[str, Any, Any]] = []
    for index, child in enumerate(tree.values()):
        shape = None if child is None else _struct(child)
        fields.append((f"f{index}", Scalar, None) if shape is None else (f"f{index}", shape, shape()))
    rename = {f"f{index}": key for index, key in enumerate(tree)}
    return msgspec.defstruct("Found", fields, rename=rename, frozen=True, gc=False)


def header(headers: Headers, name: str) -> str | None:
    """The last header called `name` (exactly), as text; None where there is none. Bytes that are not UTF-8 are replaced."""
    for key, value in reversed(headers):
        if key == name:
            return value.decode("utf-8", "replace")
    return None
