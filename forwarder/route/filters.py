"""One compiled CEL expression and its answer about an event. Decides nothing about webhooks (route/router does).

A missing field, map key or list element is an answer of its own (Missing); any other error is Failed. As in CEL itself, an
error beside `false &&` or `true ||` is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cel

from forwarder.errors import ConfigurationError
from forwarder.route.check import check_filter
from forwarder.route.scan import references, tokens
from forwarder.route.view import ROOTS, Tree, View, merge

_TEXT_LIMIT = 200
_ROUTING_KEY = frozenset({"type", "severity", "tenant", "topic"})


@dataclass(frozen=True, slots=True)
class Missing:
    """The expression reached for something that the event does not have."""

    name: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The expression cannot be evaluated on this event, or its result is not a bool. `text` is for people."""

    text: str


Answer = bool | Missing | Failed


@dataclass(frozen=True, slots=True, eq=False)
class Filter:
    """`needs` is what the expression names of an event. `by_key` says that the routing key alone (topic, type, severity,
    tenant) decides, so that the answer may be remembered."""

    text: str
    program: Any
    needs: Tree
    by_key: bool


@lru_cache(maxsize=4096)
def compile_filter(text: str) -> Filter:
    """Raises ConfigurationError with the text of `check_filter`. The same text gives the same object."""
    problem = check_filter(text)
    if problem:
        raise ConfigurationError([f"filter: {problem}"])
    needs = _needs(text)
    return Filter(text, cel.compile(text), needs, _by_key(needs))


def ask(filter_: Filter, view: View) -> Answer:
    """What the expression says of the event behind `view`, which must hold all that the filter needs."""
    if view.broken and (view.context is None or "data" in filter_.needs):
        return Failed(view.broken[:_TEXT_LIMIT])
    try:
        result = filter_.program.execute(view.context)
    except LookupError as error:
        return Missing(str(error).strip("'"))
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        # A panic of the native library is no Exception; a record that sets one off must not stop the line.
        return Failed(" ".join(f"{type(error).__name__}: {error}".split())[:_TEXT_LIMIT])
    if result is True or result is False:
        return bool(result)
    return Failed(f"the result is of type {type(result).__name__}, not true or false")


def _by_key(needs: Tree) -> bool:
    event = needs.get("event")
    if event is None:
        return not needs
    return needs.keys() == {"event"} and bool(event) and event.keys() <= _ROUTING_KEY


def _needs(text: str) -> Tree:
    needs: dict[str, Tree] = {}
    for reference in references(tokens(text)):
        if reference.root in ROOTS:
            below: Tree = {}
            for name in reversed(reference.path):
                below = {name: below}
            needs[reference.root] = merge(needs[reference.root], below) if reference.root in needs else below
    return needs


__all__ = ["Answer", "Failed", "Filter", "Missing", "ask", "check_filter", "compile_filter"]
