"""One action of a Go template to an expression or a declaration: fields, pipes, functions, literals."""

from __future__ import annotations

import re
from typing import Any

from forwarder.deliver.template.go_lexer import Piece, Token
from forwarder.deliver.template.tree import (
    Both,
    Call,
    Const,
    Emit,
    Expr,
    Field,
    Let,
    Name,
    Not,
    Place,
    Put,
    Statement,
    TemplateError,
)

REFUSED = frozenset({"define", "template", "block", "break", "continue"})
"""Go's words that are not available."""
_CONSTANTS = {"true": True, "false": False, "nil": None}
_ESCAPE = re.compile(
    r"\\(?:([abfnrtv\\'\"])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))", re.DOTALL
)
_LETTERS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


class Line:
    """The tokens of one action."""

    def __init__(self, piece: Piece) -> None:
        self.place = piece.place
        self._tokens = list(piece.tokens or ())
        self._at = 0

    def _next(self) -> Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _take(self, text: str) -> bool:
        token = self._next()
        found = token is not None and token.kind == "sign" and token.text == text
        self._at += found
        return found

    def keyword(self) -> Token | None:
        """The word that makes this action a control structure."""
        token = self._next()
        if token is None or token.kind != "word" or token.text not in REFUSED | {"if", "else", "end", "range", "with"}:
            return None
        self._at += 1
        return token

    def ended(self) -> None:
        """Raises TemplateError where something is left."""
        token = self._next()
        if token is not None:
            raise TemplateError(token.place, f"{token.text!r} is not expected here")

    def statement(self) -> Statement:
        """`{{pipeline}}`, `{{$x := pipeline}}` or `{{$x = pipeline}}`."""
        names, sign = self._variables()
        value = self._whole()
        if not names:
            return Emit(value.place, value)
        if len(names) > 1:
            raise TemplateError(self.place, "only range has two variables")
        return Let(self.place, names[0], value) if sign == ":=" else Put(self.place, names[0], value)

    def declared(self) -> tuple[list[str], Expr]:
        """What if, with and range are given."""
        names, sign = self._variables()
        if names and sign == "=":
            raise TemplateError(self.place, "a variable is declared here with :=")
        return names, self._whole()

    def _variables(self) -> tuple[list[str], str]:
        names, at = [], self._at
        while (token := self._next()) is not None and token.kind == "variable":
            names.append(token.text)
            self._at += 1
            if not self._take(","):
                break
        for sign in (":=", "="):
            if names and self._take(sign):
                return names, sign
        self._at = at
        return [], ""

    def _whole(self) -> Expr:
        value = self._pipeline()
        self.ended()
        return value

    def _pipeline(self) -> Expr:
        value = self._command(None)
        while self._take("|"):
            value = self._command(value)
        return value

    def _command(self, piped: Expr | None) -> Expr:
        """A function with its arguments, the piped value last; or one value."""
        first = self._next()
        if first is None:
            raise TemplateError(self.place, "a value is missing here")
        if first.kind != "word" or first.text in _CONSTANTS:
            value = self._operand()
            extra = self._next()
            if extra is not None and not (extra.kind == "sign" and extra.text in ")|"):
                raise TemplateError(extra.place, "only a function can be given arguments")
            if piped is not None:
                raise TemplateError(first.place, "only a function can follow a |")
            return value
        self._at += 1
        args: list[Expr] = []
        while (token := self._next()) is not None and not (token.kind == "sign" and token.text in ")|"):
            args.append(self._operand())
        return _call(first, (*args, piped) if piped is not None else tuple(args))

    def _operand(self) -> Expr:
        token = self._next()
        if token is None:
            raise TemplateError(self.place, "a value is missing here")
        self._at += 1
        value = self._term(token)
        while (behind := self._next()) is not None and behind.kind == "field" and behind.joined:
            self._at += 1
            value = _fields(behind, value)
        return value

    def _term(self, token: Token) -> Expr:
        place, text = token.place, token.text
        match token.kind:
            case "field":
                return _fields(token, Name(place, "."))
            case "variable":
                return Name(place, text)
            case "number":
                return Const(place, _number(token))
            case "text" | "rune":
                inside = _ESCAPE.sub(lambda found: _unescaped(found, place), text[1:-1])
                return Const(place, inside if token.kind == "text" else ord(inside))
            case "raw":
                return Const(place, text[1:-1])
            case "word":
                return Const(place, _CONSTANTS[text]) if text in _CONSTANTS else _call(token, ())
        return self._signed(place, text)

    def _signed(self, place: Place, text: str) -> Expr:
        """The dot alone, or a pipeline in parentheses."""
        if text == ".":
            return Name(place, ".")
        if text == "(":
            value = self._pipeline()
            if not self._take(")"):
                raise TemplateError(place, "this parenthesis is never closed")
            return value
        raise TemplateError(place, f"{text!r} is not expected here")


def _fields(token: Token, value: Expr) -> Expr:
    column = token.place.column
    for key in token.text[1:].split("."):
        value = Field(Place(token.place.line, column), value, key)
        column += len(key) + 1
    return value


def _call(token: Token, args: tuple[Expr, ...]) -> Expr:
    if token.text in ("and", "or"):
        if not args:
            raise TemplateError(token.place, f"{token.text} needs an argument")
        return Both(token.place, args, token.text == "or")
    if token.text == "not":
        if len(args) != 1:
            raise TemplateError(token.place, f"not has one argument; here are {len(args)}")
        return Not(token.place, args[0])
    return Call(token.place, token.text, args)


def _number(token: Token) -> Any:
    text = token.text.replace("_", "")
    try:
        if re.fullmatch(r"[+-]?0[0-7]+", text):
            return int(text, 8)
        return int(text, 0)
    except ValueError:
        pass
    try:
        value = float(text)
        return int(value) if value.is_integer() else value  # Go writes 1e3 as 1000
    except (ValueError, OverflowError):
        raise TemplateError(token.place, f"{token.text!r} is no number") from None


def _unescaped(found: re.Match[str], place: Place) -> str:
    letter, *codes, octal, unknown = found.groups()
    if letter is not None:
        return _LETTERS.get(letter, letter)
    if unknown is not None:
        raise TemplateError(place, f"\\{unknown} means nothing in a Go string")
    digits = next((code for code in codes if code), None)
    code = int(digits, 16) if digits else int(octal, 8)
    if code > 0x10FFFF:
        raise TemplateError(place, "no such character")
    return chr(code)
