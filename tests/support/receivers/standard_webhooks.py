"""A strict double of a consumer of Standard Webhooks (github.com/standard-webhooks/standard-webhooks, specification): one event per
request as `type`, `timestamp`, `data`, and a signature that the reference library verifies."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from tests.support.receivers.double import Asked, Said


@dataclass
class StandardWebhooksDouble:
    """`events` by the id of their message: one that comes again is no new event."""

    key: str
    events: dict[str, dict[str, Any]] = field(default_factory=dict)

    def answer(self, asked: Asked) -> Said:
        names = ("webhook-id", "webhook-timestamp", "webhook-signature")
        try:
            headers = {name: asked.headers[name] for name in names}
            Webhook(self.key).verify(asked.body, headers)
        except (KeyError, WebhookVerificationError):
            return Said(401)
        event = json.loads(asked.body)
        if set(event) != {"type", "timestamp", "data"} or not event["type"]:
            return Said(400)
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", event["timestamp"]):
            return Said(400)
        datetime.fromisoformat(event["timestamp"])
        self.events[headers["webhook-id"]] = event
        return Said(204)
