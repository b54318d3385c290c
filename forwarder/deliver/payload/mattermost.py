"""`mattermost`: one message attachment per batch, over an incoming webhook.

Sources: developers.mattermost.com, "Incoming webhooks" (200 and `ok`, `text`, `channel`, `username`) and "Message attachments" (color,
fallback, fields, text); messages have 16,383 characters since 5.0; gitlab-foss issue 37555 (attachments above 7,900 characters are
refused by older servers). Mentions nobody: `@` is parted from the name behind it.
"""

from __future__ import annotations

from typing import Any

from forwarder.deliver.payload.chat import Chat, escaped
from forwarder.deliver.payload.digest import Message

_SIGNS = "*_~`|>[]#<"
_PARTED = "@\u200b"
_ATTACHMENT = 7900


class Mattermost(Chat):
    """`{"attachments":[{"fallback","color","title","text","fields"}]}`, and `channel` and `username` where they are given."""

    def shown(self, message: Message) -> Any:
        """Lines or record are the attachment's text; facts are its fields."""
        attachment = {
            "fallback": message.title.replace("@", _PARTED),
            "color": self.spec.severity[message.worst],
            "title": _told(message.title),
            "text": _text(message),
            "fields": [{"title": name, "value": _told(text), "short": len(text) < 40} for name, text in message.facts],
        }
        given = {name: self.options[name] for name in ("channel", "username") if self.options[name]}
        return {**given, "attachments": [attachment]}

    def fits(self, shown: Any, content: bytes) -> bool:
        """The attachment as the server counts it: its JSON."""
        return super().fits(shown, content) and len(content) <= _ATTACHMENT


def _told(text: str) -> str:
    return escaped(text, _SIGNS).replace("@", _PARTED)


def _text(message: Message) -> str:
    record = message.record.replace("`", "`\u200b").replace("@", _PARTED)
    told = [*(f"* {_told(line)}" for line in message.lines), *([f"```\n{record}\n```"] if record else [])]
    return "\n".join([*told, *([message.rest] if message.rest else [])])
