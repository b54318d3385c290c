"""A CEL text as tokens: where names stand and which fields they reach. Reads text only; never evaluates (route/filters does).

Grammar: https://github.com/google/cel-spec/blob/master/doc/langdef.md#syntax
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

MACROS = frozenset({"all", "exists", "exists_one", "existsOne", "map", "filter"})
"""Methods that bind a name and evaluate an expression for every element."""
WORDS = frozenset({"true", "false", "null", "in"})

_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
    |(?P<string>[bB]?[rR](?:\"{3}.*?\"{3}|'{3}.*?'{3}|"[^"\n]*"|'[^'\n]*')
       |[bB]?(?:\"{3}(?:\\.|[^\\])*?\"{3}|'{3}(?:\\.|[^\\])*?'{3}|"(?:\\.|[^\\"\n])*"|'(?:\\.|[^\\'\n])*'))
    |(?P<number>0[xX][0-9a-fA-F]+[uU]?|(?:\d+\.\d+|\.\d+|\d+)(?:[eE][+-]?\d+)?[uU]?)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<mark>.)""",
    re.VERBOSE | re.DOTALL,
)


class Kind(Enum):
    """What a token is. MARK is any single character of punctuation."""

    STRING = "string"
    NUMBER = "number"
    NAME = "name"
    MARK = "mark"


@dataclass(frozen=True, slots=True)
class Token:
    """`at` is the offset of the first character in the text."""

    kind: Kind
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Reference:
    """A variable and the fields selected from it by constant names: `data.a["b"].startsWith(x)` is `data`, `(a, b)`."""

    root: str
    path: tuple[str, ...]
    at: int


def tokens(text: str) -> list[Token]:
    """All tokens of `text`, without space and comments."""
    matches = ((match.lastgroup, match) for match in _TOKEN.finditer(text))
    return [Token(Kind(group), match[0], match.start()) for group, match in matches if group != "space"]


def references(line: Sequence[Token]) -> Iterator[Reference]:
    """Every use of a variable; names of functions, fields and words of the language are none."""
    for index, token in enumerate(line):
        if token.kind is not Kind.NAME or token.text in WORDS:
            continue
        if _mark(line, index - 1) == "." or _mark(line, index + 1) == "(":
            continue
        yield Reference(token.text, _path(line, index + 1), token.at)


def bound_names(line: Sequence[Token]) -> Iterator[Token]:
    """The names that macros bind: the `x` of `list.exists(x, ...)`."""
    for index, token in enumerate(line):
        if token.text in MACROS and _mark(line, index - 1) == "." and _mark(line, index + 1) == "(":
            yield from (name for name in line[index + 2 : index + 3] if name.kind is Kind.NAME)


def macro_depth(line: Sequence[Token]) -> int:
    """How deep macros lie inside each other's arguments: the power to which the cost of an evaluation may grow."""
    deepest, level = 0, 0
    opened: list[int] = []
    for index, token in enumerate(line):
        if token.kind is not Kind.MARK:
            continue
        if token.text == "(":
            is_macro = index >= 2 and line[index - 1].text in MACROS and _mark(line, index - 2) == "."
            opened.append(1 if is_macro else 0)
            level += opened[-1]
            deepest = max(deepest, level)
        elif token.text == ")" and opened:
            level -= opened.pop()
    return deepest


def calls_with_literal(line: Sequence[Token]) -> Iterator[tuple[Token, Token]]:
    """Calls whose only argument is a text: the name and the text."""
    for index in range(len(line) - 3):
        name, argument = line[index], line[index + 2]
        called = _mark(line, index + 1) == "(" and _mark(line, index + 3) == ")"
        if called and name.kind is Kind.NAME and argument.kind is Kind.STRING:
            yield name, argument


def is_call(line: Sequence[Token], index: int) -> bool:
    """Whether the name at `index` is called."""
    return _mark(line, index + 1) == "("


def _mark(line: Sequence[Token], index: int) -> str:
    if 0 <= index < len(line) and line[index].kind is Kind.MARK:
        return line[index].text
    return ""


def _path(line: Sequence[Token], index: int) -> tuple[str, ...]:
    path: list[str] = []
    while True:
        mark = _mark(line, index)
        if mark == "." and index + 1 < len(line) and line[index + 1].kind is Kind.NAME:
            if _mark(line, index + 2) == "(":
                break
            path.append(line[index + 1].text)
            index += 2
        elif mark == "[" and _mark(line, index + 2) == "]" and _is_plain(line[index + 1]):
            path.append(line[index + 1].text[1:-1])
            index += 3
        else:
            break
    return tuple(path)


def _is_plain(token: Token) -> bool:
    """A text that means what it shows: no prefix, no escape, single quotes or double, once."""
    if token.kind is not Kind.STRING or token.text[0] not in "\"'" or "\\" in token.text:
        return False
    return token.text[:3] not in ('"""', "'''")
