"""Jinja's syntax to a tree. Jinja's own parser reads it (https://jinja.palletsprojects.com); nothing of its run time is used.

No generated code and no attribute of a Python object is ever reached, so that there is nothing to break out of. What is refused
is refused by its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.lexer import TokenStream

from forwarder.deliver.template.jinja_functions import FILTERS, METHODS, TESTS
from forwarder.deliver.template.scope import near
from forwarder.deliver.template.tree import (
    Block,
    Both,
    Call,
    Choice,
    Const,
    Defined,
    Emit,
    Expr,
    Field,
    For,
    If,
    Let,
    ListOf,
    MapOf,
    Name,
    Not,
    Place,
    Put,
    Scope,
    Statement,
    TemplateError,
    Text,
)

_BINARY: dict[type[nodes.Expr], str] = {
    nodes.Add: "+",
    nodes.Sub: "-",
    nodes.Mul: "*",
    nodes.Div: "/",
    nodes.FloorDiv: "//",
    nodes.Mod: "%",
    nodes.Pow: "**",
}
_COMPARISONS = {
    "eq": "==", "ne": "!=", "lt": "<", "lteq": "<=", "gt": ">", "gteq": ">=", "in": "in", "notin": "not in",
}  # fmt: skip
_STATEMENTS: dict[type[nodes.Node], str] = {
    nodes.Macro: "macro",
    nodes.CallBlock: "call",
    nodes.FilterBlock: "filter",
    nodes.AssignBlock: "set with a block",
    nodes.Include: "include",
    nodes.Import: "import",
    nodes.FromImport: "from",
    nodes.Extends: "extends",
    nodes.Block: "block",
    nodes.ScopedEvalContextModifier: "autoescape",
}
_GLOBALS = ("range", "namespace")
_LINE_END = re.compile(r"\r\n?")


class _Spot(int):
    """A line number that knows its column: the parser hands it on to nodes and errors."""

    column = 1


class _Placed(Environment):
    """Jinja's environment, its tokens with columns."""

    def _tokenize(
        self, source: str, name: str | None, filename: str | None = None, state: str | None = None
    ) -> TokenStream:
        tokens = _located(self.lexer.tokeniter(source, name, filename, state), source)
        return TokenStream(self.lexer.wrap(tokens, name, filename), name, filename)


_ENVIRONMENT = _Placed(keep_trailing_newline=True, autoescape=False)


def _located(tokens: Iterator[tuple[int, str, str]], source: str) -> Iterator[tuple[int, str, str]]:
    """Tokens come in order and only white space is left out between them, so each is the next occurrence of its text."""
    at = 0
    for line, kind, text in tokens:
        found = source.find(text, at)
        spot = _Spot(line)
        if found >= 0:
            spot = _Spot(source.count("\n", 0, found) + 1)
            spot.column = found - source.rfind("\n", 0, found)
            at = found + len(text)
        yield spot, kind, text


def read(source: str) -> Block:
    """The tree of a template. Raises TemplateError."""
    try:
        parsed = _ENVIRONMENT.parse(_LINE_END.sub("\n", source))
    except TemplateSyntaxError as error:
        raise TemplateError(_place_of(error.lineno), str(error.message)) from None
    return _block(parsed.body)


def _place_of(line: int) -> Place:
    return Place(int(line), getattr(line, "column", 1))


def _at(node: nodes.Node) -> Place:
    return _place_of(node.lineno)


def _block(body: list[nodes.Node]) -> Block:
    return tuple(statement for node in body for statement in _statements(node))


def _statements(node: nodes.Node) -> Iterator[Statement]:
    place = _at(node)
    match node:
        case nodes.Output():
            for part in node.nodes:
                yield (
                    Text(_at(part), part.data) if isinstance(part, nodes.TemplateData) else Emit(_at(part), _expr(part))
                )
        case nodes.If():
            arms = [(_expr(one.test), _block(one.body)) for one in (node, *node.elif_)]
            yield If(place, tuple(arms), _block(node.else_))
        case nodes.For():
            yield _loop(node)
        case nodes.Assign():
            yield _assigned(node)
        case nodes.With():
            names = [_target(target) for target in node.targets]
            values = [_expr(value) for value in node.values]
            made = [Let(place, name, value) for name, value in zip(names, values, strict=True)]
            yield Scope(place, (*made, *_block(node.body)))
        case _:
            word = _STATEMENTS.get(type(node), type(node).__name__.lower())
            raise TemplateError(place, f"{word} is not available here; there are if, for, set and with")


def _loop(node: nodes.For) -> Statement:
    if node.recursive:
        raise TemplateError(_at(node), "a recursive loop is not available here")
    parts = node.target.items if isinstance(node.target, nodes.Tuple) else [node.target]
    return For(
        _at(node),
        tuple(_target(part) for part in parts),
        _expr(node.iter),
        _block(node.body),
        _block(node.else_),
        _expr(node.test) if node.test else None,
        loop=True,
    )


