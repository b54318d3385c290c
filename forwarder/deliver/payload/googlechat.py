"""`googlechat`: one card per batch, over a space's webhook.

Sources: developers.google.com/workspace/chat, "Send messages to Google Chat as a webhook", "Cards v2" (HTML in text paragraphs) and
"Method: spaces.messages.create" (32,000 bytes); "Usage limits" (429). Not verified: 4,096 characters of `text`, kept all the same.
Mentions nobody: in `text`, `<users/all>` would.
"""

from __future__ import annotations

import html
from typing import Any

from forwarder.deliver.payload.chat import Chat
from forwarder.deliver.payload.digest import Message

_NO_MENTION = str.maketrans({"<": "‹", ">": "›"})


class GoogleChat(Chat):
    """`{"text","cardsV2":[{"cardId","card":{"header","sections"}}]}`; `text` is what notifications show."""

    def shown(self, message: Message) -> Any:
        """Title, facts, then lines or record."""
        worst = f'<font color="{self.spec.severity[message.worst]}">■</font> '
        facts = [f"<b>{name}</b>: {_html(text)}" for name, text in message.facts]
        below = [f"• {_html(line)}" for line in message.lines]
        below += [_html(message.record).replace("\n", "<br>")] if message.record else []
        below += [f"<i>{message.rest}</i>"] if message.rest else []
        paragraphs = [worst + "<br>".join(facts), *(["<br>".join(below)] if below else [])]
        sections = [{"widgets": [{"textParagraph": {"text": text}}]} for text in paragraphs]
        return {
            "text": message.title.translate(_NO_MENTION),
            "cardsV2": [
                {"cardId": "forwarder", "card": {"header": {"title": message.title}, "sections": sections}},
            ],
        }


def _html(text: str) -> str:
    return html.escape(text, quote=False)
