"""Strict doubles of Discord ("Execute Webhook", "Embed limits", "Rate limits"), Google Chat (spaces.messages.create, Cards v2) and
Mattermost ("Incoming webhooks", "Message attachments"; attachments of older servers end at 7,900 characters)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from tests.support.receivers.double import Asked, Said, said


@dataclass
class DiscordDouble:
    """`busy`: so many are turned away first, and told in the body how long."""

    busy: int = 0
    messages: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, asked: Asked) -> Said:
        if self.busy:
            self.busy -= 1
            return said(429, {"message": "You are being rate limited.", "retry_after": 0.25, "global": False})
        message = json.loads(asked.body)
        if not self._is_sound(message):
            return said(400, {"code": 50035, "message": "Invalid Form Body"})
        self.messages.append(message)
        return Said(204)

    def _is_sound(self, message: dict[str, Any]) -> bool:
        embeds = message["embeds"]
        together = sum(map(_embed_size, embeds))
        return message["allowed_mentions"] == {"parse": []} and 0 < len(embeds) <= 10 and together <= 6000


def _embed_size(embed: dict[str, Any]) -> int:
    """Of a sound one; else more than any may have. Characters as JavaScript counts them."""
    fields = embed.get("fields", [])
    within = [(embed["title"], 256), (embed.get("description", "x"), 4096)]
    within += [(each["name"], 256) for each in fields] + [(each["value"], 1024) for each in fields]
    if (
        len(fields) > 25
        or not 0 <= embed["color"] <= 0xFFFFFF
        or not all(0 < size(text) <= most for text, most in within)
    ):
        return 1 << 30
    return sum(size(text) for text, _ in within)


def size(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


@dataclass
class GoogleChatDouble:
    messages: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, asked: Asked) -> Said:
        message = json.loads(asked.body)
        paragraphs = paragraphs_of(message)
        sound = len(asked.body) <= 32_000 and len(message["text"]) <= 4096 and message["cardsV2"][0]["cardId"]
        if not sound or not paragraphs or "<" in message["text"] or not all(map(_is_html, paragraphs)):
            return said(400, {"error": {"code": 400, "status": "INVALID_ARGUMENT"}})
        self.messages.append(message)
        return said(200, {"name": "spaces/A/messages/B"})


def paragraphs_of(message: dict[str, Any]) -> list[str]:
    (card,) = message["cardsV2"]
    return [
        widget["textParagraph"]["text"] for section in card["card"]["sections"] for widget in section["widgets"]
    ]  # fmt: skip


def _is_html(text: str) -> bool:
    """Only the tags that cards know, and no bare sign."""
    left = re.sub(r'</?(?:b|i|br|font)(?: color="#[0-9a-f]{6}")?>', "", text)
    return not re.search(r"[<>]|&(?!amp;|lt;|gt;)", left)


@dataclass
class MattermostDouble:
    messages: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, asked: Asked) -> Said:
        message = json.loads(asked.body)
        (attachment,) = message["attachments"]
        if len(json.dumps(message["attachments"], ensure_ascii=False)) > 7900 or not attachment["fallback"]:
            return said(400, {"id": "api.post.create_post.attachments.too_long"})
        if re.search(r"@(?:all|channel|here)\b", json.dumps(message)):
            return said(400, {"id": "everybody was mentioned"})
        self.messages.append(message)
        return Said(200, b"ok")
