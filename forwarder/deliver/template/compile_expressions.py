"""Expressions to closures: every name, field and function is looked up once, here, and what cannot be known is an error now."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from forwarder.deliver.template.calls import calling, charge_whole, check_arguments, present
from forwarder.deliver.template.frame import Frame
from forwarder.deliver.template.functions import Function
from forwarder.deliver.template.scope import Getter, Kind, Names, Vocabulary, near
from forwarder.deliver.template.tree import (
    Both,
    Call,
    Choice,
    Const,
    Defined,
    Expr,
    Field,
    ListOf,
    MapOf,
    Name,
    Not,
    Place,
    RenderError,
    TemplateError,
    described,
)
from forwarder.deliver.template.values import MISSING, Namespace, part

Compiled = tuple[Getter, Kind]


class Expressions:
    """Compiles expressions of one syntax. `count` grows with every node: what a pass over them costs."""

    def __init__(self, functions: Mapping[str, Function], lenient: Collection[str], vocabulary: Vocabulary) -> None:
        self.count = 0
        self._functions = functions
        self._lenient = lenient
        self._vocabulary = vocabulary

    def value(self, expr: Expr, names: Names) -> Getter:
        """As `compiled`, for a value that is worked with. Raises TemplateError."""
        get, kind = self.compiled(expr, names)
        self._check_kind(expr, kind, needed=False)
        return get

    def needed(self, expr: Expr, names: Names) -> Getter:
        """As `value`, for one that must be there. Raises TemplateError where it is known that it never is."""
        get, kind = self.compiled(expr, names)
        self._check_kind(expr, kind, needed=True)
        return get

    def _check_kind(self, expr: Expr, kind: Kind, *, needed: bool) -> None:
        if kind is Kind.ROOT:
            raise TemplateError(expr.place, f"all variables together are no value; name one: {self._known()}")
        if needed and kind is Kind.ABSENT:
            given = ", ".join(self._vocabulary.values) or "none"
            raise TemplateError(expr.place, f"{described(expr)} is not among `payload.values` (given: {given})")

    def compiled(self, expr: Expr, names: Names) -> Compiled:
        """How to get the value, and what is known of it. Raises TemplateError."""
        self.count += 1
        match expr:
            case Const(value=value):
                return (lambda frame: value), Kind.ANY
            case Name():
                return self._name(expr, names)
            case Field(of=of, key=key):
                return self._field(expr.place, self.compiled(of, names), key)
            case Call():
                return self._call(expr, names)
            case _:
                return self._composed(expr, names), Kind.ANY

    def _composed(self, expr: Expr, names: Names) -> Getter:
        match expr:
            case Both(parts=parts, until=until):
                return _both([self.value(part, names) for part in parts], until)
            case Not(of=of):
                inner = self.value(of, names)
                return lambda frame: not inner(frame)
            case Defined(of=of):
                found = self.value(of, names)
                return lambda frame: found(frame) is not MISSING
            case Choice(test=test, then=then, other=other):
                branches = [self.value(one, names) for one in (test, then)]
                last = self.value(other, names) if other is not None else _nothing
                return lambda frame: branches[1](frame) if branches[0](frame) else last(frame)
            case ListOf(parts=parts):
                items = [present(self.value(part, names), part) for part in parts]
                return _weighed(lambda frame: [item(frame) for item in items], expr.place)
            case MapOf(parts=pairs):
                made = [
                    (present(self.value(key, names), key), present(self.value(item, names), item))
                    for key, item in pairs
                ]
                return _weighed(
                    lambda frame: {_key(key(frame), expr.place): item(frame) for key, item in made}, expr.place
                )
        raise TemplateError(expr.place, "this cannot be used here")

    def _name(self, expr: Name, names: Names) -> Compiled:
        slot = names.find(expr.name)
        if slot is not None:
            index = slot.index
            return (lambda frame: frame.slots[index]), slot.kind
        if expr.name in (".", "$"):
            return _nothing, Kind.ROOT
        return self._variable(expr.place, expr.name)

    def _variable(self, place: Place, name: str) -> Compiled:
        known = self._vocabulary.variables.get(name)
        if known is not None:
            return known.get, known.kind
        if name in self._vocabulary.elsewhere:
            raise TemplateError(place, f"{name} {self._vocabulary.elsewhere[name]}")
        guess = near(name, self._vocabulary.variables)
        raise TemplateError(place, f"unknown variable {name}{guess}; there are {self._known()}")

    def _known(self) -> str:
        return ", ".join(self._vocabulary.variables)

    def _field(self, place: Place, of: Compiled, key: str) -> Compiled:
        get, kind = of
        if kind is Kind.ROOT:
            return self._variable(place, key)
        if kind is Kind.EVENT:
            fields = self._vocabulary.fields
            if key not in fields:
                raise TemplateError(
                    place, f"an event has no field {key}{near(key, fields)}; there are {', '.join(fields)}"
                )
            event = self._vocabulary.variables.get("event")
            if event is not None and get is event.get:
                return self._vocabulary.direct[key], Kind.ANY
            return (lambda frame: get(frame).field(key)), Kind.ANY
        if kind is Kind.VALUES and key not in self._vocabulary.values:
            return _nothing, Kind.ABSENT

        def field(frame: Frame) -> Any:
            value = get(frame)
            return value.get(key, MISSING) if value.__class__ is dict else part(value, key)

        return field, Kind.ANY

    def _call(self, expr: Call, names: Names) -> Compiled:
        function = self._functions.get(expr.name)
        if function is None:
            raise TemplateError(
                expr.place,
                f"unknown function {expr.name}{near(expr.name, self._functions)}; there are {self._offered()}",
            )
        args = [self.compiled(arg, names) for arg in expr.args]
        strict = expr.name not in self._lenient
        for arg, (_, kind) in zip(expr.args, args, strict=True):
            self._check_kind(arg, kind, needed=strict)
        named = {name: self.value(value, names) for name, value in expr.named}
        check_arguments(expr, function)
        kind = Kind.EVENT if expr.name in ("[]", "index") and args and args[0][1] is Kind.EVENTS else Kind.ANY
        run = calling(expr, function, [get for get, _ in args], named, strict)
        return (present(run, expr), kind) if kind is Kind.EVENT else (run, kind)

    def _offered(self) -> str:
        return ", ".join(sorted(name for name in self._functions if name.isidentifier()))


def _nothing(frame: Frame) -> Any:
    return MISSING


def _both(parts: list[Getter], until: bool) -> Getter:
    *first, last = parts

    def both(frame: Frame) -> Any:
        for get in first:
            value = get(frame)
            if bool(value) is until:
                return value
        return last(frame)

    return both


def _weighed(make: Getter, place: Place) -> Getter:
    """A list or mapping that the template makes. A namespace in it could be filled later on, when nobody weighs it any more."""

    def made(frame: Frame) -> Any:
        value = make(frame)
        if any(one.__class__ is Namespace for one in (value.values() if value.__class__ is dict else value)):
            raise RenderError(place, "a namespace() cannot be kept in another value")
        charge_whole(frame, value, place)
        return value

    return made


def _key(value: Any, place: Place) -> str:
    if not isinstance(value, str):
        raise RenderError(place, "a mapping's keys must be texts")
    return str(value)
