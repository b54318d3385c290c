"""From a record to one CloudEvent: kept as it is where it is one already, made otherwise. Renders no body.

Sources: CloudEvents 1.0.2 (specification, JSON format, Kafka and HTTP protocol bindings) and its extensions severity and
partitioning, github.com/cloudevents/spec.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import quote

import msgspec
from msgspec import Raw

from forwarder.deliver.payload.body import json_string, json_value
from forwarder.deliver.payload.records import created_ns
from forwarder.deliver.payload.shape.names import Getter
from forwarder.deliver.payload.shape.scene import Scene, text_of
from forwarder.deliver.payload.timestamps import timestamp
from forwarder.model.event import Event, event_id
from forwarder.model.severity import Severity

JSON = "application/json"
_STRUCTURED = "application/cloudevents"
_SEVERITIES = (0, 9, 10, 13, 17, 21, 24)
"""`severitynumber` for our levels; the scale is OpenTelemetry's."""
_NAME = re.compile(r"[a-z0-9]{1,64}")
_REQUIRED = ("specversion", "id", "source", "type")
_MEDIA = re.compile(r"[!-~](?:[ -~]{0,253}[!-~])?")
_object = msgspec.json.Decoder(dict[str, Raw]).decode
_ODD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError)


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """`attributes` are JSON values by name, without `datacontenttype`. `data` are the bytes that binary mode sends, None where the
    event has none; `member` is the same as the JSON format has it, its name included, such as `"data":{}`. `whole` is the
    event in the JSON format as its producer wrote it, where he did."""

    attributes: Mapping[str, bytes]
    media: str
    data: bytes | None = field(repr=False)
    member: bytes = field(repr=False)
    whole: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Making:
    """How records become CloudEvents. `keyed` adds the record's key as the extension `partitionkey`, where there is none;
    `subject` finds that of a record which is no CloudEvent yet; `apart` wants the attributes of those that are."""

    cluster: str
    keyed: bool
    subject: Getter | None
    apart: bool


class _Required(msgspec.Struct):
    """What every event in the JSON format has."""

    specversion: str
    id: str
    source: str
    type: str


_required = msgspec.json.Decoder(_Required).decode


def cloud_event(event: Event, making: Making) -> CloudEvent:
    """The record as a CloudEvent."""
    key = event.key.decode("utf-8", "replace") if making.keyed and event.key is not None else None
    value = event.value
    if value is not None and not event.text and b'"specversion"' in value:
        whole = key is None and not making.apart
        found = _whole(value) if whole else _structured(value, key)
        if found is not None:
            return found
    if not event.headers:
        return _made(event, making, key)
    headers = {name.lower(): value for name, value in event.headers}
    media = headers.get("content-type", b"").decode("utf-8", "replace").strip()
    if not media.lower().startswith(_STRUCTURED) and all(f"ce_{name}" in headers for name in _REQUIRED):
        return _binary(event, headers, media, key)
    return _made(event, making, key)


def declares_json(media: str) -> bool:
    """JSON format 3.1.1: nothing, `*/json` or `*/*+json`."""
    kind = media.partition(";")[0].strip().lower()
    return not kind or kind.endswith(("/json", "+json"))


def _whole(value: bytes) -> CloudEvent | None:
    """As it is: nobody wants to know what is in it."""
    try:
        _required(value)
    except _ODD:
        return None
    return CloudEvent({}, "", None, b"", value.strip())


def _structured(value: bytes, key: str | None) -> CloudEvent | None:
    """None for a record that is no CloudEvent in the JSON format."""
    try:
        fields = {name: bytes(raw).strip() for name, raw in _object(value).items()}
    except _ODD:
        return None
    if not all(fields.get(name, b"")[:1] == b'"' for name in _REQUIRED):
        return None
    media = _text(fields.pop("datacontenttype", b"null"))
    data, encoded = fields.pop("data", None), fields.pop("data_base64", None)
    attributes = {name: raw for name, raw in fields.items() if _NAME.fullmatch(name) and raw != b"null"}
    whole = value.strip()
    if key is not None and "partitionkey" not in attributes:
        attributes["partitionkey"] = json_string(key)
        whole = b'{"partitionkey":%b,%b' % (attributes["partitionkey"], whole[1:])
    return CloudEvent(attributes, media, _sent(data, encoded, media), b"", whole)


