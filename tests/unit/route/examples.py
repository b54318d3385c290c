"""Small events and webhooks for the tests of routing."""

from __future__ import annotations

from typing import Any

import msgspec

from forwarder.model.event import TP, Event
from forwarder.settings.webhook import Webhook


def event(
    kind: str = "auth.login",
    *,
    severity: int = 4,
    tenant: str = "acme",
    topic: str = "audit",
    data: Any = None,
    raw: bytes | None = None,
    offset: int = 7,
    **more: Any,
) -> Event:
    value = raw if raw is not None else msgspec.json.encode({} if data is None else data)
    fields: dict[str, Any] = {
        "tp": TP(topic, 2),
        "offset": offset,
        "timestamp_ms": 0,
        "key": None,
        "value": value,
        "headers": (),
        "id": "e-1",
        "type": kind,
        "when": 1_700_000_000_123_456_789,
        "severity": severity,
        "tenant": tenant,
        "size": len(value),
    }
    return Event(**(fields | more))


def webhook(name: str = "siem", **more: Any) -> Webhook:
    return Webhook.model_validate({"name": name, "url": "https://siem.example/in", **more})
