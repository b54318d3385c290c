"""Jinja's filters on lists and mappings. Each is pure and raises ValueError where it cannot work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from forwarder.deliver.template import functions as common
from forwarder.deliver.template.functions import Function, kind, number, series, text
from forwarder.deliver.template.values import MISSING, Whole, part


def in_order(value: Any, reverse: Any = False, case_sensitive: Any = False, attribute: Any = None) -> list[Any]:
    def key(item: Any) -> Any:
        found = item if attribute is None else attribute_of(item, attribute)
        return found.lower() if isinstance(found, str) and not case_sensitive else found

    try:
        return sorted(series(value), key=key, reverse=bool(reverse))
    except TypeError:
        raise ValueError("values of different kinds have no order") from None


def attribute_of(item: Any, path: Any) -> Any:
    for step in text(path).split("."):
        item = part(item, step)
    if item is MISSING:
        raise ValueError("an item has no such attribute")
    return item


def attributes(value: Any, attribute: Any, default: Any = MISSING) -> list[Any]:
    found = []
    for item in series(value):
        try:
            found.append(attribute_of(item, attribute))
        except ValueError:
            if default is MISSING:
                raise
            found.append(default)
    return found


def unique(value: Any) -> list[Any]:
    seen: dict[str, Any] = {}
    for item in series(value):
        seen.setdefault(common.json(item), item)
    return list(seen.values())


def sum_of(value: Any, attribute: Any = None, start: Any = 0) -> Any:
    total = start
    for item in series(value):
        total = number(total) + number(item if attribute is None else attribute_of(item, attribute))
    return total


def end_at(at: int) -> Function:
    def end(value: Any) -> Any:
        items = series(value)
        return items[at] if items else MISSING

    return end


def extreme_by(pick: Callable[[Any], Any]) -> Function:
    def extreme(value: Any) -> Any:
        try:
            return pick(series(value)) if series(value) else MISSING
        except TypeError:
            raise ValueError("values of different kinds have no order") from None

    return extreme


def pairs(value: Any) -> list[Any]:
    held = value.whole() if isinstance(value, Whole) else value
    if not isinstance(held, dict):
        raise ValueError(f"a mapping is expected, not {kind(value)}")
    return [[key, item] for key, item in held.items()]
