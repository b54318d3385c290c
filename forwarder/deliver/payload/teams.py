"""`teams`: one Adaptive Card per batch, in the envelope that Teams' Workflows take.

Sources: learn.microsoft.com, "Create an Incoming Webhook" and "Post a workflow when a webhook request is received" (envelope, 28 KB,
4 requests a second), Adaptive Cards 1.4 schema; practitioners see 413 from some 21 KB on; MicrosoftDocs/msteams-docs issues 1810
and 7425 (a connector's 200 with "returned HTTP error 413" in it). Text is written as runs, in which Teams looks for no Markdown.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from forwarder.deliver.payload.chat import Chat
from forwarder.deliver.payload.digest import Message
from forwarder.deliver.payload.provider import Reading
from forwarder.deliver.payload.shape.cutting import cut
from forwarder.model.attempt import Response
from forwarder.model.event import Event
from forwarder.model.verdict import Bisect, Halve, Pace, Retry

_FALLBACK = 1000
_HIDDEN = re.compile(rb"returned HTTP error (\d{3})")


class Teams(Chat):
    """`{"type":"message","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive","content":{...}}]}`."""

    def shown(self, message: Message) -> Any:
        """Title, facts, then lines or record."""
        title = [_run(message.title, size="Large", weight="Bolder", color=self.spec.severity[message.worst])]
        facts = [_block(_run(f"{name}: ", weight="Bolder"), _run(text)) for name, text in message.facts]
        lines = [_block(_run(f"• {line}")) for line in message.lines]
        record = [_block(_run(message.record, fontType="Monospace"))] if message.record else []
        rest = [_block(_run(message.rest, isSubtle=True))] if message.rest else []
        card = {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.4",
            "fallbackText": cut(message.title, _FALLBACK, self.spec.marker),
            "msteams": {"width": "Full"},
            "body": [_block(*title), *facts, *lines, *record, *rest],
        }
        attachment = {
            "contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card
        }  # fmt: skip
        return {"type": "message", "attachments": [attachment]}

    def read(self, response: Response, events: Sequence[Event]) -> Reading:
        """The older connectors wrap what Teams refuses in a 200."""
        found = _HIDDEN.search(response.body) if response.status == 200 else None
        if found is None:
            return None
        status = int(found[1])
        reason = f"status 200, in it: Teams returned status {status}"
        if status == 413:
            return Halve(reason)
        if status == 429 or status >= 500:
            return Retry(Pace.NORMAL, reason)
        return Bisect(reason) if status in (400, 415, 422) else Retry(Pace.SLOW, reason)


def _block(*runs: dict[str, Any]) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": list(runs)}


def _run(text: str, **look: Any) -> dict[str, Any]:
    return {"type": "TextRun", "text": text, **look}
