"""What a filter sees of an event: `event`, `data`, `headers`, `key`, and only the fields that are asked for.

Turning Python values into CEL values costs far more than evaluating (about 1 us per text, 2 us per map), so one view serves all
filters of an event, and holds no more of a record than they name. Reads events; never judges them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import cel
import msgspec

from forwarder.model.event import Event

Tree = Mapping[str, "Tree"]
"""Fields to be seen, by name. An empty tree below a name means: everything there."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_decode = msgspec.json.Decoder().decode

FIELDS: Mapping[str, Callable[[Event], Any]] = {
    "id": lambda event: event.id,
    "type": lambda event: event.type,
    "time": lambda event: _time(event.time_ns),
    "severity": lambda event: event.severity,
    "tenant": lambda event: event.tenant,
    "topic": lambda event: event.tp.topic,
    "partition": lambda event: event.tp.partition,
    "offset": lambda event: event.offset,
}
"""`event.*`. `id` and `tenant` are "" where there is none; `time` is a timestamp to the microsecond, a missing field where
it is unknown; `severity` is 0..6 as it came, 0 = unknown."""


@dataclass(frozen=True, slots=True)
class View:
    """An event's variables. `broken` says why the record's value could not be made `data`; then `data` is not there.
    `context` is None when nothing could be made at all, which `broken` then explains."""

    context: cel.Context | None
    broken: str = ""


def merge(left: Tree, right: Tree) -> Tree:
    """What either asks for, below a root: everything (an empty tree) swallows the rest."""
    if not left or not right:
        return {}
    both = {name: merge(left[name], right[name]) for name in left.keys() & right.keys()}
    return {**left, **right, **both}


def merge_roots(left: Tree, right: Tree) -> Tree:
    """As `merge` for the variables themselves, where an empty tree means that none is needed."""
    both = {name: merge(left[name], right[name]) for name in left.keys() & right.keys()}
    return {**left, **right, **both}


def look(event: Event, needs: Tree) -> View:
    """The view of `event` that holds what `needs` names. Parses the value once, and only when `data` is needed."""
    variables: dict[str, Any] = {}
    broken = ""
    for root, tree in needs.items():
        try:
            variables[root] = _ROOTS[root](event, tree)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            broken = f"{root}: {error}"
    try:
        return View(cel.Context(variables), broken)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        return View(None, f"not representable in CEL: {error}")


def _fields(event: Event, tree: Tree) -> dict[str, Any]:
    seen = {name: FIELDS[name](event) for name in (tree or FIELDS) if name in FIELDS}
    if seen.get("time", event) is None:
        del seen["time"]
    return seen


def _time(time_ns: int) -> datetime | None:
    """Integer arithmetic: a float of seconds would lose microseconds. Beyond the year 9999 counts as unknown."""
    try:
        return _EPOCH + timedelta(microseconds=time_ns // 1000) if time_ns else None
    except OverflowError:
        return None


def _data(event: Event, tree: Tree) -> Any:
    if event.value is None:
        return None
    if event.text:
        return event.value.decode("utf-8", "replace")
    return _project(_decode(event.value), tree)


def _project(value: Any, tree: Tree) -> Any:
    """`value` cut down to `tree`. What is missing stays missing, what is no map stays whole: no expression that names
    only fields of `tree` can tell the difference."""
    if not tree or type(value) is not dict:
        return value
    return {name: _project(value[name], below) for name, below in tree.items() if name in value}


def _headers(event: Event, tree: Tree) -> dict[str, str]:
    """The last of several headers with one name counts, as in Kafka's own `lastHeader`."""
    return {name: value.decode("utf-8", "replace") for name, value in event.headers if not tree or name in tree}


def _key(event: Event, tree: Tree) -> str:
    return (event.key or b"").decode("utf-8", "replace")


_ROOTS: Mapping[str, Callable[[Event, Tree], Any]] = {
    "event": _fields,
    "data": _data,
    "headers": _headers,
    "key": _key,
}
ROOTS = tuple(_ROOTS)
