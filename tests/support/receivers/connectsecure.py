"""A strict double of what takes ConnectSecure's webhooks ("ALERT: Webhook", Payload Guide): two texts, `subject` to route by,
`body` of one or more lines."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from tests.support.receivers.double import Asked, Said


@dataclass
class ConnectSecureDouble:
    alerts: list[tuple[str, list[str]]] = field(default_factory=list)

    def answer(self, asked: Asked) -> Said:
        document = json.loads(asked.body)
        if set(document) != {"subject", "body"} or not all(isinstance(text, str) for text in document.values()):
            return Said(400)
        if not document["subject"] or "\n" in document["subject"]:
            return Said(400)
        self.alerts.append((document["subject"], document["body"].split("\n")))
        return Said(200)
