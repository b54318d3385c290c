"""`discord`: one embed per batch, over a channel's webhook.

Sources: discord.com/developers, "Webhook resource: Execute Webhook" (204 without `wait`), "Message resource: Embed limits" (title 256,
description 4,096, 25 fields of 256 and 1,024, 6,000 characters together), "Rate limits" (`retry_after` in seconds, in the body);
read in @sapphire/discord-utilities and discord.js, which repeat them. Mentions nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from forwarder.deliver.payload.chat import Chat, escaped, numeric
from forwarder.deliver.payload.digest import Message
from forwarder.deliver.payload.provider import Reading
from forwarder.deliver.payload.shape.cutting import cut
from forwarder.model.attempt import Response
from forwarder.model.event import Event
from forwarder.model.verdict import Pace, Retry

_DESCRIPTION, _TOGETHER = 4096, 6000
_TITLE, _VALUE = 256 // 2 - 1, 1024 // 2 - 1
"""Half of what Discord takes: each character may get a backslash, or count twice."""
_SIGNS = "*_~`|>[]#<@"
_LONGEST_SECONDS = 3600.0


class _Limited(msgspec.Struct):
    retry_after: float


class Discord(Chat):
    """`{"embeds":[{"title","description","color","fields"}],"allowed_mentions":{"parse":[]}}`."""

    def shown(self, message: Message) -> Any:
        """Lines or record are the description; facts are fields."""
        embed: dict[str, Any] = {
            "title": self._cut(message.title, _TITLE),
            "color": numeric(self.spec.severity[message.worst]),
            "fields": [
                {"name": name, "value": self._cut(text, _VALUE), "inline": len(text) < 40}
                for name, text in message.facts
            ],
        }
        if description := _description(message):
            embed["description"] = description
        return {"embeds": [embed], "allowed_mentions": {"parse": []}}

    def fits(self, shown: Any, content: bytes) -> bool:
        """Counted in characters, as UTF-16 has them: twice for those beyond its first plane."""
        (embed,) = shown["embeds"]
        description = _size(embed.get("description", ""))
        facts = sum(_size(each["name"]) + _size(each["value"]) for each in embed["fields"])
        together = _size(embed["title"]) + description + facts
        return super().fits(shown, content) and description <= _DESCRIPTION and together <= _TOGETHER

    def _cut(self, text: str, most: int) -> str:
        return escaped(cut(text, most, self.spec.marker), _SIGNS)

    def read(self, response: Response, events: Sequence[Event]) -> Reading:
        """A 429 says in its body, to the millisecond, how long to wait."""
        if response.status != 429 or "retry-after" in response.headers:
            return None
        try:
            wish = msgspec.json.decode(response.body, type=_Limited).retry_after
        except msgspec.DecodeError:
            return None
        return Retry(Pace.NORMAL, "status 429", min(max(wish, 0.0), _LONGEST_SECONDS))


def _description(message: Message) -> str:
    """A back-tick in a record would end its block of code: a character without width stands behind it."""
    lines = [f"• {escaped(line, _SIGNS)}" for line in message.lines]
    record = message.record.replace("`", "`\u200b")
    return "\n".join([*lines, *([f"```\n{record}\n```"] if record else []), *([message.rest] if message.rest else [])])


def _size(text: str) -> int:
    return len(text) + sum(sign > "\uffff" for sign in text)
