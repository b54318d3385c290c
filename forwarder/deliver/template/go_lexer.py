"""Go's template syntax (https://pkg.go.dev/text/template) as text and actions, an action as tokens. Knows no grammar."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from forwarder.deliver.template.tree import Place, TemplateError, place_in

_SPACE = " \t\r\n"
_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+)
    |(?P<field>(?:\.[^\W\d]\w*)+)
    |(?P<variable>\$\w*)
    |(?P<number>[+-]?(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO]?[0-7_]+(?![\d.eE])|(?:\d[\d_]*)?\.?\d[\d_]*\.?(?:[eE][+-]?\d+)?))
    |(?P<word>[^\W\d]\w*)
    |(?P<text>"(?:[^"\\\n]|\\[^\n])*")
    |(?P<raw>`[^`]*`)
    |(?P<rune>'(?:[^'\\\n]|\\[^\n]+?)')
    |(?P<sign>:=|[()|=,.])""",
    re.VERBOSE,
)
_OPENING_TRIM = re.compile(r"\{\{-[ \t\r\n]")
_TRIMMING = re.compile(r"[ \t\r\n]+-\}\}")
_COMMENT = re.compile(r"[ \t\r\n]*/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Token:
    """A token of an action; `joined`: nothing stands between it and the one before."""

    kind: str
    text: str
    place: Place
    joined: bool


@dataclass(frozen=True, slots=True)
class Piece:
    """Text, or (with tokens) an action."""

    place: Place
    text: str = ""
    tokens: tuple[Token, ...] | None = None


def pieces(source: str) -> Iterator[Piece]:
    """Text and actions in order, trimmed as `{{-` and `-}}` say; comments are left out. Raises TemplateError."""
    at, trim = 0, False
    while True:
        opening = source.find("{{", at)
        end = len(source) if opening < 0 else opening
        trims_before = opening >= 0 and _OPENING_TRIM.match(source, opening) is not None
        text = source[at:end]
        start = at + (len(text) - len(text.lstrip(_SPACE)) if trim else 0)
        text = source[start:end].rstrip(_SPACE) if trims_before else source[start:end]
        if text:
            yield Piece(place_in(source, start), text)
        if opening < 0:
            return
        tokens, at, trim = _action(source, opening, opening + (3 if trims_before else 2))
        if tokens is not None:
            yield Piece(place_in(source, opening), tokens=tokens)


def _action(source: str, opening: int, at: int) -> tuple[tuple[Token, ...] | None, int, bool]:
    """Its tokens (None for a comment), where it ends, and whether the text behind it is trimmed."""
    comment = _COMMENT.match(source, at)
    if comment is not None:
        close = _close(source, comment.end())
        if close is None:
            raise TemplateError(place_in(source, opening), "a comment is an action of its own: {{/* ... */}}")
        return None, *close
    tokens: list[Token] = []
    last = -1
    while True:
        close = _close(source, at)
        if close is not None:
            return tuple(tokens), *close
        found = _TOKEN.match(source, at)
        if at >= len(source):
            raise TemplateError(place_in(source, opening), "this action is never closed with }}")
        if found is None:
            raise TemplateError(place_in(source, at), f"{source[at]!r} is not expected in an action")
        if found.lastgroup != "space":
            tokens.append(Token(str(found.lastgroup), found[0], place_in(source, at), last == at))
            last = found.end()
        at = found.end()


def _close(source: str, at: int) -> tuple[int, bool] | None:
    """Where an action ends that ends here, and whether it trims."""
    if source.startswith("}}", at):
        return at + 2, False
    found = _TRIMMING.match(source, at)
    return (found.end(), True) if found else None
