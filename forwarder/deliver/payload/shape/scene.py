"""One event as a shape sees it, and what can be found inside its record. Parses the record only when somebody asks."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from forwarder.deliver.payload.body import json_value
from forwarder.model.event import Event, event_id, identity

Value = str | bytes
"""A text, or bytes that are JSON already."""

_object = msgspec.json.Decoder(dict[str, Raw]).decode
_array = msgspec.json.Decoder(list[Raw]).decode
_string = msgspec.json.Decoder(str).decode
_ODD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError, LookupError)


class Scene:
    """One event of a body. `room` bounds the JSON bytes of each value that has no bound of its own; None: there is room. `cuts`
    counts the values that were cut for it."""

    __slots__ = ("_root", "cluster", "count", "cuts", "event", "room")

    def __init__(self, event: Event, cluster: str, count: int) -> None:
        self.event = event
        self.cluster = cluster
        self.count = count
        self.room: int | None = None
        self.cuts = 0
        self._root: dict[str, Raw] | None = None

    @property
    def id(self) -> str:
        """The producer's id, else the identity."""
        return event_id(self.event, self.cluster)

    @property
    def identity(self) -> str:
        """Unique for ever."""
        return identity(self.event, self.cluster)

    @property
    def time_ns(self) -> int:
        """The event's time, else that of its record (nanoseconds since the epoch); 0 where neither is known."""
        return self.event.time_ns or max(self.event.timestamp_ms, 0) * 1_000_000

    @property
    def data(self) -> bytes:
        """The record as one JSON value."""
        return json_value(self.event)

    @property
    def text(self) -> str:
        """The record as text; `null` where there is none."""
        value = self.event.value
        return "null" if value is None else value.decode("utf-8", "replace")

    def at(self, path: tuple[str | int, ...]) -> bytes | None:
        """The JSON value inside the record at a path; None where it has none, and where it is null."""
        found: bytes | Raw = b"null"
        try:
            for depth, step in enumerate(path):
                if isinstance(step, int):
                    found = _array(found if depth else self.data)[step]
                else:
                    found = (_object(found) if depth else self._fields())[step]
        except _ODD:
            return None
        value = bytes(found).strip()
        return None if value == b"null" else value

    def _fields(self) -> dict[str, Raw]:
        if self._root is None:
            try:
                self._root = _object(self.data)
            except _ODD:
                self._root = {}
        return self._root


def text_of(value: Value) -> str:
    """A JSON string's text, any other value's JSON as text."""
    if isinstance(value, str):
        return value
    if value[:1] == b'"':
        try:
            return _string(value)
        except _ODD:
            pass
    return value.decode("utf-8", "replace")
