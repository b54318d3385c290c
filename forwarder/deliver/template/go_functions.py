"""The functions of Go templates: those of text/template (https://pkg.go.dev/text/template#hdr-Functions) that make sense on JSON, and
a few more with the names and the order of arguments that Helm and Sprig have made usual (the value comes last, for pipes)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from forwarder.deliver.template import functions as common
from forwarder.deliver.template.bounds import text_fits
from forwarder.deliver.template.dates import date
from forwarder.deliver.template.functions import Function, kind, text, whole
from forwarder.deliver.template.values import MISSING, part, text_of

_VERB = re.compile(r"%([-+# 0]*)(\d+)?(?:\.(\d+))?(.)", re.DOTALL)


def _eq(first: Any, second: Any, *more: Any) -> bool:
    return common.same(first, second) or any(common.same(first, other) for other in more)


def _default(fallback: Any, value: Any = MISSING) -> Any:
    return value or fallback


def _date(first: Any, value: Any = None) -> str:
    return date(first) if value is None else date(value, text(first))


def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        value = part(value, key)
    return value


def _len(value: Any) -> int:
    """Go counts the bytes of a text."""
    return len(value.encode("utf-8", "replace")) if isinstance(value, str) else common.length(value)


def _print(*values: Any) -> str:
    """As Go's Sprint: a space between two values of which neither is a text."""
    out = ""
    for at, value in enumerate(values):
        spaced = at and not isinstance(value, str) and not isinstance(values[at - 1], str)
        out += (" " if spaced else "") + text(value)
        text_fits(len(out))
    return out


def _println(*values: Any) -> str:
    return common.join([text(value) for value in values], " ") + "\n"


def _printf(layout: Any, *values: Any) -> str:
    left = list(values)
    pieces, size = [], 0
    for before, verb in _verbs(text(layout)):
        piece = before if verb is None else before + _verb(verb, left)
        size += len(piece)
        text_fits(size)
        pieces.append(piece)
    if left:
        raise ValueError(f"{len(left)} more values than the layout has verbs")
    return "".join(pieces)


def _verbs(layout: str) -> list[tuple[str, re.Match[str] | None]]:
    found, at = [], 0
    for verb in _VERB.finditer(layout):
        found.append((layout[at : verb.start()], verb))
        at = verb.end()
    return [*found, (layout[at:], None)]


def _verb(verb: re.Match[str], left: list[Any]) -> str:
    flags, width, precision, letter = verb.groups()
    if letter == "%":
        return "%"
    if not left:
        raise ValueError(f"the layout has %{letter} and there is no value left for it")
    text_fits(max(int((width or "0")[:9]), int((precision or "0")[:9])))
    value = left.pop(0)
    shape = f"%{flags}{width or ''}{'.' + precision if precision else ''}"
    if letter in "sv":
        return (shape + "s") % text(value)
    if letter == "q":
        return (f"%{flags}{width or ''}s") % text_of(common.json(text(value)))
    if letter in "dxX":
        return (shape + letter) % whole(value)
    if letter in "feg":
        return (shape + letter) % common.number(value)
    if letter == "t" and isinstance(value, bool):
        return (shape + "s") % text(value)
    raise ValueError(f"%{letter} cannot write {kind(value)}")


def _trunc(size: Any, value: Any) -> str:
    if value.__class__ is str and size.__class__ is int and len(value) <= size:
        return value  # the usual case
    return common.truncate(value, size, "")


def _slice(value: Any, *places: Any) -> Any:
    if not isinstance(value, str | list) or len(places) > 2:
        raise ValueError(f"{kind(value)} cannot be cut, or too many places are given")
    start, stop = (*map(whole, places), *([0, len(value)][len(places) :]))
    if not 0 <= start <= stop <= len(value):
        raise ValueError(f"there is no part from {start} to {stop} of {len(value)}")
    return value[start:stop]


LENIENT = frozenset({"default", "index"})
"""Functions that may be given what is missing."""

FUNCTIONS: Mapping[str, Function] = {
    "eq": _eq,
    "ne": common.different,
    "lt": common.less,
    "le": common.at_most,
    "gt": common.more,
    "ge": common.at_least,
    "len": _len,
    "index": _index,
    "slice": _slice,
    "print": _print,
    "println": _println,
    "printf": _printf,
    "mrkdwn": common.mrkdwn,
    "urlquery": common.url_encode,
    "json": common.json,
    "toJson": common.json,
    "upper": common.upper,
    "lower": common.lower,
    "title": common.title,
    "trim": lambda value: common.trim(value),
    "default": _default,
    "date": _date,
    "join": lambda separator, items: common.join(items, separator),
    "split": lambda separator, value: common.split(value, separator),
    "replace": lambda old, new, value: common.replace(value, old, new),
    "trunc": _trunc,
    "contains": lambda item, container: common.contains(container, item),
    "hasPrefix": lambda start, value: text(value).startswith(text(start)),
    "hasSuffix": lambda end, value: text(value).endswith(text(end)),
}
