"""Structured field values (RFC 9651), as far as RFC 9421 and RFC 9530 need them: dictionaries of byte sequences and inner lists."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

Bare = int | str | bytes | bool
Parameters = Mapping[str, Bare]

_KEY = re.compile(r"[a-z*][a-z0-9_.*-]*")
_INTEGER = re.compile(r"-?[0-9]{1,15}(?![0-9.])")
_STRING = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')
_TOKEN = re.compile(r"[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*")
_BYTES = re.compile(r":([A-Za-z0-9+/]*={0,2}):")
_SPACE = re.compile(r"[ \t]*")


class Malformed(ValueError):
    """Not written as RFC 9651 has it. The text is for people."""


@dataclass(frozen=True, slots=True)
class InnerList:
    """`("a" "b");x=1`. The items are strings, each with its own parameters."""

    items: tuple[tuple[str, Parameters], ...]
    parameters: Parameters = field(default_factory=dict)

    def __str__(self) -> str:
        items = " ".join(quoted(text) + written(parameters) for text, parameters in self.items)
        return f"({items}){written(self.parameters)}"


Member = InnerList | Bare


def quoted(text: str) -> str:
    """A string (RFC 9651, section 4.1.6)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def written(parameters: Parameters) -> str:
    """`;a=1;b="x"`."""
    return "".join(f";{name}" + ("" if value is True else f"={_bare(value)}") for name, value in parameters.items())


def _bare(value: Bare) -> str:
    match value:
        case bool():
            return f"?{int(value)}"
        case bytes():
            return f":{base64.b64encode(value).decode('ascii')}:"
        case int():
            return str(value)
        case str():
            return quoted(value)


def dictionary(members: Mapping[str, Member]) -> str:
    """`a=(...), b=:...:`."""
    return ", ".join(
        f"{name}={value if isinstance(value, InnerList) else _bare(value)}" for name, value in members.items()
    )


def parse_dictionary(text: str) -> dict[str, Member]:
    """The members in their order; parameters of members that are no inner list are dropped. Raises Malformed."""
    reader = _Reader(text.strip(" "))
    found: dict[str, Member] = {}
    while not reader.ended:
        name = reader.take(_KEY, "a name")
        found[name] = reader.member() if reader.skip("=") else True
        if not isinstance(found[name], InnerList):
            reader.parameters()
        reader.take(_SPACE, "")
        if reader.ended:
            break
        reader.expect(",")
        reader.take(_SPACE, "")
        if reader.ended:
            raise Malformed("a comma stands at the end")
    return found


class _Reader:
    """A text and how far it was read."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    @property
    def ended(self) -> bool:
        return self._at >= len(self._text)

    def skip(self, character: str) -> bool:
        """Go past `character` if it comes next."""
        if self._text[self._at : self._at + 1] != character:
            return False
        self._at += 1
        return True

    def expect(self, character: str) -> None:
        if not self.skip(character):
            raise Malformed(f"`{character}` is expected at character {self._at + 1}")

    def take(self, pattern: re.Pattern[str], what: str) -> str:
        """What the pattern matches here: its group, where it has one."""
        found = pattern.match(self._text, self._at)
        if found is None:
            raise Malformed(f"{what} is expected at character {self._at + 1}")
        self._at = found.end()
        return found.group(found.lastindex or 0)

    def member(self) -> Member:
        if not self.skip("("):
            return self.bare()
        items: list[tuple[str, Parameters]] = []
        while True:
            while self.skip(" "):
                pass
            if self.skip(")"):
                return InnerList(tuple(items), self.parameters())
            text = self.take(_STRING, "a quoted name")
            items.append((_unescaped(text), self.parameters()))

    def parameters(self) -> Parameters:
        found: dict[str, Bare] = {}
        while self.skip(";"):
            while self.skip(" "):
                pass
            name = self.take(_KEY, "a parameter's name")
            found[name] = self.bare() if self.skip("=") else True
        return found

    def bare(self) -> Bare:
        first = self._text[self._at : self._at + 1]
        if first == '"':
            return _unescaped(self.take(_STRING, "a string"))
        if first == ":":
            return _decoded(self.take(_BYTES, "a byte sequence"))
        if first == "?":
            self._at += 1
            return self.take(re.compile("[01]"), "0 or 1") == "1"
        if first.isalpha() or first == "*":
            return self.take(_TOKEN, "a token")
        return int(self.take(_INTEGER, "a value"))


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _decoded(text: str) -> bytes:
    """Canonical base64 alone: what decodes to the same bytes in another writing is not the same signature header."""
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("a byte sequence is no base64") from None
    if base64.b64encode(found).decode("ascii") != text:
        raise Malformed("a byte sequence is no canonical base64")
    return found
