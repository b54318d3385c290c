"""Falco alerts (JSON output), also as falcosidekick passes them on with a `uuid`. Severity is the rule's priority."""

from __future__ import annotations

from forwarder.model.event import Headers
from forwarder.source.paths import Scalar
from forwarder.source.presets.base import Body, Preset, Reading
from forwarder.source.severity import steps


class OutputFields(Body, frozen=True, rename={"namespace": "k8s.ns.name"}):
    namespace: Scalar = None


NO_FIELDS = OutputFields()


class Fields(Body, frozen=True):
    time: Scalar = None
    rule: Scalar = None
    priority: Scalar = None
    output_fields: OutputFields = NO_FIELDS
    uuid: Scalar = None


def detect(fields: Fields) -> bool:
    return fields.rule is not None and fields.priority is not None and fields.output_fields is not NO_FIELDS


def read(fields: Fields, headers: Headers) -> Reading:
    return fields.uuid, fields.rule, fields.time, fields.priority, fields.output_fields.namespace


PRESET = Preset(
    name="falco",
    fields=Fields,
    markers=("output_fields",),
    detect=detect,
    read=read,
    scale=steps((0, 6), (1, 5), (3, 4), (4, 3), (5, 2), (6, 1), (8, 0)),  # numbers of syslog, RFC 5424 section 6.2.1
)
