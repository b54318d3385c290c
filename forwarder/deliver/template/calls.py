"""Calls of functions as closures: missing arguments, what a function cannot do, and how much work it was."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from forwarder.deliver.template.bounds import Exceeded
from forwarder.deliver.template.frame import Frame
from forwarder.deliver.template.functions import Function
from forwarder.deliver.template.scope import Getter
from forwarder.deliver.template.tree import Call, Const, Expr, Place, RenderError, TemplateError, described
from forwarder.deliver.template.values import FLAT, MISSING, Json, Namespace, weight


def calling(expr: Call, function: Function, args: list[Getter], named: dict[str, Getter], strict: bool) -> Getter:
    """A call as a step of an expression. `strict`: an argument that is missing ends the rendering."""
    worked_out = [at for at, arg in enumerate(expr.args) if not isinstance(arg, Const)]
    if len(worked_out) == 1 and not named:
        at = worked_out[0]
        return _calling_one(expr, _with_constants(expr, function, at), args[at], at, strict)
    place, charge = expr.place, _charge if expr.name in _SHALLOW else charge_whole

    def call(frame: Frame) -> Any:
        values = [arg(frame) for arg in args]
        if strict and MISSING in values:
            at = values.index(MISSING)
            raise missing(expr.args[at].place, expr.args[at])
        others = {key: get(frame) for key, get in named.items()}
        for value in (*values, *others.values()):
            charge(frame, value, place)
        try:
            result = function(*values, **others)
        except (Exceeded, ValueError, TypeError) as error:
            raise _failed(expr, error) from None
        _charge(frame, result, place)
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
    charge = _charge if expr.name in _SHALLOW else charge_whole

    def call(frame: Frame) -> Any:
        value = of(frame)
        if value is MISSING and strict:
            raise missing(arg.place, arg)
        if value.__class__ is not str or len(value) >= _FREE:
            charge(frame, value, place)
        try:
            result = function(value)
        except (Exceeded, ValueError, TypeError) as error:
            raise _failed(expr, error) from None
        if result.__class__ is not bool and (result.__class__ is not str or len(result) >= _FREE):
            _charge(frame, result, place)
        return result

    return call


_SHIFTS: Mapping[type, int] = {str: 6, Json: 6, list: 2, tuple: 2, range: 2, dict: 2, Namespace: 2}
"""Steps for going through a value: one for each 64 characters or 4 items, as the power of two."""
_FREE = 64  # what is shorter costs no more than the call, which the loop around it has counted
_SHALLOW = frozenset({
    "length", "count", "len", "first", "last", "default", "d", "[]", "[:]", ".get", "index", "slice", "list", "reverse", "items",
    ".items", ".keys", ".values", "map", "is none", "is string", "is number", "is boolean", "is true", "is false", "is mapping",
    "is sequence", "is iterable", "json", "toJson", "tojson", "string",
})  # fmt: skip
"""Functions that look at a list's or a mapping's own items only, or whose result tells how much they did. The others write, compare
or order all that is in it."""


def _charge(frame: Frame, value: Any, place: Place) -> None:
    shift = _SHIFTS.get(value.__class__)
    if shift is not None:
        frame.work -= len(value) >> shift
        if frame.work < 0:
            raise out_of_work(place)


def charge_whole(frame: Frame, value: Any, place: Place) -> None:
    """Steps for all that is in a value, however deep: taken before something goes through it. Raises RenderError."""
    if value.__class__ in FLAT:
        return
    frame.work -= weight(value, frame.work)
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


def present(get: Getter, expr: Expr) -> Getter:
    """The value, which must be there."""
    if isinstance(expr, Const):
        return get

    def checked(frame: Frame) -> Any:
        value = get(frame)
        if value is MISSING:
            raise missing(expr.place, expr)
        return value

    return checked


def check_arguments(expr: Call, function: Function) -> None:
    """Too many or too few arguments are told when the template is loaded."""
    try:
        inspect.signature(function).bind(*expr.args, **dict(expr.named))
    except TypeError as error:
        shown = expr.name.removeprefix("is ").removeprefix("call ").lstrip(".")
        said = str(error).replace(" positional", "")
        raise TemplateError(expr.place, f"{shown}: {said}") from None
    except ValueError:
        return
