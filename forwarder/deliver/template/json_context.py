"""Finds out for each value of a JSON template whether it stands inside a string, so that it is escaped for its place.

Every way through the template must agree on it; a template that lets a value follow a backslash, or ends a branch inside a
string that another branch closes, is refused. That is why no value can ever end the string that it stands in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import msgspec

from forwarder.deliver.template.tree import (
    Block,
    Emit,
    For,
    If,
    Place,
    Scope,
    Statement,
    TemplateError,
    Text,
    Writing,
    place_in,
)

_STEP = re.compile(r'[^"]*"')
_INSIDE = re.compile(r'[^"\\\x00-\x1f]*')
_ESCAPE = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})')


@dataclass(frozen=True, slots=True)
class State:
    """Where the text is: `opened` is the place of the string that it is inside of."""

    opened: Place | None = None


OUTSIDE = State()


def escaped(body: Block) -> Block:
    """The template with every value's way of writing decided. Raises TemplateError."""
    made, end = _block(body, OUTSIDE)
    if end.opened is not None:
        raise TemplateError(end.opened, "the JSON string that starts here is never closed")
    return made


def _block(body: Block, state: State) -> tuple[Block, State]:
    made: list[Statement] = []
    for statement in body:
        one, state = _statement(statement, state)
        made.append(one)
    return tuple(made), state


def _statement(statement: Statement, state: State) -> tuple[Statement, State]:
    match statement:
        case Text():
            return statement, _after(statement, state)
        case Emit():
            return replace(statement, writing=Writing.QUOTED if state.opened else Writing.VALUE), state
        case If(arms=arms, other=other):
            made = [(test, *_block(body, state)) for test, body in arms]
            rest, end = _block(other, state)
            for _, _, reached in made:
                _agree(statement.place, reached, end, "the branches of this decision end")
            return replace(statement, arms=tuple((test, body) for test, body, _ in made), other=rest), end
        case For(body=body, other=other):
            inner, reached = _block(body, state)
            _agree(statement.place, reached, state, "a pass through this loop starts and ends")
            rest, end = _block(other, state)
            _agree(statement.place, end, state, "this loop and its else end")
            return replace(statement, body=inner, other=rest), state
        case Scope(body=body):
            inner, end = _block(body, state)
            return replace(statement, body=inner), end
        case _:
            return statement, state


def _agree(place: Place, one: State, other: State, what: str) -> None:
    if bool(one.opened) is not bool(other.opened):
        raise TemplateError(
            place, f"{what} once inside a JSON string and once outside: open and close it in the same branch"
        )


def _after(statement: Text, state: State) -> State:
    """The state behind a piece of text."""
    text, at, opened = statement.text, 0, state.opened
    while True:
        if opened is None:
            found = _STEP.match(text, at)
            if found is None:
                return OUTSIDE
            at = found.end()
            opened = _place(statement, at - 1)
        at = _string_end(statement, at)
        if at < 0:
            return State(opened)
        opened = None


def _string_end(statement: Text, at: int) -> int:
    """Behind the quotation mark that ends the string; -1 where the text ends first. Raises TemplateError."""
    text = statement.text
    while True:
        found = _INSIDE.match(text, at)
        at = found.end() if found else at
        if at >= len(text):
            return -1
        if text[at] == '"':
            return at + 1
        escape = _ESCAPE.match(text, at)
        if escape is None:
            said = "a line break or control character inside a JSON string; write \\n, or \\u and four digits"
            if text[at] == "\\":
                said = "a backslash inside a JSON string that starts no JSON escape (a value cannot follow it either)"
            raise TemplateError(_place(statement, at), said)
        at = escape.end()


def _place(statement: Text, at: int) -> Place:
    inside = place_in(statement.text, at)
    start = statement.place
    column = inside.column + (start.column - 1 if inside.line == 1 else 0)
    return Place(start.line + inside.line - 1, column)


def check_shape(body: Block) -> None:
    """A template without decisions and loops can be tried at once: it is JSON with a number or with a text for every value.

    Takes what `escaped` gave. Raises TemplateError.
    """
    if not all(isinstance(statement, Text | Emit) for statement in body):
        return
    errors = [error for value in ('"x"', "0") if (error := _not_json(body, value))]
    if len(errors) == 2:
        raise TemplateError(body[0].place if body else Place(1, 1), f"this never gives JSON: {errors[0]}")


def _not_json(body: Block, value: str) -> str:
    made = [statement.text if isinstance(statement, Text) else _stand_in(statement, value) for statement in body]
    try:
        msgspec.json.decode("".join(made).encode("utf-8", "replace"))
    except msgspec.DecodeError as error:
        return str(error).removeprefix("JSON is malformed: ")
    return ""


def _stand_in(statement: Statement, value: str) -> str:
    return "x" if isinstance(statement, Emit) and statement.writing is Writing.QUOTED else value
