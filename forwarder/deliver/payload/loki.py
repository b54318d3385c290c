"""`loki`: streams of few labels, the record as the line, identity and the like as structured metadata. Never re-encodes a record.

Sources: Grafana Loki, "HTTP API: Ingest logs", "Enforce rate limits and push request validation"; the words of the refusals are
those of Loki's own source (pkg/validation/validate.go and pkg/ingester/stream.go).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from forwarder.deliver.payload.body import json_string
from forwarder.deliver.payload.provider import Body, Provider, Reading
from forwarder.deliver.payload.records import created_ns, severity_words, text_of
from forwarder.deliver.payload.shape.cutting import cut, cut_bytes
from forwarder.model.attempt import Response
from forwarder.model.event import Event, identity
from forwarder.model.times import time_ns
from forwarder.model.verdict import Pace, Partial, Retry
from forwarder.settings.payload import Payload

Labels = tuple[tuple[str, str], ...]

_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
_LABEL_VALUE_CHARACTERS = 2048
_MOST_LABELS = 15
_LEAST_LINE = 64
_METADATA_BYTES = 16 * 1024
"""Of each value: all of an entry's may have 64 KB together (max_structured_metadata_size)."""
_ALWAYS: Labels = (("service_name", "forwarder"),)
"""A stream needs a label."""

_IGNORED = re.compile(r"entry with timestamp (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?) \+0000 UTC ignored")
_IGNORED_OF = re.compile(r"total ignored: (\d+) out of (\d+) for stream: \{")
_FOR_STREAM = "for stream: {"
_LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')
_OLDEST = re.compile(r"too far behind, .*?oldest acceptable timestamp is: ([0-9TZ:.+-]+)")
_TOO_OLD = re.compile(r"timestamp too old: \S+, oldest acceptable timestamp is: ([0-9TZ:.+-]+)")
_TOO_NEW = re.compile(r"timestamp too new: ([0-9TZ:.+-]+)")
_TOO_LONG = re.compile(r"[Mm]ax entry size '(\d+)' bytes exceeded")
_NO_METADATA = "includes structured metadata, but this feature is disallowed"


def complaints(payload: Payload) -> Iterator[tuple[str, str]]:
    """Options that cannot be used, and why."""
    labels = payload.options["labels"]
    for name, value in labels.items():
        if not _LABEL_NAME.fullmatch(name):
            yield "labels", f"{name!r} is no label name: letters, digits and _ only, and no digit first"
        if value.startswith("$") and value not in _SOURCES:
            yield "labels", f"{value!r} is not known; known: {', '.join(_SOURCES)}"
    if payload.options["maxLine"] < _LEAST_LINE:
        yield "maxLine", f"{_LEAST_LINE} bytes at least: a line that is cut has to say so"
    if len(labels) > _MOST_LABELS:
        yield "labels", f"Loki takes {_MOST_LABELS} labels at most, and fewer are faster"


