"""The values that templates work on: what JSON has, and what is missing. How each is written. Knows no syntax."""

from __future__ import annotations

from typing import Any, Final

import msgspec


class Missing:
    """What is not there. False in a test; an error wherever it would be written or worked with."""

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()


class Json(str):
    """Text that is one JSON value already, made by our own encoder: outside of strings it is written as it is."""

    __slots__ = ()


class Namespace(dict[str, Any]):
    """A mapping that a template may change: Jinja's `namespace()`."""


class Whole:
    """A value with fields that are worked out when they are asked for."""

    __slots__ = ()

    def field(self, name: str) -> Any:
        """MISSING where there is no such field."""
        raise NotImplementedError

    def whole(self) -> dict[str, Any]:
        """All fields."""
        raise NotImplementedError


def _hook(value: Any) -> Any:
    if isinstance(value, Whole):
        return value.whole()
    if isinstance(value, range):
        return list(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Namespace):
        return dict(value)
    raise TypeError(f"a {type(value).__name__} is no JSON value")


_encode = msgspec.json.Encoder(enc_hook=_hook).encode


def encoded(value: Any) -> bytes:
    """A value as JSON. A lone surrogate, which UTF-8 cannot carry, becomes `?`. Raises TypeError, RecursionError."""
    try:
        return _encode(value)
    except UnicodeEncodeError:
        return _encode(_without_surrogates(value))


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_surrogates(item) for item in value]
    return value


def text_of(value: Any) -> str:
    """A text itself, of everything else its JSON: `true`, `null`, `3`, `["a"]`. Raises TypeError, RecursionError."""
    if value.__class__ is str:
        return value
    return str(value) if isinstance(value, str) else encoded(value).decode()


def quoted(value: Any) -> bytes:
    """A value as text inside a JSON string. Raises TypeError, RecursionError."""
    text = value if value.__class__ is str else text_of(value)
    try:
        return _encode(text)[1:-1]
    except UnicodeEncodeError:
        return encoded(_without_surrogates(text))[1:-1]


def part(value: Any, key: Any) -> Any:
    """`value[key]`, MISSING where there is no such part. Never looks at anything but keys, positions and fields."""
    kind = value.__class__
    if kind is dict or kind is Namespace:
        return value.get(key, MISSING) if key.__class__ in _KEYS else MISSING
    if isinstance(value, Whole):
        return value.field(key) if isinstance(key, str) else MISSING
    if isinstance(value, list | tuple | str | range) and isinstance(key, int) and not isinstance(key, bool):
        return value[key] if -len(value) <= key < len(value) else MISSING
    return MISSING


_KEYS = frozenset({str, Json, int, float, bool, type(None)})


FLAT = frozenset({int, float, bool, type(None), Missing})
"""What holds nothing else."""


def weight(value: Any, most: int) -> int:
    """Steps for going through all of a value: one for 4 of the values in it, or for 64 characters. Not counted on beyond `most`.

    What a template puts together may hold one value many times over, so that a few steps make more than any memory holds.
    """
    found, todo = 0, [value]
    while todo and found >> 2 <= most:
        one = todo.pop()
        if isinstance(one, Whole):
            one = one.whole()
        if isinstance(one, str):
            found += len(one) >> 4
            continue
        found += 4 + len(one)
        if found >> 2 <= most and not isinstance(one, range):
            todo += [item for item in one if item.__class__ not in FLAT]
            todo += [item for item in one.values() if item.__class__ not in FLAT] if isinstance(one, dict) else ()
    return found >> 2
