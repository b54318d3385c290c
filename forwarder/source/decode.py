"""Records into events: one loop for records without surprises, and one careful way for all others. Loses and raises nothing.

The loop is written out flat and decodes only the envelope (msgspec skips the rest and checks its syntax), since every event
passes here; whatever it does not expect goes to `Reader.interpret`, which knows every case. Measured in bench/decode.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

import msgspec

from forwarder.model.event import EVENT_OVERHEAD_BYTES, TP, Event, Headers
from forwarder.model.times import time_ns
from forwarder.settings.process import Preset as UserPreset
from forwarder.settings.process import Source
from forwarder.source.paths import Scalar
from forwarder.source.reader import Reader
from forwarder.source.screen import Refused, all_plain, is_plain

_NS_PER_MS = 1_000_000
_TOGETHER = 100
"""Records that are screened in one go: enough to share the cost of it, few enough that their copy stays in the processor's cache."""

_NO_PRESETS: Mapping[str, UserPreset] = MappingProxyType({})
_NO_COMPANIES: Mapping[str, str] = MappingProxyType({})


class Record(Protocol):
    """What is read of a consumer's record. `timestamp` is in ms since the epoch, negative where there is none."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]: ...


class _Surprise(Exception):
    """The record is nothing for the short way."""


_SURPRISES = (_Surprise, msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Decoder:
    """Reads the records of one source. Remembers the preset that fitted last, which changes the cost and never the result.

    `companies` (company -> tenant) is kept, not copied: what it says counts from the next record on.

    Raises ConfigurationError for a preset that does not exist and for a path that cannot be read.
    """

    def __init__(
        self,
        source: Source,
        presets: Mapping[str, UserPreset] = _NO_PRESETS,
        companies: Mapping[str, str] = _NO_COMPANIES,
    ) -> None:
        self._reader = Reader(source, presets)
        self._companies = companies

    def decode(self, record: Record) -> Event:
        """One record, whatever it holds; what cannot be read comes back with `problem` set."""
        return self._carefully(TP(record.topic, record.partition), record)

    def decode_all(self, tp: TP, records: Sequence[Record]) -> list[Event]:
        """The records of one partition, in order, one event each."""
        events: list[Event] = []
        for start in range(0, len(records), _TOGETHER):
            self._decode(tp, records[start : start + _TOGETHER], events.append)
        return events

    def _decode(self, tp: TP, records: Sequence[Record], add: Callable[[Event], None]) -> None:
        reader, companies = self._reader, self._companies
        values: list[Any] = [record.value for record in records]
        limit, override, guessed, binary = reader.limit, reader.override, reader.auto, reader.knows_binary
        plain = all_plain(values, limit)
        parse, detect, read, levels = reader.short_way()
        known = levels.known
        for record, value in zip(records, values, strict=True):
            key, stamp = record.key, record.timestamp
            headers: Any = record.headers
            try:
                if not (plain or is_plain(value, limit)) or (headers and _unusual(headers, binary)):
                    raise _Surprise
                fields = parse(value)
                if guessed and not detect(fields):
                    raise _Surprise
            except _SURPRISES:
                add(self._carefully(tp, record))
                parse, detect, read, levels = reader.short_way()
                known = levels.known
                continue
            reading = read(fields, headers)
            if override is not None:
                reading = override(reading, value, headers, key, tp.topic)
            id_, type_, time, word, tenant = reading
            severity = known.get(word)
            size = len(value) + EVENT_OVERHEAD_BYTES
            tenant = "" if tenant is None else tenant if tenant.__class__ is str else str(tenant)
            add(
                Event(
                    tp,
                    record.offset,
                    stamp,
                    key,
                    value,
                    headers,
                    "" if id_ is None else id_ if id_.__class__ is str else str(id_),
                    type_ if type_.__class__ is str else _text(type_),
                    time if time.__class__ is str else time_ns(time) or _stamp_ns(stamp),
                    levels.of(word) if severity is None else severity,
                    companies.get(tenant, tenant) if companies else tenant,
                    size + _beside(key, headers) if key or headers else size,
                )
            )

    def _carefully(self, tp: TP, record: Record) -> Event:
        """Any record. The only other place that makes events."""
        value, key, stamp = record.value, record.key, record.timestamp
        headers: Headers = tuple((name, b"" if content is None else content) for name, content in record.headers)
        size = len(value or b"") + _beside(key, headers) + EVENT_OVERHEAD_BYTES
        place = (tp, record.offset, stamp, key, value, headers)
        try:
            reading, text, levels = self._reader.interpret(value, headers, key, tp.topic)
        except Refused as refused:
            return Event(*place, "", "", _stamp_ns(stamp), 0, "", size, problem=refused.problem, detail=refused.detail)
        id_, type_, time, word, tenant = reading
        when = time if isinstance(time, str) else time_ns(time) or _stamp_ns(stamp)
        owner = self._companies.get(_text(tenant), _text(tenant))
        return Event(*place, _text(id_), _text(type_), when, levels.of(word), owner, size, text)


def _text(value: Scalar) -> str:
    return "" if value is None else str(value)


def _stamp_ns(stamp: int) -> int:
    """The record's own timestamp as a time; 0 (unknown) where the producer gave none (-1)."""
    return stamp * _NS_PER_MS if stamp > 0 else 0


def _beside(key: bytes | None, headers: Headers) -> int:
    """Bytes of the key and of the headers."""
    size = len(key) if key else 0
    for name, content in headers:
        size += len(name) + len(content)
    return size


def _unusual(headers: Sequence[tuple[str, bytes | None]], binary: bool) -> bool:
    """Headers that must be looked at, or put right, before the value is read."""
    if headers.__class__ is not tuple:
        return True
    for name, content in headers:  # noqa: SIM110 (any() costs three times as much, for every record with headers)
        if content is None or (binary and name == "ce_specversion"):
            return True
    return False
