"""One event as a template sees it: the envelope, `data`, and Sift's names. Reads events; judges none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from forwarder.deliver.payload.timestamps import TimestampFormat, rfc3339, timestamp
from forwarder.deliver.template import sift
from forwarder.deliver.template.values import MISSING, Whole
from forwarder.model.event import Event, event_id
from forwarder.model.severity import Severity

_decode = msgspec.json.Decoder().decode
UNREAD: Any = object()
"""What was not worked out yet."""


class Undecodable(Exception):
    """An event's value cannot be read as `data`."""

    def __init__(self, event: int) -> None:
        super().__init__("the event's value is not JSON that can be read as data")
        self.event = event


class Subject(Whole):
    """One event. `index` is its place in the batch, `webhook` what `WebhookId` gives, `style` how its time is written (None: RFC
    3339)."""

    __slots__ = ("_data", "cluster", "event", "found", "index", "style", "webhook")

    def __init__(
        self, event: Event, index: int, cluster: str, webhook: str = "", style: TimestampFormat | None = None
    ) -> None:
        self.event = event
        self.index = index
        self.cluster = cluster
        self.webhook = webhook
        self.style = style
        self._data: Any = UNREAD
        self.found: dict[str, Any] = {}

    def data(self) -> Any:
        """The record's value; a text where it is no JSON, None where there is none. Raises Undecodable."""
        if self._data is UNREAD:
            self._data = self._read()
        return self._data

    def _read(self) -> Any:
        event = self.event
        if event.value is None:
            return None
        if event.text:
            return event.value.decode("utf-8", "replace")
        try:
            return _decode(event.value)
        except (msgspec.MsgspecError, RecursionError):
            raise Undecodable(self.index) from None

    def field(self, name: str) -> Any:
        """A field of the envelope, `data`, or one of Sift's names."""
        found = self.found
        if name not in found:
            get = FIELDS.get(name)
            found[name] = MISSING if get is None else get(self)
        return found[name]

    def whole(self) -> dict[str, Any]:
        """The envelope and `data`."""
        found = {name: get(self) for name, get in ENVELOPE.items()} | {"data": self.data()}
        return {name: value for name, value in found.items() if value is not MISSING}


def _time(subject: Subject) -> Any:
    ns = subject.event.time_ns
    if not ns:
        return MISSING
    if subject.style is None:
        return rfc3339(ns)
    return _decode(timestamp(ns, subject.style))


def severity_name(severity: int) -> str:
    """The level in words."""
    return Severity(severity).name.lower()


ENVELOPE: Mapping[str, Callable[[Subject], Any]] = {
    "id": lambda subject: event_id(subject.event, subject.cluster),
    "type": lambda subject: subject.event.type,
    "time": _time,
    "severity": lambda subject: subject.event.severity,
    "severityName": lambda subject: severity_name(subject.event.severity),
    "tenant": lambda subject: subject.event.tenant,
    "topic": lambda subject: subject.event.tp.topic,
    "partition": lambda subject: subject.event.tp.partition,
    "offset": lambda subject: subject.event.offset,
}
"""`event.*`: as in filters, but for `id`, which is the event's identity where the producer gave none. `time` is missing where it
is unknown."""


def _sift(name: str) -> Callable[[Subject], Any]:
    last = _LAST[name]

    def get(subject: Subject) -> Any:
        found = sift.find(subject.data(), name)
        if found is MISSING:
            return last(subject)
        return sift.status(found) if name == "Status" else found

    return get


_LAST: Mapping[str, Callable[[Subject], Any]] = {
    "RuleName": lambda subject: subject.event.type or MISSING,
    "Status": lambda subject: sift.VIOLATED,
    "WebhookId": lambda subject: subject.webhook or MISSING,
    "EventId": ENVELOPE["id"],
    "RuleId": lambda subject: MISSING,
    "RuleVersion": lambda subject: MISSING,
    "AssetName": lambda subject: MISSING,
    "RunId": lambda subject: MISSING,
    "SentAt": lambda subject: rfc3339(subject.event.time_ns) if subject.event.time_ns else MISSING,
}
"""Where an event has none of a name's paths."""

FIELDS: Mapping[str, Callable[[Subject], Any]] = {
    **ENVELOPE,
    "data": Subject.data,
    **{name: _sift(name) for name in sift.PATHS},
}
"""What a template can ask of one event of a batch."""
