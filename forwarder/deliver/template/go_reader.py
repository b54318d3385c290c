"""Go's template syntax to a tree: fields, pipes, if, with, range, variables. What Go has beyond that is refused by its name."""

from __future__ import annotations

from collections.abc import Iterator

from forwarder.deliver.template.go_lexer import Piece, Token, pieces
from forwarder.deliver.template.go_line import REFUSED, Line
from forwarder.deliver.template.tree import (
    Block,
    Expr,
    For,
    If,
    Let,
    Name,
    Place,
    Scope,
    Statement,
    TemplateError,
    Text,
)


def read(source: str) -> Block:
    """The tree of a template. Raises TemplateError."""
    reader = _Reader(pieces(source))
    body, word = reader.block()
    if word is not None:
        raise TemplateError(word.place, f"{word.text} without if, range or with")
    return body


class _Reader:
    """Reads pieces one after the other; a block ends at `end`, `else`, or the end of the source."""

    def __init__(self, source: Iterator[Piece]) -> None:
        self._pieces = source
        self._hidden = 0

    def block(self) -> tuple[Block, Token | None]:
        """Statements up to `end` or `else`, whose token is given (`self.rest` holds what stands behind it)."""
        made: list[Statement] = []
        for piece in self._pieces:
            if piece.tokens is None:
                made.append(Text(piece.place, piece.text))
                continue
            line = Line(piece)
            word = line.keyword()
            if word is None:
                made.append(line.statement())
            elif word.text in ("end", "else"):
                self.rest = line
                return tuple(made), word
            elif word.text in REFUSED:
                raise TemplateError(
                    word.place, f"{word.text} is not available here; there are if, with, range and variables"
                )
            else:
                made.append(self._control(word, line))
        return tuple(made), None

    def _control(self, word: Token, line: Line) -> Statement:
        if word.text == "range":
            return self._range(word.place, line)
        setup, test = self._subject(word, line)
        inner, other = self._branches(word)
        if word.text == "with":
            inner = (Let(word.place, ".", test), *inner)
        decision = If(word.place, ((test, (Scope(word.place, inner),)),), (Scope(word.place, other),))
        return Scope(word.place, (*setup, decision))

    def _subject(self, word: Token, line: Line) -> tuple[Block, Expr]:
        """What if and with look at; kept in a variable where it is used again, for it is worked out once."""
        place = word.place
        names, value = line.declared()
        if not names and word.text == "if":
            return (), value
        if len(names) > 1:
            raise TemplateError(place, "only range has two variables")
        name = names[0] if names else self._hide()
        return (Let(place, name, value),), Name(value.place, name)

    def _range(self, place: Place, line: Line) -> Statement:
        names, value = line.declared()
        if len(names) > 2:
            raise TemplateError(place, "range has at most two variables")
        key, item = names if len(names) == 2 else (self._hide(), names[0] if names else self._hide())
        inner, other = self._branches(Token("word", "range", place, False))
        body: Block = (Let(place, ".", Name(place, item)), *inner)
        return For(value.place, (key, item), value, body, (Scope(place, other),), counted=True)

    def _branches(self, word: Token) -> tuple[Block, Block]:
        """The body, and what stands behind else."""
        body, stop = self.block()
        if stop is None:
            raise TemplateError(word.place, f"{word.text} is never closed with {{{{end}}}}")
        if stop.text == "end":
            self.rest.ended()
            return body, ()
        line = self.rest
        again = line.keyword()
        if again is not None and again.text in ("if", "with") and word.text != "range":
            return body, (self._control(again, line),)
        line.ended()
        other, stop = self.block()
        if stop is None or stop.text != "end":
            place = word.place if stop is None else stop.place
            raise TemplateError(
                place, f"{word.text} is never closed with {{{{end}}}}" if stop is None else "a second else"
            )
        self.rest.ended()
        return body, other

    def _hide(self) -> str:
        self._hidden += 1
        return f"{self._hidden} hidden"
