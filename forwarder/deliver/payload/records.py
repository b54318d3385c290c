"""How a record looks to receivers of logs, which want a text or an object and a time. Never re-encodes a record that is passed on as
a value."""

from __future__ import annotations

from forwarder.deliver.payload.body import json_string, json_value, on_one_line
from forwarder.model.event import Event
from forwarder.model.severity import Severity
from forwarder.settings.payload import Payload

_WHITE = b" \t\r\n"
_BLANKS = b' "\\\t\r\nrnt'
"""Of these bytes alone a JSON string that says nothing is written (and a few that say little)."""


def created_ns(event: Event) -> int:
    """The event's time, else that of its Kafka record, in nanoseconds since the Unix epoch; 0 where nobody gave one."""
    return event.time_ns or max(event.timestamp_ms, 0) * 1_000_000


def text_of(event: Event) -> str:
    """The record as it came, as text: its JSON source, or the text itself where it is no JSON; `null` without a value."""
    return "null" if event.value is None else event.value.decode("utf-8", "replace")


def is_object(event: Event) -> bool:
    """Whether the record is a JSON object."""
    return event.value is not None and not event.text and event.value.lstrip(_WHITE)[:1] == b"{"


def message_of(event: Event) -> bytes:
    """A record that is no object, as a JSON string or null: a string as it is, other values by their JSON source."""
    if event.value is None:
        return b"null"
    if event.text or event.value.lstrip(_WHITE)[:1] == b'"':
        return json_value(event).strip(_WHITE)
    return json_string(event.value.decode("utf-8", "replace").strip())


def as_object(event: Event) -> bytes:
    """The record on one line as a JSON object: itself where it is one, else under `message`."""
    return on_one_line(json_value(event)) if is_object(event) else b'{"message":%b}' % message_of(event)


def says_something(value: bytes) -> bool:
    """Whether a JSON string holds more than white space. Exact but for a few words such as `trn`, which count as nothing."""
    return bool(value.strip(_BLANKS))


def severity_words(payload: Payload) -> tuple[str, ...]:
    """The receiver's word for each level: those of its file, and over them those of the option `severity`; none where it has none."""
    own, words = payload.options.get("severity"), payload.spec.severity
    return tuple((own or {}).get(level.name.lower(), words[level]) for level in Severity) if words else ()
