"""Expressions to closures: every name, field and function is looked up once, here, and what cannot be known is an error now."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any

from forwarder.deliver.template.bounds import Exceeded
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
from forwarder.deliver.template.values import MISSING, Json, Namespace, part

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
                items = [_present(self.value(part, names), part) for part in parts]
                return lambda frame: [item(frame) for item in items]
            case MapOf(parts=pairs):
                made = [
                    (_present(self.value(key, names), key), _present(self.value(item, names), item))
                    for key, item in pairs
                ]
                return lambda frame: {_key(key(frame), expr.place): item(frame) for key, item in made}
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
        _check_arguments(expr, function)
        kind = Kind.EVENT if expr.name in ("[]", "index") and args and args[0][1] is Kind.EVENTS else Kind.ANY
        run = _calling(expr, function, [get for get, _ in args], named, strict)
        return (_present(run, expr), kind) if kind is Kind.EVENT else (run, kind)

    def _offered(self) -> str:
        return ", ".join(sorted(name for name in self._functions if name.isidentifier()))


def _calling(expr: Call, function: Function, args: list[Getter], named: dict[str, Getter], strict: bool) -> Getter:
    worked_out = [at for at, arg in enumerate(expr.args) if not isinstance(arg, Const)]
    if len(worked_out) == 1 and not named:
        at = worked_out[0]
        return _calling_one(expr, _with_constants(expr, function, at), args[at], at, strict)
    place = expr.place

    def call(frame: Frame) -> Any:
        values = [arg(frame) for arg in args]
        if strict and MISSING in values:
            at = values.index(MISSING)
            raise missing(expr.args[at].place, expr.args[at])
        try:
            result = function(*values, **{key: get(frame) for key, get in named.items()})
        except (Exceeded, ValueError, TypeError) as error:
            raise _failed(expr, error) from None
        for value in (result, *values[:1]):
            if value.__class__ in _SHIFTS and len(value) >= _FREE:
                _charge(frame, value, place)
        return result

    return call


def _with_constants(expr: Call, function: Function, at: int) -> Callable[[Any], Any]:
    """The function of its one argument that is not written in the template."""
    constants = [arg.value for arg in expr.args if isinstance(arg, Const)]
    before, behind = constants[:at], constants[at:]
    if not behind:
        return partial(function, *before)
    if not before and len(behind) == 1:
        only = behind[0]
        return lambda value: function(value, only)
    return lambda value: function(*before, value, *behind)


def _calling_one(expr: Call, function: Callable[[Any], Any], of: Getter, at: int, strict: bool) -> Getter:
    place, arg = expr.place, expr.args[at]

    def call(frame: Frame) -> Any:
        value = of(frame)
        if value is MISSING and strict:
            raise missing(arg.place, arg)
        try:
            result = function(value)
        except (Exceeded, ValueError, TypeError) as error:
            raise _failed(expr, error) from None
        if value.__class__ in _SHIFTS and len(value) >= _FREE:
            _charge(frame, value, place)
        if result.__class__ in _SHIFTS and len(result) >= _FREE:
            _charge(frame, result, place)
        return result

    return call


_SHIFTS: Mapping[type, int] = {str: 6, Json: 6, list: 2, tuple: 2, range: 2, dict: 2, Namespace: 2}
"""Steps for going through a value: one for each 64 characters or 4 items, as the power of two."""
_FREE = 64  # what is shorter costs no more than the call, which the loop around it has counted


def _charge(frame: Frame, value: Any, place: Place) -> None:
    frame.work -= len(value) >> _SHIFTS[value.__class__]
    if frame.work < 0:
        raise out_of_work(place)


def _failed(expr: Call, error: Exception) -> RenderError:
    """What a function could not do. Python's own words for a wrong type are of no use to people, and may quote values."""
    word = expr.name.removeprefix("is ").removeprefix("call ").lstrip(".")
    said = "does not work on values of these kinds" if isinstance(error, TypeError) else str(error)
    return RenderError(expr.place, f"{word}: {said}", bounded=isinstance(error, Exceeded))


def out_of_work(place: Place) -> RenderError:
    """The bound on loops and calls is reached."""
    return RenderError(place, "the template loops and calls more than one rendering may", bounded=True)


def missing(place: Place, expr: Expr) -> RenderError:
    """A value that is needed is not there."""
    return RenderError(place, f"{described(expr)} is missing (default makes it optional)")


def _present(get: Getter, expr: Expr) -> Getter:
    """The value, which must be there."""
    if isinstance(expr, Const):
        return get

    def present(frame: Frame) -> Any:
        value = get(frame)
        if value is MISSING:
            raise missing(expr.place, expr)
        return value

    return present


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


def _key(value: Any, place: Place) -> str:
    if not isinstance(value, str):
        raise RenderError(place, "a mapping's keys must be texts")
    return str(value)


def _check_arguments(expr: Call, function: Function) -> None:
    """Too many or too few arguments are told when the template is loaded."""
    try:
        inspect.signature(function).bind(*expr.args, **dict(expr.named))
    except TypeError as error:
        shown = expr.name.removeprefix("is ").removeprefix("call ").lstrip(".")
        said = str(error).replace(" positional", "")
        raise TemplateError(expr.place, f"{shown}: {said}") from None
    except ValueError:
        return
