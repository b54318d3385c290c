"""Stalwart mail server webhooks: one event object, or the document of its webhook body `{"events": [...]}`, of which the first
event gives the envelope (one record is one event here). Stalwart has no severity: `severityMap` may give one to an event type."""

from __future__ import annotations

from forwarder.model.event import Headers
from forwarder.source.paths import Scalar
from forwarder.source.presets.base import Body, Preset, Reading


class One(Body, frozen=True, rename={"created_at": "createdAt"}):
    id: Scalar = None
    created_at: Scalar = None
    type: Scalar = None


class Fields(Body, frozen=True, rename={"created_at": "createdAt"}):
    id: Scalar = None
    created_at: Scalar = None
    type: Scalar = None
    events: tuple[One, ...] = ()


def detect(fields: Fields) -> bool:
    first = fields.events[0] if fields.events else fields
    return first.created_at is not None and first.type is not None


def read(fields: Fields, headers: Headers) -> Reading:
    first = fields.events[0] if fields.events else fields
    return first.id, first.type, first.created_at, first.type, None


PRESET = Preset(name="stalwart", fields=Fields, markers=("createdAt", "events"), detect=detect, read=read, words={})