def _sent(data: bytes | None, encoded: bytes | None, media: str) -> bytes | None:
    """The data as binary mode has it: JSON as it stands, other text without its quotes, Base64 decoded."""
    if encoded is not None and encoded != b"null":
        try:
            return base64.b64decode(_text(encoded), validate=True)
        except (binascii.Error, ValueError):
            return _text(encoded).encode("utf-8", "replace")
    if data is not None and not declares_json(media) and data[:1] == b'"':
        return _text(data).encode("utf-8", "replace")
    return data


def _binary(event: Event, headers: Mapping[str, bytes], media: str, key: str | None) -> CloudEvent:
    """Attributes in headers, which Kafka has as text; the value is the data, and a null value is an event without."""
    given = {name[3:]: value.decode("utf-8", "replace") for name, value in headers.items() if name.startswith("ce_")}
    if key is not None:
        given.setdefault("partitionkey", key)
    attributes = {
        name: json_string(text) for name, text in given.items() if _NAME.fullmatch(name) and name != "datacontenttype"
    }
    return CloudEvent(attributes, media, event.value, _member(event, media))


def _member(event: Event, media: str) -> bytes:
    if event.value is None:
        return b""
    if declares_json(media):
        return b'"data":' + json_value(event)
    return b'"data":' + json_string(event.value.decode("utf-8", "replace"))


def _made(event: Event, making: Making, key: str | None) -> CloudEvent:
    """From the envelope. A record that is no JSON becomes text data."""
    created = created_ns(event)
    time = timestamp(created, "rfc3339") if created else b"null"
    given: dict[str, bytes] = {
        "specversion": b'"1.0"',
        "id": json_string(event_id(event, making.cluster)),
        "source": _source(making.cluster, event.tp.topic),
        "type": json_string(event.type or event.tp.topic),
    }
    if time != b"null":
        given["time"] = time
    subject = making.subject(Scene(event, making.cluster, 1)) if making.subject else None
    if subject is not None and text_of(subject):
        given["subject"] = json_string(text_of(subject))
    if event.severity:
        given["severitytext"] = json_string(Severity(event.severity).name.lower())
        given["severitynumber"] = b"%d" % _SEVERITIES[event.severity]
    if event.tenant:
        given["tenantid"] = json_string(event.tenant)
    if key is not None:
        given["partitionkey"] = json_string(key)
    data = b"null" if event.value is None else event.value
    return CloudEvent(given, "text/plain; charset=utf-8" if event.text else JSON, data, b'"data":' + json_value(event))


@lru_cache(maxsize=1024)
def _source(cluster: str, topic: str) -> bytes:
    return json_string(quote(f"/{cluster}/{topic}", errors="replace"))


def header(raw: bytes) -> str:
    """An attribute's JSON value as the value of an HTTP header (HTTP binding 3.1.3.2)."""
    text = _text(raw) if raw[:1] == b'"' else raw.decode("utf-8", "replace")
    return "".join([sign if "!" <= sign <= "~" and sign not in '"%' else _percent(sign) for sign in text])


def media_type(media: str) -> str:
    """What stands in `Content-Type`. Something that no header may hold becomes `application/octet-stream`."""
    if not media:
        return JSON
    return media if _MEDIA.fullmatch(media) else "application/octet-stream"


def _percent(sign: str) -> str:
    return "".join([f"%{byte:02X}" for byte in sign.encode("utf-8", "replace")])


def _text(raw: bytes) -> str:
    """The text of a JSON string; empty for anything else."""
    try:
        return msgspec.json.decode(raw, type=str)
    except _ODD:
        return ""
