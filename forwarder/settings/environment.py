"""Environment variables over the file: every process setting has one, named after its path. Webhooks have none."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_origin

from forwarder.settings.problems import Problem, Weight, nearest
from forwarder.settings.process import Settings
from forwarder.settings.secrets import ValueSecret
from forwarder.settings.tree import ListNode, MapNode, Mark, Node, Text
from forwarder.settings.types import Model
from forwarder.settings.walk import members, models

PREFIX = "FORWARDER_"
COMMAND_LINE = ("FORWARDER_CONFIG", "FORWARDER_LOG_LEVEL", "FORWARDER_LOG_FORMAT")
"""Read by the command line, not here."""
_KUBERNETES = re.compile(r"FORWARDER_(SERVICE_(HOST|PORT.*)|PORT(_\d+_(TCP|UDP)(_.*)?)?)")
"""What Kubernetes puts into every pod near a Service named `forwarder` (Kubernetes, "Accessing the Service")."""


@dataclass(frozen=True, slots=True)
class Variable:
    """One overridable setting. `path` uses the file's names."""

    name: str
    path: tuple[str, ...]
    secret: bool = False
    topics: bool = False


def variables(model: type[Model] = Settings, path: tuple[str, ...] = (), name: str = "FORWARDER") -> Iterator[Variable]:
    """Every variable, in the order of the models. `sources` takes topic names with commas between."""
    for field, info in model.model_fields.items():
        inside = models(info.annotation)
        here, variable = (*path, info.alias or field), f"{name}_{field.upper()}"
        if ValueSecret in inside:
            yield Variable(variable, here, secret=True)
        elif here == ("sources",):
            yield Variable(variable, here, topics=True)
        elif inside and not _is_list(info.annotation):
            yield from variables(inside[0], here, variable)
        elif not inside and not _is_dict(info.annotation):
            yield Variable(variable, here)


def _is_list(annotation: Any) -> bool:
    return any(get_origin(kind) is tuple for kind in members(annotation))


def _is_dict(annotation: Any) -> bool:
    return any(get_origin(kind) is dict for kind in members(annotation))


def overlay(root: MapNode, environ: Mapping[str, str]) -> MapNode:
    """The tree with the variables' values in it. Where the file has no mapping to put one in, the file's mistake stays."""
    for variable in variables():
        if variable.name in environ:
            root = _put(root, variable.path, _node(variable, environ[variable.name]))
    return root


def _node(variable: Variable, value: str) -> Node:
    mark = Mark(f"environment variable {variable.name}")
    if variable.secret:
        parts: dict[str, Node] = {"@type": Text(mark, "Value", "Value"), "secret": Text(mark, value, value)}
        return MapNode(mark, parts, dict.fromkeys(parts, mark))
    if variable.topics:
        topics = [Text(mark, name.strip(), name.strip()) for name in value.split(",") if name.strip()]
        return ListNode(mark, tuple(MapNode(mark, {"topic": topic}, {"topic": mark}) for topic in topics))
    return Text(mark, value, value)


def _put(root: MapNode, path: tuple[str, ...], node: Node) -> MapNode:
    """The mapping with `node` at `path`; the mappings on the way are made where they are not there."""
    key, rest = path[0], path[1:]
    if rest:
        inner = root.entries.get(key, MapNode(node.mark))
        if isinstance(inner, Text) and inner.value is None:
            inner = MapNode(inner.mark)
        if not isinstance(inner, MapNode):
            return root
        node = _put(inner, rest, node)
    keys = root.keys if rest and key in root.keys else root.keys | {key: node.mark}
    return MapNode(root.mark, root.entries | {key: node}, keys)


def unknown(environ: Mapping[str, str], used: Collection[str]) -> list[Problem]:
    """A warning for each variable of our prefix that nothing reads; `used` are those that the files ask for."""
    known = [variable.name for variable in variables()] + list(COMMAND_LINE)
    strange = [
        name
        for name in sorted(environ)
        if name.startswith(PREFIX) and name not in known and name not in used and not _KUBERNETES.fullmatch(name)
    ]
    return [
        Problem(
            Mark(f"environment variable {name}"),
            "",
            f"is not known and has no effect{nearest(name, known)}",
            Weight.WARNING,
        )
        for name in strange
    ]
