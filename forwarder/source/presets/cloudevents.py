"""CloudEvents 1.0: structured (the value is the event) and binary (attributes in `ce_` headers, the value is its data).

Sources: CloudEvents specification 1.0.2 and its Kafka protocol binding; extensions `severitynumber`/`severitytext`
(CloudEvents severity extension, scale of OpenTelemetry logs) and `tenantid`.
"""

from __future__ import annotations

from forwarder.model.event import Headers
from forwarder.source.paths import Scalar
from forwarder.source.presets.base import Body, Preset, Reading
from forwarder.source.severity import steps

REQUIRED = frozenset({"ce_specversion", "ce_id", "ce_source", "ce_type"})


class Fields(Body, frozen=True):
    specversion: Scalar = None
    id: Scalar = None
    source: Scalar = None
    type: Scalar = None
    time: Scalar = None
    severitynumber: Scalar = None
    severitytext: Scalar = None
    tenantid: Scalar = None


def pair(source: Scalar, identifier: Scalar) -> Scalar:
    """`source id`: unique only together. A URI reference holds no space (RFC 3986), so the first one always divides them.

    Where either is missing there is no unique id at all.
    """
    if source in (None, "") or identifier in (None, ""):
        return None
    return f"{str(source).replace(' ', '%20')} {identifier}"


def detect(fields: Fields) -> bool:
    return fields.specversion is not None and fields.type is not None and fields.source is not None


def read(fields: Fields, headers: Headers) -> Reading:
    word = fields.severitytext if fields.severitynumber is None else fields.severitynumber
    return pair(fields.source, fields.id), fields.type, fields.time, word, fields.tenantid


def content_type(headers: Headers) -> str:
    """The media type in lower case without parameters; empty where there is none."""
    for name, content in headers:
        if name.lower() == "content-type":
            return content.decode("utf-8", "replace").partition(";")[0].strip().lower()
    return ""


def is_binary(headers: Headers) -> bool:
    """Whether the event's attributes are in the headers. A `content-type` of structured mode comes first (Kafka binding 3)."""
    return REQUIRED.issubset({name for name, _ in headers}) and not content_type(headers).startswith(
        "application/cloudevents"
    )


def promises_json(media: str) -> bool:
    """Whether data of this media type (of `content_type`) is said to be JSON."""
    return media in ("application/json", "text/json") or media.endswith("+json")


def read_binary(headers: Headers) -> Reading:
    """The envelope of binary mode. Never looks at the data."""
    given = {name: content.decode("utf-8", "replace") for name, content in headers if name.startswith("ce_")}.get
    number = given("ce_severitynumber")
    return (
        pair(given("ce_source"), given("ce_id")),
        given("ce_type"),
        given("ce_time"),
        given("ce_severitytext") if number is None else number,
        given("ce_tenantid"),
    )


PRESET = Preset(
    name="cloudevents",
    fields=Fields,
    markers=("specversion",),
    detect=detect,
    read=read,
    scale=steps((1, 1), (13, 3), (17, 4), (21, 5), (25, 0)),
)
