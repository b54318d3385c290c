"""`otlp`: log records in OTLP's JSON encoding, over HTTP. The record goes as text, byte for byte, unless its structure is asked for.

Sources: OpenTelemetry Protocol specification 1.x ("JSON Protobuf Encoding", "OTLP/HTTP Response"), Logs Data Model, and the semantic
conventions for `log.record.uid`, `event.name` and `messaging.*`; W3C Trace Context for `traceparent`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import msgspec

from forwarder import __version__
from forwarder.deliver.payload.body import json_string
from forwarder.deliver.payload.provider import Body, Provider, Reading
from forwarder.deliver.payload.records import created_ns, severity_words, text_of
from forwarder.deliver.payload.shape.cutting import fitted
from forwarder.model.attempt import Response
from forwarder.model.event import Event, identity
from forwarder.model.verdict import Partial
from forwarder.settings.payload import Payload

_SEVERITY_NUMBERS = (0, 9, 10, 13, 17, 21, 24)
"""OpenTelemetry's SeverityNumber for our levels: UNSPECIFIED, INFO, INFO2, WARN, ERROR, FATAL, FATAL4."""
_TRACE_PARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
_END = b"]}]}]}"
_SCOPE = b'{"name":"forwarder","version":%b}' % json_string(__version__)


class PartialSuccess(msgspec.Struct, rename="camel"):
    """Numbers of 64 bits are text in protobuf's JSON; many servers write them as numbers."""

    rejected_log_records: int | str = 0
    error_message: str = ""


class Answer(msgspec.Struct, rename="camel"):
    """`ExportLogsServiceResponse`."""

    partial_success: PartialSuccess | None = None


class Otlp(Provider):
    """One resource, one scope, one log record per event; `log.record.uid` is the event's identity."""

    def __init__(self, payload: Payload, cluster: str) -> None:
        super().__init__(payload, cluster)
        named = {"service.name": self.options["serviceName"], **self.options["resource"]}
        resource = b",".join([_attribute(name, value) for name, value in named.items()])
        self._words = severity_words(payload)
        self._structured = self.options["body"] == "structured"
        self._head = b'{"resourceLogs":[{"resource":{"attributes":[%b]},"scopeLogs":[{"scope":%b,"logRecords":[' % (
            resource,
            _SCOPE,
        )

        most = self.spec.caps.max_bytes
        self._most = most and most - len(self._head) - len(_END) - len(b'{,"body":}')

    def render(self, events: Sequence[Event]) -> Body:
        """Never raises."""
        return Body(self._head + b",".join(map(self._record, events)) + _END, self.spec.content_type)

    def _record(self, event: Event) -> bytes:
        """One that is too large for any request has its body cut, with the visible marker."""
        rest = b",".join(self._rest(event))
        body = structured(event) if self._structured else _string(text_of(event))
        if self._most is not None and len(rest) + len(body) > self._most:
            room = self._most - len(rest) - len(_string(""))
            body = b'{"stringValue":%b}' % fitted(text_of(event), room, self.spec.marker)
        return b'{%b,"body":%b}' % (rest, body)

    def _rest(self, event: Event) -> Iterator[bytes]:
        if created := created_ns(event):
            yield b'"timeUnixNano":"%d"' % created
        if event.timestamp_ms > 0:
            yield b'"observedTimeUnixNano":"%d"' % (event.timestamp_ms * 1_000_000)
        if event.severity:
            word = self._words[event.severity]
            yield b'"severityNumber":%d,"severityText":%b' % (_SEVERITY_NUMBERS[event.severity], json_string(word))
        yield b'"attributes":[%b]' % b",".join(self._attributes(event))
        yield from _trace(event)

    def _attributes(self, event: Event) -> Iterator[bytes]:
        yield _attribute("log.record.uid", identity(event, self.cluster))
        for name, value in (("event.name", event.type), ("event.id", event.id), ("tenant", event.tenant)):
            if value:
                yield _attribute(name, value)
        yield _attribute("messaging.destination.name", event.tp.topic)
        yield _attribute("messaging.destination.partition.id", str(event.tp.partition))
        yield b'{"key":"messaging.kafka.offset","value":{"intValue":"%d"}}' % event.offset

    def read(self, response: Response, events: Sequence[Event]) -> Reading:
        """A 200 may tell that some were rejected, not which, and then nothing may be sent again. All: they are refused. Some:
        they are told, and the batch counts as arrived (with `maxEvents: 1` each rejection names its event)."""
        partial = _partial_success(response) if response.status == 200 else None
        rejected = _count(partial)
        if partial is None or not rejected:
            return None
        reason = f"{rejected} of {len(events)} log records rejected: {partial.error_message[:300]}"
        return Partial(reason, refused=tuple(range(len(events))) if rejected >= len(events) else ())


def _partial_success(response: Response) -> PartialSuccess | None:
    try:
        return msgspec.json.decode(response.body, type=Answer).partial_success
    except msgspec.DecodeError:
        return None  # an empty body, or an answer in protobuf: the status has to do


def _count(partial: PartialSuccess | None) -> int:
    try:
        return int(partial.rejected_log_records) if partial else 0
    except ValueError:
        return 0


def _trace(event: Event) -> Iterator[bytes]:
    """Trace and span of the producer, from the record's header `traceparent`; nothing where it is not valid."""
    given = next((value for name, value in event.headers if name.lower() == "traceparent" and value), b"")
    if match := _TRACE_PARENT.fullmatch(given):
        yield b'"traceId":"%b","spanId":"%b","flags":%d' % (match[1], match[2], int(match[3], 16))


def _string(text: str) -> bytes:
    return b'{"stringValue":%b}' % json_string(text)


def _attribute(name: str, value: str) -> bytes:
    return b'%b{"stringValue":%b}}' % (_key(name), json_string(value))


@cache
def _key(name: str) -> bytes:
    """Names are few: ours, and those of the resource."""
    return b'{"key":%b,"value":' % json_string(name)


def structured(event: Event) -> bytes:
    """The record as an AnyValue: objects as kvlistValue, arrays as arrayValue. What is no JSON, or beyond 64 bits, stays text."""
    if event.value is None or event.text:
        return b"{}" if event.value is None else _string(text_of(event))
    try:
        return msgspec.json.encode(_any_value(msgspec.json.decode(event.value)))
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
        return _string(text_of(event))


def _any_value(value: Any) -> dict[str, Any]:
    match value:
        case None:
            return {}
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)} if -(2**63) <= value < 2**63 else {"stringValue": str(value)}
        case float():
            return {"doubleValue": value}
        case str():
            return {"stringValue": value}
        case list():
            return {"arrayValue": {"values": [_any_value(each) for each in value]}}
    return {"kvlistValue": {"values": [{"key": key, "value": _any_value(each)} for key, each in value.items()]}}
