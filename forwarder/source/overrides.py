"""Envelope fields read by configured paths: `sources[].envelope` and presets of the user's own. Replaces, never falls back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from forwarder.model.event import Headers
from forwarder.source.paths import Parts, Path, Root, Scalar, compile_lookup, header, parse_path
from forwarder.source.presets.base import Reading

FIELDS = ("id", "type", "time", "severity", "tenant")
"""In the order of a `Reading`."""

Override = Callable[[Reading, bytes | None, Headers, bytes | None, str], Reading]
"""`(reading, value, headers, key, topic)` to a reading in which each configured field holds what its path found."""


def compile_overrides(paths: Mapping[str, str | None]) -> Override | None:
    """None where no path is given. Raises ValueError for text that is not a path."""
    places: list[tuple[int, Path]] = []
    for index, field in enumerate(FIELDS):
        text = paths.get(field)
        if text is not None:
            places.append((index, parse_path(text)))
    if not places:
        return None
    inside = [(index, path.parts) for index, path in places if path.root is Root.BODY]
    outside = [(index, path) for index, path in places if path.root is not Root.BODY]
    return _override(inside, outside)


def _override(inside: Sequence[tuple[int, Parts]], outside: Sequence[tuple[int, Path]]) -> Override:
    find = compile_lookup([parts for _, parts in inside]) if inside else None
    slots = [index for index, _ in inside]

    def override(reading: Reading, value: bytes | None, headers: Headers, key: bytes | None, topic: str) -> Reading:
        found: list[Scalar] = list(reading)
        if find is not None:
            values = find(value) if value is not None else (None,) * len(slots)
            for slot, scalar in zip(slots, values, strict=True):
                found[slot] = scalar
        for slot, path in outside:
            found[slot] = _around(path, headers, key, topic)
        return found[0], found[1], found[2], found[3], found[4]

    return override


def _around(path: Path, headers: Headers, key: bytes | None, topic: str) -> Scalar:
    """What a path outside the body holds. A key that is not UTF-8 is a missing value."""
    if path.root is Root.HEADER:
        return header(headers, str(path.parts[0]))
    if path.root is Root.TOPIC:
        return topic
    try:
        return None if key is None else key.decode()
    except UnicodeDecodeError:
        return None
