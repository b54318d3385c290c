"""Standard Webhooks payloads (specification 1.0.0, "Payload structure"): `type`, `timestamp`, `data`; the id is the header
`webhook-id`. No severity; `severityMap` may give one to a type."""

from __future__ import annotations

from msgspec import Raw

from forwarder.model.event import Headers
from forwarder.source.paths import Scalar, header
from forwarder.source.presets.base import ABSENT, Body, Preset, Reading


class Fields(Body, frozen=True):
    type: Scalar = None
    timestamp: Scalar = None
    data: Raw = ABSENT


def detect(fields: Fields) -> bool:
    return isinstance(fields.type, str) and fields.timestamp is not None and fields.data is not ABSENT


def read(fields: Fields, headers: Headers) -> Reading:
    return header(headers, "webhook-id") if headers else None, fields.type, fields.timestamp, fields.type, None


PRESET = Preset(name="standard-webhooks", fields=Fields, markers=("data",), detect=detect, read=read, words={})