def _target(node: nodes.Node) -> str:
    if not isinstance(node, nodes.Name):
        raise TemplateError(_at(node), "a name is expected here")
    return str(node.name)


def _assigned(node: nodes.Assign) -> Statement:
    value = _expr(node.node)
    if isinstance(node.target, nodes.NSRef):
        return Put(_at(node), node.target.name, value, node.target.attr)
    return Let(_at(node), _target(node.target), value)


def _expr(node: nodes.Node) -> Expr:
    place = _at(node)
    match node:
        case nodes.Const():
            return Const(place, node.value)
        case nodes.Name():
            return Name(place, node.name)
        case nodes.Getattr():
            return Field(place, _expr(node.node), node.attr)
        case nodes.Getitem():
            return _item(node)
        case nodes.Filter() | nodes.Test() | nodes.Call():
            return _function(node)
        case nodes.And() | nodes.Or():
            return Both(place, (_expr(node.left), _expr(node.right)), isinstance(node, nodes.Or))
        case nodes.Not():
            return Not(place, _expr(node.node))
        case nodes.CondExpr():
            return Choice(place, _expr(node.test), _expr(node.expr1), _expr(node.expr2) if node.expr2 else None)
        case nodes.Compare():
            return _comparison(node)
        case _:
            return _worked_out(node)


def _worked_out(node: nodes.Node) -> Expr:
    place = _at(node)
    match node:
        case nodes.Tuple() | nodes.List():
            return ListOf(place, tuple(map(_expr, node.items)))
        case nodes.Dict():
            return MapOf(place, tuple((_expr(pair.key), _expr(pair.value)) for pair in node.items))
        case nodes.Concat():
            return Call(place, "~", tuple(map(_expr, node.nodes)))
        case nodes.Neg() | nodes.Pos():
            return Call(place, "negative" if isinstance(node, nodes.Neg) else "positive", (_expr(node.node),))
        case nodes.BinExpr():
            return Call(place, _BINARY[type(node)], (_expr(node.left), _expr(node.right)))
    raise TemplateError(place, f"{type(node).__name__.lower()} is not available here")


def _item(node: nodes.Getitem) -> Expr:
    of, key = _expr(node.node), node.arg
    if isinstance(key, nodes.Slice):
        ends = [_expr(end) if end is not None else Const(_at(node), None) for end in (key.start, key.stop, key.step)]
        return Call(_at(node), "[:]", (of, *ends))
    if isinstance(key, nodes.Const) and isinstance(key.value, str):
        return Field(_at(node), of, key.value)
    return Call(_at(node), "[]", (of, _expr(key)))


def _comparison(node: nodes.Compare) -> Expr:
    left, made = _expr(node.expr), []
    for operand in node.ops:
        right = _expr(operand.expr)
        made.append(Call(_at(operand.expr), _COMPARISONS[operand.op], (left, right)))
        left = right
    return made[0] if len(made) == 1 else Both(_at(node), tuple(made), False)


def _function(node: Any) -> Expr:
    """A filter, a test, one of the few global functions, or a method that stands for a filter."""
    place = _at(node)
    if node.dyn_args is not None or node.dyn_kwargs is not None:
        raise TemplateError(place, "arguments are written one by one here, without * and **")
    args = tuple(map(_expr, node.args))
    named = tuple((pair.key, _expr(pair.value)) for pair in node.kwargs)
    if isinstance(node, nodes.Call):
        return _called(node, args, named)
    of = _expr(node.node) if node.node is not None else Const(place, None)
    if isinstance(node, nodes.Filter):
        _known(place, "filter", node.name, FILTERS)
        return Call(place, node.name, (of, *args), named)
    _known(place, "test", node.name, TESTS)
    if node.name in ("defined", "undefined"):
        return Defined(place, of) if node.name == "defined" else Not(place, Defined(place, of))
    return Call(place, f"is {node.name}", (of, *args), named)


def _called(node: nodes.Call, args: tuple[Expr, ...], named: tuple[tuple[str, Expr], ...]) -> Expr:
    place, function = _at(node), node.node
    if isinstance(function, nodes.Name) and function.name in _GLOBALS:
        return Call(place, f"call {function.name}", args, named)
    if isinstance(function, nodes.Getattr) and function.attr in METHODS:
        return Call(place, f".{function.attr}", (_expr(function.node), *args), named)
    if isinstance(function, nodes.Getattr):
        raise TemplateError(_at(function), f"unknown method {function.attr}{near(function.attr, METHODS)}")
    name = function.name if isinstance(function, nodes.Name) else "here"
    raise TemplateError(place, f"unknown function {name}; there are {', '.join(_GLOBALS)}, and filters: value | upper")


def _known(place: Place, what: str, name: str, known: frozenset[str]) -> None:
    if name in ("safe", "escape", "e", "forceescape"):
        raise TemplateError(
            place, f"there is no filter {name}: every value is escaped for its place, and none can be left out"
        )
    if name not in known:
        raise TemplateError(place, f"unknown {what} {name}{near(name, known)}; there are {', '.join(sorted(known))}")
