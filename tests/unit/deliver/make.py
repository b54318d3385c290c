"""Short ways to make the values that the delivery tests need."""

from __future__ import annotations

from typing import Any

from forwarder.deliver.payload.provider import Body
from forwarder.deliver.payload.registry import provider_of
from forwarder.model.batch import Batch
from forwarder.model.event import TP, Event
from forwarder.settings.payload import Payload
from forwarder.settings.webhook import Webhook


def event(value: bytes | None = b'{"a":1}', offset: int = 0, **given: Any) -> Event:
    """An event of `topic/0` unless told otherwise."""
    fields: dict[str, Any] = {
        "tp": TP(given.pop("topic", "topic"), given.pop("partition", 0)),
        "timestamp_ms": 1_700_000_000_123,
        "key": None,
        "headers": (),
        "id": "",
        "type": "auth.failed",
        "when": 0,
        "severity": 3,
        "tenant": "",
        "size": 400,
    }
    return Event(**{**fields, **given}, value=value, offset=offset)


def batch(*events: Event, webhook: str = "siem") -> Batch:
    return Batch(webhook, events)


def webhook(**given: Any) -> Webhook:
    """A webhook from settings as a file would hold them."""
    return Webhook.model_validate({"name": "siem", "url": "https://siem.example/hook", **given})


def secret(text: str) -> dict[str, str]:
    return {"@type": "Value", "secret": text}


def rendered(events: Batch, payload: Payload, cluster: str = "c") -> Body:
    """The body that a webhook with this payload makes of the events."""
    return provider_of(payload, cluster).render(events.events)
