"""A strict double of Slack's incoming webhooks, from docs.slack.dev: "Sending messages using incoming webhooks", "Block Kit" (header,
section and context block), "Formatting message text"; statuses from the changelog of 2016-05-17."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from tests.support.receivers.double import Asked, Said

_BARE = re.compile(r"[<>]|&(?!amp;|lt;|gt;)")
TOGETHER = 9600
"""Characters of all blocks that were seen to be taken (slackapi/bolt-js issue 2867)."""


@dataclass
class SlackDouble:
    """`trouble`: an error that every message gets, as (status, word). `busy`: so many are turned away first."""

    trouble: tuple[int, str] | None = None
    busy: int = 0
    hates: str = "\0never"
    messages: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, asked: Asked) -> Said:
        assert asked.method == "POST" and asked.headers["Content-Type"] == "application/json"
        if self.busy:
            self.busy -= 1
            return Said(429, b"rate_limited", {"Retry-After": "1"})
        if self.trouble:
            return Said(self.trouble[0], self.trouble[1].encode())
        try:
            message = json.loads(asked.body)
        except ValueError:
            return Said(400, b"invalid_payload")
        if self.hates in asked.body.decode():
            return Said(400, b"invalid_payload")
        if not isinstance(message.get("text"), str) or not message["text"]:
            return Said(400, b"no_text")
        if problem := problem_of(message):
            return Said(400, f"invalid_blocks: {problem}".encode())
        self.messages.append(message)
        return Said(200, b"ok")


def blocks_of(message: dict[str, Any]) -> list[dict[str, Any]]:
    return [*message.get("blocks", []), *(each for part in message.get("attachments", []) for each in part["blocks"])]


def texts_of(message: dict[str, Any]) -> list[str]:
    """Every text that people see."""
    found = []
    for block in blocks_of(message):
        parts = [block.get("text"), *block.get("fields", []), *block.get("elements", [])]
        found += [part["text"] for part in parts if part]
    return found


def problem_of(message: dict[str, Any]) -> str:
    blocks = blocks_of(message)
    if not 0 < len(blocks) <= 50:
        return f"{len(blocks)} blocks"
    if sum(map(len, texts_of(message))) > TOGETHER:
        return "msg_blocks_too_long"
    for part in message.get("attachments", []):
        if not re.fullmatch("#[0-9a-f]{6}", part["color"]):
            return "color"
    if bare := [text for text in [message["text"], *texts_of(message)] if _BARE.search(text)]:
        return f"not escaped: {bare[0]}"
    return next(filter(None, map(_problem, blocks)), "")


def _problem(block: dict[str, Any]) -> str:
    match block:
        case {"type": "header", "text": {"type": "plain_text", "text": str(text)}}:
            return "" if 0 < len(text) <= 150 else f"header of {len(text)}"
        case {"type": "section", "text": {"type": "mrkdwn", "text": str(text)}}:
            inside = text[3:-3] if text.startswith("```") and text.endswith("```") else text
            broken = "```" in inside
            return "" if 0 < len(text) <= 3000 and not broken else f"section of {len(text)}: {text[:9]}"
        case {"type": "section", "fields": [*fields]}:
            sizes = [len(each["text"]) for each in fields]
            return "" if 0 < len(sizes) <= 10 and all(0 < size <= 2000 for size in sizes) else f"fields of {sizes}"
        case {"type": "context", "elements": [*elements]}:
            return "" if 0 < len(elements) <= 10 else "elements"
    return f"block {block}"
