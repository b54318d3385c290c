"""`slack`: one message in Block Kit per batch, over an incoming webhook.

Sources: docs.slack.dev, "Block Kit: header block" (150 characters), "section block" (3,000 characters of text, 10 fields of 2,000),
"Formatting message text" (`&`, `<` and `>` are written as entities), "Sending messages using incoming webhooks" (errors); Slack's
changelog of 2016-05-17 (statuses of errors); slackapi/bolt-js issues 2509 and 2867 (blocks of some 11,000 characters together
are refused, of 9,600 taken). Never sends what Slack would read as a mention, a link or a channel.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from forwarder.deliver.payload.chat import Chat, within
from forwarder.deliver.payload.digest import Message
from forwarder.deliver.payload.provider import Reading
from forwarder.deliver.payload.shape.cutting import cut, units
from forwarder.model.attempt import Response
from forwarder.model.event import Event
from forwarder.model.verdict import Bisect, Pace, Retry

_HEADER, _FIELD, _SECTION, _TOGETHER = 150, 2000, 3000, 9000
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "`": "`\u200b"})
"""As Slack wants it; behind a back-tick stands a character without width, so that it starts and ends no block of code."""
_OF_THE_MESSAGE = frozenset(
    {"invalid_payload", "invalid_blocks", "invalid_blocks_format", "invalid_attachments", "no_text", "msg_too_long"}
)
_OF_THE_HOUR = frozenset({"rate_limited", "ratelimited", "rollup_error", "internal_error", "fatal_error"})


class _Answer(msgspec.Struct):
    ok: bool = True
    error: str = ""


class Slack(Chat):
    """`{"text","blocks":[header, facts],"attachments":[{"color","blocks":[lines]}]}`; `text` is what notifications show."""

    def shown(self, message: Message) -> Any:
        """Lines and record stand in an attachment, for only that has a colour."""
        title = _fitting(message.title, _HEADER, self.spec.marker)
        fields = [
            {"type": "mrkdwn", "text": f"*{name}*\n{_fitting(text, _FIELD - 20, self.spec.marker)}", "verbatim": True}
            for name, text in message.facts
        ]
        below = [_section(text) for text in within([f"• {_escaped(line)}" for line in message.lines], _SECTION)]
        below += [_section(f"```{part}```") for part in _code(message.record)]
        if message.rest:
            below.append({"type": "context", "elements": [{"type": "plain_text", "text": message.rest}]})
        shown: dict[str, Any] = {
            "text": title,
            "blocks": [
                {"type": "header", "text": {"type": "plain_text", "text": title, "emoji": False}},
                {"type": "section", "fields": fields},
            ],
        }
        if below:
            shown["attachments"] = [{"color": self.spec.severity[message.worst], "fallback": title, "blocks": below}]
        return shown

    def fits(self, shown: Any, content: bytes) -> bool:
        """Slack counts the characters of all blocks together."""
        blocks = [*shown["blocks"], *(block for part in shown.get("attachments", ()) for block in part["blocks"])]
        return super().fits(shown, content) and sum(map(_characters, blocks)) <= _TOGETHER

    def read(self, response: Response, events: Sequence[Event]) -> Reading:
        """What stands in for Slack may answer 200 with `{"ok":false,"error":...}`; only a word about the message is its fault."""
        if not 200 <= response.status <= 299 or not response.body.lstrip().startswith(b"{"):
            return None
        try:
            answer = msgspec.json.decode(response.body, type=_Answer)
        except msgspec.DecodeError:
            return None
        if answer.ok:
            return None
        reason = f"status {response.status}, error {answer.error[:80] or 'without a name'}"
        if answer.error in _OF_THE_MESSAGE:
            return Bisect(reason)
        return Retry(Pace.NORMAL if answer.error in _OF_THE_HOUR else Pace.SLOW, reason)


def _section(text: str) -> dict[str, Any]:
    """`verbatim`: Slack looks for no links, channels or people in it."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _characters(block: dict[str, Any]) -> int:
    texts = [block.get("text"), *block.get("fields", ()), *block.get("elements", ())]
    return sum(len(text["text"]) for text in texts if text)


def _escaped(text: str) -> str:
    return text.translate(_ENTITIES)


def _fitting(text: str, most: int, marker: str) -> str:
    """Escaped, and never cut inside an entity: the plain text is cut until the escaped one fits."""
    kept = units(text)
    while (over := units(found := _escaped(cut(text, kept, marker))) - most) > 0:
        kept -= max(1, over // 5)
    return found


def _code(record: str) -> list[str]:
    """The record in parts that fit a block of code each, cut between characters, not inside entities."""
    parts, room = [""], _SECTION - 6
    for sign in record:
        written = _escaped(sign)
        if len(parts[-1]) + len(written) > room:
            parts.append("")
        parts[-1] += written
    return [part for part in parts if part]