class Loki(Provider):
    """`{"streams":[{"stream":{labels},"values":[["ns","line",{metadata}]]}]}`, in order of time within each stream."""

    def __init__(self, payload: Payload, cluster: str) -> None:
        super().__init__(payload, cluster)
        self._labels = [(name, _source(value)) for name, value in sorted(self.options["labels"].items())]
        self._most = int(self.options["maxLine"])
        self.words = severity_words(payload)

    def render(self, events: Sequence[Event]) -> Body:
        """Never raises."""
        streams: dict[Labels, list[Event]] = {}
        for event in events:
            streams.setdefault(self._stream(event), []).append(event)
        rendered = b",".join([self._rendered(labels, members) for labels, members in streams.items()])
        return Body(b'{"streams":[%b]}' % rendered, self.spec.content_type)

    def _stream(self, event: Event) -> Labels:
        """Empty values are none at all to Loki."""
        found = ((name, source(self, event)) for name, source in self._labels)
        return (
            tuple((name, cut(value, _LABEL_VALUE_CHARACTERS, self.spec.marker)) for name, value in found if value)
            or _ALWAYS
        )

    def _rendered(self, labels: Labels, events: list[Event]) -> bytes:
        names = b",".join([b"%b:%b" % (json_string(name), json_string(value)) for name, value in labels])
        values = b",".join(map(self._value, sorted(events, key=created_ns)))
        return b'{"stream":{%b},"values":[%b]}' % (names, values)

    def _value(self, event: Event) -> bytes:
        line = json_string(self._line(event))
        if not self.options["metadata"]:
            return b'["%d",%b]' % (created_ns(event), line)
        return b'["%d",%b,{%b}]' % (created_ns(event), line, b",".join(self._metadata(event)))

    def _metadata(self, event: Event) -> Iterator[bytes]:
        yield b'"event_identity":' + json_string(identity(event, self.cluster))
        for name, value in ((b"event_id", event.id), (b"event_type", event.type), (b"tenant", event.tenant)):
            if value:
                yield b'"%b":%b' % (name, json_string(self._within(_METADATA_BYTES, value)))

    def _line(self, event: Event) -> str:
        """The record, cut with the visible marker where it is above `maxLine` bytes."""
        return self._within(self._most, text_of(event))

    def _within(self, most: int, text: str) -> str:
        return text if len(text) * 4 <= most else cut_bytes(text, most, self.spec.marker)

    def read(self, response: Response, events: Sequence[Event]) -> Reading:
        """A 400 may name what it refuses; the others arrived, but nobody promises that: they go again, and Loki keeps one of two
        entries with the same time and line."""
        if response.status != 400:
            return None
        text = response.body.decode("utf-8", "replace")
        if _NO_METADATA in text:
            return Retry(
                Pace.SLOW,
                "structured metadata is not allowed there: allow_structured_metadata, or payload.metadata: false",
            )
        refused = self._refused(text, events)
        if not refused:
            return None
        again = tuple(index for index in range(len(events)) if index not in refused)
        return Partial(f"status 400: {text[:300]}", again, tuple(sorted(refused)))

    def _refused(self, text: str, events: Sequence[Event]) -> set[int]:
        """Indexes of the events that the answer speaks of."""
        if named := {time_ns(f"{day}T{clock}Z") for day, clock in _IGNORED.findall(text)}:
            since = max((time_ns(oldest) for oldest in _OLDEST.findall(text)), default=0)
            whole = any(ignored == total for ignored, total in _IGNORED_OF.findall(text))
            stream = _named_stream(text)
            return {
                i
                for i, event in enumerate(events)
                if (whole or created_ns(event) in named or created_ns(event) < since)
                and (stream is None or all(stream.get(name) == value for name, value in self._stream(event)))
            }
        if (oldest := _TOO_OLD.search(text)) and (since := time_ns(oldest[1])):
            return {i for i, event in enumerate(events) if created_ns(event) < since}
        if (newest := _TOO_NEW.search(text)) and (until := time_ns(newest[1])):
            return {i for i, event in enumerate(events) if created_ns(event) >= until}
        if most := _TOO_LONG.search(text):
            return {i for i, event in enumerate(events) if len(self._line(event).encode()) > int(most[1])}
        return set()


def _named_stream(text: str) -> Mapping[str, str] | None:
    """The labels of the stream that an answer speaks of; None where it names none."""
    _, found, labels = text.rpartition(_FOR_STREAM)
    return dict(_LABEL.findall(labels)) if found else None


def _source(value: str) -> Callable[[Loki, Event], str]:
    """Where a label's value comes from: `$topic $severity $type $tenant`, or the text itself."""
    return _SOURCES.get(value, lambda _loki, _event: value)


_SOURCES: dict[str, Callable[[Loki, Event], str]] = {
    "$topic": lambda _, event: event.tp.topic,
    "$severity": lambda loki, event: loki.words[event.severity],
    "$type": lambda _, event: event.type,
    "$tenant": lambda _, event: event.tenant,
}
