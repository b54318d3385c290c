"""What the formats of chats have in common: one message per batch, made to fit. How it looks is each format's own file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from forwarder.deliver.payload.digest import Message, message_of
from forwarder.deliver.payload.provider import Body, Provider, Unrenderable
from forwarder.model.event import Event
from forwarder.settings.payload import Payload

_encode = msgspec.json.Encoder().encode
MOST_LINES = 100


class Chat(Provider):
    """A digest of several events, or one event in full, in the options `title` and `lines`.

    A message that is larger than the receiver takes loses lines (counted in "and N more") or the end of its record (marked).
    """

    def render(self, events: Sequence[Event]) -> Body:
        """Raises Unrenderable where not even a message without lines fits."""
        options, marker = self.options, self.spec.marker
        message = message_of(events, self.cluster, str(options["title"] or ""), int(options["lines"]), marker)
        while True:
            shown = clean(self.shown(message))
            content = _encode(shown)
            if self.fits(shown, content):
                return Body(content, self.spec.content_type)
            smaller = message.smaller(marker)
            if smaller is None:
                raise Unrenderable(range(len(events)), f"{len(content)} bytes even without its lines")
            message = smaller

    def shown(self, message: Message) -> Any:
        """The message as this receiver wants it, as a tree of JSON values."""
        raise NotImplementedError

    def fits(self, shown: Any, content: bytes) -> bool:
        """Whether the receiver takes so much; `content` is the tree `shown` as it is sent."""
        most = self.spec.caps.max_bytes
        return most is None or len(content) <= most


def clean(tree: Any) -> Any:
    """The tree with `?` for lone surrogates, which UTF-8 cannot carry."""
    if isinstance(tree, str):
        return tree if tree.isascii() else tree.encode("utf-8", "replace").decode("utf-8")
    if isinstance(tree, dict):
        return {key: clean(value) for key, value in tree.items()}
    return [clean(value) for value in tree] if isinstance(tree, list) else tree


def escaped(text: str, signs: str) -> str:
    """The text with a backslash before each of Markdown's signs, and before the backslash itself."""
    return text.translate({ord(sign): f"\\{sign}" for sign in f"\\{signs}"})


def numeric(colour: str) -> int:
    """`#d7263d` as a number."""
    return int(colour[1:], 16)


def within(texts: Sequence[str], most: int) -> list[str]:
    """The texts, one per line, in as few blocks of at most `most` characters as they need. No text may be longer than that."""
    blocks: list[str] = []
    for text in texts:
        if blocks and len(blocks[-1]) + 1 + len(text) <= most:
            blocks[-1] += f"\n{text}"
        else:
            blocks.append(text)
    return blocks


def complaints(payload: Payload) -> Iterator[tuple[str, str]]:
    """Options that cannot be used."""
    lines = payload.options["lines"]
    if not (0 <= lines <= MOST_LINES and lines == int(lines)):
        yield "lines", f"a whole number from 0 to {MOST_LINES} is expected"
