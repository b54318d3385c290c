"""Source Defense webhook events (its "Webhook Events Structure" technical specification). They carry no id and no severity;
`severityMap` may give one to an `event_name`. The time has no zone and is read as UTC."""

from __future__ import annotations

from forwarder.model.event import Headers
from forwarder.source.paths import Scalar
from forwarder.source.presets.base import Body, Preset, Reading


class Fields(Body, frozen=True):
    event_name: Scalar = None
    event_type: Scalar = None
    timestamp: Scalar = None
    account_id: Scalar = None
    account_name: Scalar = None


def detect(fields: Fields) -> bool:
    return fields.event_name is not None and fields.event_type is not None and fields.account_id is not None


def read(fields: Fields, headers: Headers) -> Reading:
    tenant = fields.account_name if fields.account_id is None else fields.account_id
    return None, fields.event_name, fields.timestamp, fields.event_name, tenant


PRESET = Preset(name="sourcedefense", fields=Fields, markers=("event_name",), detect=detect, read=read, words={})
