"""Sysdig Secure runtime policy events, as its event forwarding writes them. Severity counts down: 0 is the worst, 7 the least."""

from __future__ import annotations

from forwarder.model.event import Headers
from forwarder.source.paths import Scalar
from forwarder.source.presets.base import Body, Preset, Reading
from forwarder.source.severity import steps


class Content(Body, frozen=True, rename="camel"):
    rule_name: Scalar = None


class Labels(Body, frozen=True, rename={"cluster": "kubernetes.cluster.name", "account": "aws.accountId"}):
    cluster: Scalar = None
    account: Scalar = None


class Fields(Body, frozen=True, rename={"rfc3339": "timestampRFC3339Nano"}):
    id: Scalar = None
    originator: Scalar = None
    category: Scalar = None
    name: Scalar = None
    severity: Scalar = None
    timestamp: Scalar = None
    rfc3339: Scalar = None
    content: Content = Content()
    labels: Labels = Labels()


def detect(fields: Fields) -> bool:
    return fields.originator == "policy" and fields.category == "runtime"


def read(fields: Fields, headers: Headers) -> Reading:
    labels, rule = fields.labels, fields.content.rule_name
    return (
        fields.id,
        fields.name if rule is None else rule,
        fields.timestamp if fields.rfc3339 is None else fields.rfc3339,
        fields.severity,
        labels.account if labels.cluster is None else labels.cluster,
    )


PRESET = Preset(
    name="sysdig",
    fields=Fields,
    markers=("originator",),
    detect=detect,
    read=read,
    scale=steps((0, 4), (4, 3), (6, 2), (7, 1), (8, 0)),
)
