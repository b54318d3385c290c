"""Records of no schema, JSON or text: the envelope comes from headers (`type` or `ce_type`, ...), the type else is the topic."""

from __future__ import annotations

from forwarder.model.event import Headers
from forwarder.source.paths import Scalar, header
from forwarder.source.presets.base import Reading


def read(headers: Headers, topic: str) -> Reading:
    """Never looks at the value."""
    if not headers:
        return None, topic, None, None, None
    return (
        _either(headers, "id", "ce_id"),
        _either(headers, "type", "ce_type") or topic,
        _either(headers, "time", "ce_time"),
        _either(headers, "severity", "ce_severitytext"),
        _either(headers, "tenant", "ce_tenantid"),
    )


def _either(headers: Headers, name: str, other: str) -> Scalar:
    found = header(headers, name)
    return header(headers, other) if found is None else found
