"""pydantic's complaints in the words of this project: what is wrong, what is allowed, the fix. Never quotes an input."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from pydantic_core import ErrorDetails

from forwarder.settings.problems import nearest
from forwarder.settings.tree import Node, Step, Text
from forwarder.settings.types import Model
from forwarder.settings.walk import known_keys

_QUOTED = re.compile(r"'([^']*)'")
_LISTED = 12
_SHAPES = {
    "model_type": "a mapping of keys is expected",
    "model_attributes_type": "a mapping of keys is expected",
    "dict_type": "a mapping of names is expected",
    "tuple_type": "a list is expected",
    "string_type": "text is expected",
    "int_parsing": "a whole number is expected",
    "int_type": "a whole number is expected",
    "int_parsing_size": "a whole number of at most 18 digits is expected",
    "float_parsing": "a number is expected",
    "float_type": "a number is expected",
    "bool_parsing": "true or false is expected",
    "bool_type": "true or false is expected",
    "missing": "is missing, and required",
}
_BOUNDS = {
    "greater_than": ("must be greater than", "gt"),
    "greater_than_equal": ("must be at least", "ge"),
    "less_than": ("must be less than", "lt"),
    "less_than_equal": ("must be at most", "le"),
    "string_pattern_mismatch": ("must match the pattern", "pattern"),
    "string_too_short": ("characters needed, at least:", "min_length"),
    "string_too_long": ("characters allowed, at most:", "max_length"),
    "too_short": ("entries needed, at least:", "min_length"),
}


def phrase(error: ErrorDetails, root: type[Model], node: Node) -> str:
    """One complaint as text. `node` is what stands at its place."""
    kind, context = error["type"], error.get("ctx", {})
    if kind in _SHAPES:
        return _SHAPES[kind] + _fix(kind, node)
    if kind in _BOUNDS:
        words, name = _BOUNDS[kind]
        return f"{words} {context[name]}"
    special = _SPECIAL.get(kind)
    return special(error, root, node, context) if special else f"is not valid ({kind.replace('_', ' ')})"


def _fix(kind: str, node: Node) -> str:
    if kind == "tuple_type" and isinstance(node, Text):
        return "; put the value in brackets: [...]"
    if kind == "model_attributes_type" and isinstance(node, Text):
        return ', such as {"@type": Value, secret: ...}'
    return ""


def _unknown(error: ErrorDetails, root: type[Model], _node: Node, _context: Mapping[str, Any]) -> str:
    where: tuple[Step, ...] = error["loc"][:-1]
    known = known_keys(root, where)
    key = str(error["loc"][-1])
    listed = ", ".join(known[:_LISTED]) + (" ..." if len(known) > _LISTED else "")
    return f"unknown key{nearest(key, known) or f'; known: {listed}'}"


def _choice(_error: ErrorDetails, _root: type[Model], node: Node, context: Mapping[str, Any]) -> str:
    allowed = _QUOTED.findall(context["expected"])
    word = node.raw if isinstance(node, Text) else ""
    return f"must be one of {', '.join(allowed)}{nearest(word, allowed)}"


def _tag(_error: ErrorDetails, _root: type[Model], _node: Node, context: Mapping[str, Any]) -> str:
    allowed = _QUOTED.findall(context["expected_tags"])
    tag = str(context["tag"])
    return f'"@type" is {tag!r}; it must be one of {", ".join(allowed)}{nearest(tag, allowed)}'


def _no_tag(_error: ErrorDetails, _root: type[Model], _node: Node, _context: Mapping[str, Any]) -> str:
    return '"@type" is missing: it says which of the forms this is, such as {"@type": Value, ...}'


def _said(_error: ErrorDetails, _root: type[Model], _node: Node, context: Mapping[str, Any]) -> str:
    return str(context["error"])


_SPECIAL: dict[str, Callable[[ErrorDetails, type[Model], Node, Mapping[str, Any]], str]] = {
    "extra_forbidden": _unknown,
    "literal_error": _choice,
    "union_tag_invalid": _tag,
    "union_tag_not_found": _no_tag,
    "value_error": _said,
}
