"""A strict double of Teams' Workflows webhook ("When a Teams webhook request is received"), from learn.microsoft.com and the Adaptive
Cards schema 1.4. `connector` answers as the older connectors do: 200, and the trouble in words (msteams-docs issues 1810, 7425)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from tests.support.receivers.double import Asked, Said

MOST_BYTES = 21_000
_CARD = "application/vnd.microsoft.card.adaptive"
_SIZES = {"Small", "Default", "Medium", "Large", "ExtraLarge"}
_COLOURS = {"Default", "Dark", "Light", "Accent", "Good", "Warning", "Attention"}


@dataclass
class TeamsDouble:
    """`trouble`: a status that every message gets."""

    connector: bool = False
    trouble: int = 0
    cards: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, asked: Asked) -> Said:
        assert asked.method == "POST" and asked.headers["Content-Type"] == "application/json"
        status = self.trouble or (413 if len(asked.body) > MOST_BYTES else 0) or self._take(asked.body)
        if self.connector:
            words = (
                f"Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error {status} "
            )
            return Said(200, b"1" if status == 202 else f"{words}with ContextId tcid=0".encode())
        return Said(status)

    def _take(self, body: bytes) -> int:
        try:
            document = json.loads(body)
            (attachment,) = document["attachments"]
            card = attachment["content"]
            sound = document["type"] == "message" and attachment["contentType"] == _CARD and is_card(card)
        except (ValueError, KeyError, TypeError):
            return 400
        if not sound:
            return 400
        self.cards.append(card)
        return 202


def is_card(card: dict[str, Any]) -> bool:
    return (
        card["type"] == "AdaptiveCard"
        and card["version"] == "1.4"
        and card["$schema"] == "http://adaptivecards.io/schemas/adaptive-card.json"
        and all(map(_is_block, card["body"]))
    )


def _is_block(block: dict[str, Any]) -> bool:
    return block["type"] == "RichTextBlock" and all(
        run["type"] == "TextRun"
        and isinstance(run["text"], str)
        and run.get("size", "Default") in _SIZES
        and run.get("color", "Default") in _COLOURS
        for run in block["inlines"]
    )


def texts_of(card: dict[str, Any]) -> list[str]:
    """The text of each block."""
    return ["".join(run["text"] for run in block["inlines"]) for block in card["body"]]
