"""Jinja's filters, tests, operators and globals (https://jinja.palletsprojects.com/en/stable/templates), as far as they make sense
on JSON. One table: a filter has its own name, a test starts with `is `, an operator is its sign."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from forwarder.deliver.template import functions as common
from forwarder.deliver.template.bounds import MAX_BITS, items_fit, room_for, text_fits
from forwarder.deliver.template.dates import date
from forwarder.deliver.template.functions import Function, kind, number, same, series, text, whole
from forwarder.deliver.template.jinja_lists import (
    attributes,
    end_at,
    extreme_by,
    in_order,
    pairs,
    sum_of,
    unique,
)
from forwarder.deliver.template.values import MISSING, Missing, Namespace, Whole, part


def _default(value: Any, default_value: Any = "", boolean: Any = False) -> Any:
    if value is MISSING or value is None or (boolean and not value):
        return default_value
    return value


def _arithmetic(work: Callable[[Any, Any], Any]) -> Function:
    def calculate(left: Any, right: Any) -> Any:
        try:
            result = work(number(left), number(right))
        except (ZeroDivisionError, OverflowError) as error:
            raise ValueError(f"cannot be worked out: {error}") from None
        if isinstance(result, int):
            room_for(result.bit_length(), MAX_BITS, "a number in bits")
        return result

    return calculate


def _power(base: Any, exponent: Any) -> Any:
    if isinstance(base, int) and isinstance(exponent, int):
        room_for(base.bit_length() * max(0, exponent), MAX_BITS, "a number in bits")
    result = base**exponent
    if isinstance(result, complex):
        raise ValueError("the root of a negative number")
    return result


def _add(left: Any, right: Any) -> Any:
    if isinstance(left, str) and isinstance(right, str):
        text_fits(len(left) + len(right))
        return str(left) + str(right)
    if isinstance(left, list) and isinstance(right, list):
        items_fit(len(left) + len(right))
        return left + right
    return _arithmetic(operator.add)(left, right)


def _times(left: Any, right: Any) -> Any:
    if isinstance(left, str):
        text_fits(len(left) * max(0, whole(right)))
        return str(left) * right
    return _arithmetic(operator.mul)(left, right)


def _concat(*parts: Any) -> str:
    return common.join([text(item) for item in parts])


def _range(first: Any, stop: Any = None, step: Any = 1) -> range:
    start, end = (0, whole(first)) if stop is None else (whole(first), whole(stop))
    if not whole(step):
        raise ValueError("a range needs a step that is not 0")
    made = range(start, end, step)
    items_fit((abs(end - start) + abs(step) - 1) // abs(step))
    return made


def _namespace(**fields: Any) -> Namespace:
    if any(value.__class__ is Namespace for value in fields.values()):
        raise ValueError("a namespace() cannot be kept in another value")
    return Namespace(fields)


def _slice(value: Any, start: Any, stop: Any, step: Any) -> Any:
    if not isinstance(value, str | list | range):
        raise ValueError(f"{kind(value)} cannot be cut")
    ends = [None if end is None else whole(end) for end in (start, stop, step)]
    if ends[2] == 0:
        raise ValueError("a step that is not 0 is expected")
    return value[ends[0] : ends[1] : ends[2]]


def _int(value: Any, default: Any = 0) -> Any:
    try:
        return int(value) if isinstance(value, int | float) else int(text(value)[:80].strip())
    except (ValueError, OverflowError):
        return default


def _float(value: Any, default: Any = 0.0) -> Any:
    try:
        return float(value) if isinstance(value, int | float) else float(text(value)[:80])
    except (ValueError, OverflowError):
        return default


def _round(value: Any, precision: Any = 0) -> Number:
    digits = whole(precision)
    room_for(abs(digits), 30, "a number of digits")
    return float(round(number(value), digits))


Number = int | float


def _select(wanted: bool) -> Function:
    def select(value: Any, attribute: Any, test: Any = "true", other: Any = None) -> list[Any]:
        check = FUNCTIONS.get(f"is {test}")
        if check is None or test not in _SELECTING:
            raise ValueError(f"no such test here; known: {', '.join(sorted(_SELECTING))}")
        arguments = () if test in ("true", "none") else (other,)
        found = []
        for item in series(value):
            held = attributes([item], attribute, None)[0]
            holds = bool(held) if test == "true" else bool(check(held, *arguments))
            if holds is wanted:
                found.append(item)
        return found

    return select


_SELECTING = frozenset(
    {"true", "none", "equalto", "eq", "==", "ne", "!=", "lt", "<", "le", "<=", "gt", ">", "ge", ">=", "in"}
)


def _indent(value: Any, width: Any = 4, first: Any = False) -> str:
    whole_text, space = text(value), whole(width)
    text_fits(len(whole_text) + max(0, space) * (whole_text.count("\n") + 1))
    lines = whole_text.replace("\n", "\n" + " " * space)
    return " " * space + lines if first else lines


def _get(value: Any, key: Any, default: Any = None) -> Any:
    found = part(value, key)
    return default if found is MISSING else found


def _divisible(value: Any, by: Any) -> bool:
    if not whole(by):
        raise ValueError("nothing can be divided by 0")
    return bool(whole(value) % by == 0)


LENIENT = frozenset({"default", "d", "[]", "is none", "is string", "is number", "is mapping", "is sequence", "is iterable",
                     "is boolean", "is true", "is false"})  # fmt: skip
"""Functions that may be given what is missing."""

_OPERATORS: Mapping[str, Function] = {
    "+": _add,
    "-": _arithmetic(operator.sub),
    "*": _times,
    "/": _arithmetic(operator.truediv),
    "//": _arithmetic(operator.floordiv),
    "%": _arithmetic(operator.mod),
    "**": _arithmetic(_power),
    "negative": lambda value: -number(value),
    "positive": number,
    "~": _concat,
    "==": same,
    "!=": common.different,
    "<": common.less,
    "<=": common.at_most,
    ">": common.more,
    ">=": common.at_least,
    "in": lambda item, container: common.contains(container, item),
    "not in": lambda item, container: not common.contains(container, item),
    "[]": part,
    "[:]": _slice,
    "call range": _range,
    "call namespace": _namespace,
}
_FILTERS: Mapping[str, Function] = {
    "default": _default,
    "d": _default,
    "tojson": common.json,
    "json": common.json,
    "upper": common.upper,
    "lower": common.lower,
    "title": common.title,
    "capitalize": lambda value: text(value).capitalize(),
    "trim": lambda value, chars=None: common.trim(value, None if chars is None else text(chars)),
    "replace": lambda value, old, new: common.replace(value, old, new),
    "truncate": lambda value, length=255, killwords=True, end="...": common.truncate(value, length, end),
    "join": lambda value, d="", attribute=None: common.join(
        value if attribute is None else attributes(value, attribute), d
    ),
    "split": lambda value, sep=None: common.split(value, sep),
    "length": common.length,
    "count": common.length,
    "first": end_at(0),
    "last": end_at(-1),
    "min": extreme_by(min),
    "max": extreme_by(max),
    "sum": sum_of,
    "sort": in_order,
    "unique": unique,
    "reverse": lambda value: value[::-1] if isinstance(value, str) else list(series(value))[::-1],
    "list": lambda value: list(series(value)),
    "items": pairs,
    "map": attributes,
    "selectattr": _select(True),
    "rejectattr": _select(False),
    "int": _int,
    "float": _float,
    "string": text,
    "abs": lambda value: abs(number(value)),
    "round": _round,
    "indent": _indent,
    "mrkdwn": common.mrkdwn,
    "urlencode": common.url_encode,
    "date": lambda value, layout="": date(value, text(layout)),
}
_TESTS: Mapping[str, Function] = {
    "none": lambda value: value is None,
    "string": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "true": lambda value: value is True,
    "false": lambda value: value is False,
    "mapping": lambda value: isinstance(value, dict | Whole),
    "sequence": lambda value: isinstance(value, list | str | range),
    "iterable": lambda value: not isinstance(value, int | float | Missing | None),
    "odd": lambda value: whole(value) % 2 == 1,
    "even": lambda value: whole(value) % 2 == 0,
    "divisibleby": _divisible,
    "in": lambda value, seq: common.contains(seq, value),
    **dict.fromkeys(("equalto", "eq", "=="), same),
    **dict.fromkeys(("ne", "!="), common.different),
    **dict.fromkeys(("lt", "lessthan", "<"), common.less),
    **dict.fromkeys(("gt", "greaterthan", ">"), common.more),
    **dict.fromkeys(("le", "<="), common.at_most),
    **dict.fromkeys(("ge", ">="), common.at_least),
}
_METHODS: Mapping[str, Function] = {
    "items": pairs,
    "keys": lambda value: [pair[0] for pair in pairs(value)],
    "values": lambda value: [pair[1] for pair in pairs(value)],
    "get": _get,
    "upper": common.upper,
    "lower": common.lower,
    "title": common.title,
    "strip": lambda value, chars=None: common.trim(value, None if chars is None else text(chars)),
    "split": lambda value, sep=None: common.split(value, sep),
    "replace": lambda value, old, new: common.replace(value, old, new),
    "startswith": lambda value, start: text(value).startswith(text(start)),
    "endswith": lambda value, end: text(value).endswith(text(end)),
    "join": lambda value, items: common.join(items, value),
}
FUNCTIONS: Mapping[str, Function] = {
    **_OPERATORS,
    **_FILTERS,
    **{f"is {name}": test for name, test in _TESTS.items()},
    **{f".{name}": method for name, method in _METHODS.items()},
}

FILTERS, TESTS, METHODS = frozenset(_FILTERS), frozenset(_TESTS) | {"defined", "undefined"}, frozenset(_METHODS)
