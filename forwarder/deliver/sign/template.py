"""Text with variables in braces: what a scheme signs, and what its header says. Pure; knows no scheme."""

from __future__ import annotations

import re
from enum import Enum


class Piece(Enum):
    """A part that differs per request. The value is its name in a configuration."""

    ID = "id"
    TIMESTAMP = "timestamp"
    SENT_AT = "sentAt"
    BODY = "body"
    METHOD = "method"
    URL = "url"
    PATH = "path"
    SIGNATURE = "signature"


Template = tuple[str | Piece, ...]

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]|[^{}]+")
_NAMES = {piece.value: piece for piece in Piece}


def parse(text: str, allowed: frozenset[Piece]) -> Template:
    """`{id}.{timestamp}.{body}` taken apart; `{{` and `}}` are braces. Raises ValueError, for people."""
    parts: list[str | Piece] = []
    for token in _TOKEN.finditer(text):
        part = _part(token, allowed)
        if isinstance(part, str) and parts and isinstance(parts[-1], str):
            parts[-1] += part
        else:
            parts.append(part)
    return tuple(parts)


def _part(token: re.Match[str], allowed: frozenset[Piece]) -> str | Piece:
    written, name = token.group(), token.group(1)
    if name is None:
        if written in "{}":
            raise ValueError(
                f"a single `{written}` stands at character {token.start() + 1}; write `{written * 2}` for a brace"
            )
        return written[0] if written in ("{{", "}}") else written
    piece = _NAMES.get(name)
    if piece is None or piece not in allowed:
        known = " ".join(f"{{{known.value}}}" for known in Piece if known in allowed)
        raise ValueError(f"{{{name}}} is no variable here; known: {known}")
    return piece
