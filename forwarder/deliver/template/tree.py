"""What a template is made of, whatever syntax it was written in: text, values that are written out, decisions, loops.

Holds places for messages; evaluates nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in a template, 1-based."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.line}:{self.column}"


def place_in(source: str, at: int) -> Place:
    """The place of a character."""
    return Place(source.count("\n", 0, at) + 1, at - source.rfind("\n", 0, at))


class TemplateError(Exception):
    """A template that cannot be used. `str()` starts with line and column."""

    def __init__(self, place: Place, text: str) -> None:
        super().__init__(f"{place}: {text}")
        self.place = place


class RenderError(Exception):
    """One rendering that cannot be finished. `str()` starts with line and column and quotes no value of an event.

    `bounded`: the template asked for more than a rendering may take. `event` is the index in the batch, where one is to blame.
    """

    def __init__(self, place: Place, text: str, *, bounded: bool = False) -> None:
        super().__init__(f"{place}: {text}")
        self.bounded = bounded
        self.event: int | None = None


class Writing(Enum):
    """How a value is written out: as plain text, as text inside a JSON string, or as a JSON value."""

    PLAIN = "plain"
    QUOTED = "quoted"
    VALUE = "value"


@dataclass(frozen=True, slots=True)
class Node:
    """Anything with a place."""

    place: Place


@dataclass(frozen=True, slots=True)
class Const(Node):
    """A literal."""

    value: Any


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A variable. `.` is Go's dot, `$` all variables together."""

    name: str


@dataclass(frozen=True, slots=True)
class Field(Node):
    """A named part of a value."""

    of: Expr
    key: str


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function of the syntax's own table."""

    name: str
    args: tuple[Expr, ...]
    named: tuple[tuple[str, Expr], ...] = ()


@dataclass(frozen=True, slots=True)
class Both(Node):
    """The first part that decides: with `until` True the first true one (or), with False the first false one (and); else the
    last."""

    parts: tuple[Expr, ...]
    until: bool


@dataclass(frozen=True, slots=True)
class Not(Node):
    """Not true."""

    of: Expr


@dataclass(frozen=True, slots=True)
class Choice(Node):
    """One of two values."""

    test: Expr
    then: Expr
    other: Expr | None


@dataclass(frozen=True, slots=True)
class Defined(Node):
    """Whether a value is there at all."""

    of: Expr


@dataclass(frozen=True, slots=True)
class ListOf(Node):
    """A list."""

    parts: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class MapOf(Node):
    """A mapping."""

    parts: tuple[tuple[Expr, Expr], ...]


Expr = Const | Name | Field | Call | Both | Not | Choice | Defined | ListOf | MapOf


@dataclass(frozen=True, slots=True)
class Text(Node):
    """Text as it stands."""

    text: str


@dataclass(frozen=True, slots=True)
class Emit(Node):
    """A value, written out."""

    of: Expr
    writing: Writing = Writing.PLAIN


@dataclass(frozen=True, slots=True)
class If(Node):
    """The first arm whose test holds, else `other`."""

    arms: tuple[tuple[Expr, Block], ...]
    other: Block = ()


@dataclass(frozen=True, slots=True)
class For(Node):
    """The body for each item. With two targets: key (or index, where `counted`) and value. `loop`: Jinja's variable of that name.

    `other` stands in for nothing at all.
    """

    targets: tuple[str, ...]
    of: Expr
    body: Block
    other: Block = ()
    test: Expr | None = None
    loop: bool = False
    counted: bool = False


@dataclass(frozen=True, slots=True)
class Let(Node):
    """A variable of the block that it stands in."""

    name: str
    of: Expr


@dataclass(frozen=True, slots=True)
class Put(Node):
    """Another value for a variable that there is already; with `key`, for a part of a namespace."""

    name: str
    of: Expr
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Scope(Node):
    """A block whose variables end with it."""

    body: Block = field(default=())


Statement = Text | Emit | If | For | Let | Put | Scope
Block = tuple[Statement, ...]


def described(expr: Expr) -> str:
    """A value as people would write it, for messages: names only, never contents."""
    match expr:
        case Name(name=name):
            return name
        case Field(of=Name(name="." | "$"), key=key):
            return key
        case Field(of=of, key=key):
            return f"{described(of)}.{key}"
        case Call(name="[]" | "index", args=(of, Const(value=str() | int() as key), *_)):
            return f"{described(of)}[{key!r}]"
        case Call(name=name):
            return f"the result of {name}"
    return "a value"
