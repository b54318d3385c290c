"""Elastic Common Schema 9, nested or with dotted keys (ecs-logging writes those). Severity: 21/47/73/99 of Elastic Security,
else `log.level`, else `event.risk_score`."""

from __future__ import annotations

from forwarder.model.event import Headers
from forwarder.source.paths import Scalar
from forwarder.source.presets.base import Body, Cloud, Preset, Reading
from forwarder.source.severity import steps


class EventFields(Body, frozen=True):
    id: Scalar = None
    kind: Scalar = None
    action: Scalar = None
    dataset: Scalar = None
    category: Scalar | list[Scalar] = None
    severity: Scalar = None
    risk_score: Scalar = None


class Ecs(Body, frozen=True):
    version: Scalar = None


class Log(Body, frozen=True):
    level: Scalar = None


class Organization(Body, frozen=True):
    id: Scalar = None


class DataStream(Body, frozen=True):
    namespace: Scalar = None


_DOTTED = {
    "at": "@timestamp",
    "ecs_version": "ecs.version",
    "event_id": "event.id",
    "event_kind": "event.kind",
    "event_action": "event.action",
    "event_dataset": "event.dataset",
    "event_category": "event.category",
    "event_severity": "event.severity",
    "event_risk_score": "event.risk_score",
    "log_level": "log.level",
    "organization_id": "organization.id",
    "cloud_account_id": "cloud.account.id",
    "data_stream_namespace": "data_stream.namespace",
}


class Fields(Body, frozen=True, rename=_DOTTED):
    at: Scalar = None
    ecs: Ecs = Ecs()
    event: EventFields = EventFields()
    log: Log = Log()
    organization: Organization = Organization()
    cloud: Cloud = Cloud()
    data_stream: DataStream = DataStream()
    ecs_version: Scalar = None
    event_id: Scalar = None
    event_kind: Scalar = None
    event_action: Scalar = None
    event_dataset: Scalar = None
    event_category: Scalar | list[Scalar] = None
    event_severity: Scalar = None
    event_risk_score: Scalar = None
    log_level: Scalar = None
    organization_id: Scalar = None
    cloud_account_id: Scalar = None
    data_stream_namespace: Scalar = None


def detect(fields: Fields) -> bool:
    if fields.at is None:
        return False
    marks = (fields.ecs.version, fields.event.kind, fields.ecs_version, fields.event_kind)
    return any(mark is not None for mark in marks)


def read(fields: Fields, headers: Headers) -> Reading:
    event, dotted = fields.event, fields.event_id
    return dotted if event.id is None else event.id, _type(fields), fields.at, _severity(fields), _tenant(fields)


def _type(fields: Fields) -> Scalar:
    event = fields.event
    if event.action is not None:
        return event.action
    return _first(fields.event_action, event.dataset, fields.event_dataset, event.category, fields.event_category)


def _severity(fields: Fields) -> Scalar:
    event = fields.event
    if event.severity is not None:
        return event.severity
    return _first(fields.event_severity, fields.log.level, fields.log_level, event.risk_score, fields.event_risk_score)


def _tenant(fields: Fields) -> Scalar:
    cloud = fields.cloud
    return _first(
        fields.organization.id,
        fields.organization_id,
        cloud.account.id,
        cloud.account_id,
        fields.cloud_account_id,
        fields.data_stream.namespace,
        fields.data_stream_namespace,
    )


def _first(*candidates: Scalar | list[Scalar]) -> Scalar:
    """The first that is there; of an array its first element."""
    for candidate in candidates:
        if isinstance(candidate, list):
            candidate = next((item for item in candidate if item is not None), None)
        if candidate is not None:
            return candidate
    return None


PRESET = Preset(
    name="ecs",
    fields=Fields,
    markers=("@timestamp",),
    detect=detect,
    read=read,
    scale=steps((0, 1), (21, 2), (47, 3), (73, 4), (99, 5)),
)
