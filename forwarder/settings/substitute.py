"""`${ENV}` and `${ENV:-default}` in text values, after parsing: a value can never change the structure. `$${` is a plain `${`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from forwarder.settings.problems import Problem
from forwarder.settings.tree import ListNode, MapNode, Node, Step, Text, written

_REFERENCE = re.compile(r"\$\$\{|\$\{(?:([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\})?")


@dataclass(slots=True)
class Substitution:
    """Replaces references in trees, keeping what went wrong and which variables were asked for.

    `prefix` is what the paths of the next problems start with.
    """

    environ: Mapping[str, str]
    prefix: str = ""
    problems: list[Problem] = field(default_factory=list)
    used: set[str] = field(default_factory=set)

    def apply(self, node: Node, path: tuple[Step, ...] = ()) -> Node:
        """The tree with every reference replaced; `raw` keeps what the file holds."""
        match node:
            case Text(value=str(value)) if "${" in value:
                return Text(node.mark, self._text(node, value, path), node.raw)
            case ListNode(items=items):
                return ListNode(node.mark, tuple(self.apply(item, (*path, i)) for i, item in enumerate(items)))
            case MapNode():
                return self.mapping(node, path)
        return node

    def mapping(self, node: MapNode, path: tuple[Step, ...] = ()) -> MapNode:
        """As `apply`, for a mapping. Keys are never replaced."""
        replaced = {key: self.apply(item, (*path, key)) for key, item in node.entries.items()}
        return MapNode(node.mark, replaced, node.keys)

    def _text(self, node: Text, value: str, path: tuple[Step, ...]) -> str:
        """The value with its references replaced, from left to right and never a second time."""
        return "".join(self._pieces(node, value, path))

    def _pieces(self, node: Text, value: str, path: tuple[Step, ...]) -> Iterator[str]:
        at = 0
        for match in _REFERENCE.finditer(value):
            yield value[at : match.start()]
            at = match.end()
            name, default = match[1], match[2]
            if match[0] == "$${":
                yield "${"
            elif name is None:
                self._refuse(
                    node, path, "`${` must be followed by NAME} or NAME:-default}; a plain `${` is written `$${`"
                )
            else:
                yield self._value(node, name, default, path)
        yield value[at:]

    def _value(self, node: Text, name: str, default: str | None, path: tuple[Step, ...]) -> str:
        self.used.add(name)
        value = self.environ.get(name)
        if default is not None:
            return value or default
        if value is None:
            self._refuse(node, path, f"environment variable {name} is not set; set it, or write ${{{name}:-default}}")
        return value or ""

    def _refuse(self, node: Text, path: tuple[Step, ...], text: str) -> None:
        self.problems.append(Problem(node.mark, self.prefix + written(path), text))
