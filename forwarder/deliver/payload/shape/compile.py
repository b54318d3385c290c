"""From a tree to one function that writes an event as JSON: constant bytes are joined once, at the start. Reads no settings file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from forwarder.deliver.payload.body import json_string
from forwarder.deliver.payload.shape.cutting import fitted
from forwarder.deliver.payload.shape.filters import step_of
from forwarder.deliver.payload.shape.names import Getter, at_option, getters, inside
from forwarder.deliver.payload.shape.scene import Scene, Value, text_of
from forwarder.deliver.payload.timestamps import TimestampFormat
from forwarder.settings.providers.leaves import Constant, Mixed, Reference, parse
from forwarder.settings.secrets import NoSecret

Writer = Callable[[Scene], bytes | None]
"""Writes a part of the tree; None where the event has nothing to put there."""

_UNBOUNDED = frozenset({"data", "text", "at", "key", "type", "tenant", "id"})
_BOUNDED = frozenset({"cut", "bytes", "key", "number", "map"})


@dataclass(slots=True)
class Compiler:
    """What trees are compiled with: the webhook's options, the provider's words."""

    style: TimestampFormat
    words: tuple[str, ...]
    marker: str
    options: Mapping[str, Any]
    secret: Callable[[str], str] = field(repr=False)
    _names: Mapping[str, Getter] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._names = getters(self.style, self.words)

    def compile(self, tree: Any) -> Writer | bytes | None:
        """A function, or the bytes where no event changes anything, or None where there is never anything. Raises LeafError."""
        if isinstance(tree, dict):
            return self._mapping(tree)
        if isinstance(tree, list | tuple):
            return self._list(tree)
        return self._leaf(tree) if isinstance(tree, str) else msgspec.json.encode(tree)

    def _mapping(self, tree: Mapping[str, Any]) -> Writer | bytes | None:
        if set(tree) == {"$text"}:
            return _as_text(self.compile(tree["$text"]))
        needed = frozenset(json_string(key[:-1]) + b":" for key in tree if key.endswith("?"))
        items = [(json_string(key.removesuffix("?")) + b":", self.compile(item)) for key, item in tree.items()]
        kept = [(key, item) for key, item in items if item is not None]
        return _joined(kept, b"{", b"}", needed) if needed <= {key for key, _ in kept} else None

    def _list(self, tree: Any) -> Writer | bytes | None:
        return _joined([(b"", item) for item in map(self.compile, tree) if item is not None], b"[", b"]")

    def _leaf(self, text: str) -> Writer | bytes | None:
        leaf = parse(text)
        if isinstance(leaf, Constant):
            return json_string(leaf.value) if isinstance(leaf.value, str) else leaf.value
        if isinstance(leaf, Mixed):
            return self._text(leaf)
        if leaf.name == "option" and not leaf.filters and not isinstance(self._option(leaf), _Late):
            return _json(self._option(leaf))
        return self._written(self.value(leaf), elastic=_is_elastic(leaf))

    def _text(self, leaf: Mixed) -> Writer:
        parts = [part if isinstance(part, str) else self.value(part) for part in leaf.parts if part != ""]

        def whole(scene: Scene) -> str:
            return "".join([part if isinstance(part, str) else text_of(part(scene) or "") for part in parts])

        return self._written(whole, elastic=any(isinstance(p, Reference) and _is_elastic(p) for p in leaf.parts))

    def _written(self, get: Getter, *, elastic: bool) -> Writer:
        marker = self.marker

        def write(scene: Scene) -> bytes | None:
            value = get(scene)
            if value is None:
                return None
            whole = json_string(value) if isinstance(value, str) else value
            if scene.room is None or not elastic or len(whole) <= scene.room:
                return whole
            scene.cuts += 1
            return fitted(text_of(value), scene.room, marker)

        return write

    def value(self, reference: Reference) -> Getter:
        """The value of a reference, with its filters applied."""
        get = self._source(reference)
        steps = [step_of(step, self.marker, self.options, self._other) for step in reference.filters]
        if not steps:
            return get

        def filtered(scene: Scene) -> Value | None:
            value = get(scene)
            for step in steps:
                value = step(value, scene)
            return value

        return filtered

    def _other(self, word: str) -> Getter:
        leaf = parse(f"${word}")
        return self.value(leaf) if isinstance(leaf, Reference) else (lambda scene: None)

    def _source(self, reference: Reference) -> Getter:
        if reference.name == "option":
            held = self._option(reference)
            if isinstance(held, _Late):
                return lambda scene: held.read()
            fixed = held if isinstance(held, str) and held else None if held == "" else _json(held)
            return lambda scene: fixed
        if reference.name == "at":
            return at_option(str(self.options.get(str(reference.path[0])) or ""))
        if reference.name == "data" and reference.path:
            return inside(reference)
        return self._names[reference.name]

    def _option(self, reference: Reference) -> Any:
        """The option's value; a secret is read at each use."""
        name = str(reference.path[0])
        held = self.options.get(name)
        if isinstance(held, NoSecret) or not hasattr(held, "read"):
            return None if isinstance(held, NoSecret) else held
        return _Late(lambda: self.secret(name))


@dataclass(frozen=True, slots=True)
class _Late:
    """A secret: not known before it is used."""

    read: Callable[[], str] = field(repr=False)


def _json(value: Any) -> bytes | None:
    """An option's value as JSON; whole numbers without a fraction. None where there is none."""
    if value is None or value == "":
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json_string(value) if isinstance(value, str) else msgspec.json.encode(value)


def _is_elastic(reference: Reference) -> bool:
    """Whether the part has no bound but what the producer wrote."""
    elastic = reference.name in _UNBOUNDED
    for step in reference.filters:
        if step.name in _BOUNDED:
            elastic = False
        elif step.name in ("or", "then"):
            other = parse(f"${step.argument}")
            elastic = elastic or (isinstance(other, Reference) and other.name in _UNBOUNDED)
    return elastic


def _joined(
    items: list[tuple[bytes, Writer | bytes]], start: bytes, end: bytes, needed: frozenset[bytes] = frozenset()
) -> Writer | bytes:
    """A mapping or a list; what is absent in an event is left out with its key, or leaves all out where its key is `needed`."""
    if all(isinstance(item, bytes) for _, item in items):
        return start + b",".join([key + item for key, item in items if isinstance(item, bytes)]) + end

    def write(scene: Scene) -> bytes | None:
        found: list[bytes] = []
        for key, item in items:
            value = item if item.__class__ is bytes else item(scene)  # type: ignore[operator]
            if value is not None:
                found.append(key + value)
            elif key in needed:
                return None
        return start + b",".join(found) + end

    return write


def _as_text(inner: Writer | bytes | None) -> Writer | bytes | None:
    """The inner JSON as a JSON string. Its values get half the room: nothing more than doubles when it is escaped again."""
    if inner is None or isinstance(inner, bytes):
        return None if inner is None else json_string(inner.decode())

    def write(scene: Scene) -> bytes | None:
        room = scene.room
        scene.room = None if room is None else room // 2
        value = inner(scene)
        scene.room = room
        return None if value is None else json_string(value.decode("utf-8", "replace"))

    return write
