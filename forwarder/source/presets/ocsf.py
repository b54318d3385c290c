"""OCSF 1.x events (https://schema.ocsf.io): `time` in ms, `severity_id` is our own scale, `type_uid` names class and activity."""

from __future__ import annotations

from forwarder.model.event import Headers
from forwarder.source.paths import Scalar
from forwarder.source.presets.base import Body, Cloud, Preset, Reading

_OTHER = 99


class Metadata(Body, frozen=True):
    version: Scalar = None
    uid: Scalar = None
    tenant_uid: Scalar = None


class FindingInfo(Body, frozen=True):
    uid: Scalar = None


class Fields(Body, frozen=True):
    class_uid: Scalar = None
    activity_id: Scalar = None
    type_uid: Scalar = None
    time: Scalar = None
    time_dt: Scalar = None
    severity_id: Scalar = None
    severity: Scalar = None
    metadata: Metadata = Metadata()
    finding_info: FindingInfo = FindingInfo()
    cloud: Cloud = Cloud()


def detect(fields: Fields) -> bool:
    return fields.class_uid is not None and fields.metadata.version is not None


def read(fields: Fields, headers: Headers) -> Reading:
    metadata, severity = fields.metadata, fields.severity_id
    if severity is None or (severity == _OTHER and fields.severity is not None):
        severity = fields.severity
    return (
        fields.finding_info.uid if metadata.uid is None else metadata.uid,
        _type(fields) if fields.type_uid is None else fields.type_uid,
        fields.time_dt if fields.time is None else fields.time,
        severity,
        fields.cloud.account.uid if metadata.tenant_uid is None else metadata.tenant_uid,
    )


def _type(fields: Fields) -> Scalar:
    """`class_uid * 100 + activity_id`, as the schema computes `type_uid`."""
    if isinstance(fields.class_uid, int) and isinstance(fields.activity_id, int):
        return fields.class_uid * 100 + fields.activity_id
    return fields.class_uid


PRESET = Preset(name="ocsf", fields=Fields, markers=("class_uid",), detect=detect, read=read)
