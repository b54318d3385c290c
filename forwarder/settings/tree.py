"""A parsed document as nodes that know where they stand. Every scalar stays text: the models give it a type, so that
`0123`, `1.10` and `on` are never turned into something else on the way. Parses nothing and opens no file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

Step = str | int


@dataclass(frozen=True, slots=True)
class Mark:
    """A place, 1-based. `line` is 0 where `file` names something that has no lines, such as an environment variable."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Text:
    """A scalar. `value` is None for null. `raw` is what the file holds, before any substitution; only that is ever shown."""

    mark: Mark
    value: str | None = field(repr=False)
    raw: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ListNode:
    """A list."""

    mark: Mark
    items: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class MapNode:
    """A mapping. `keys` holds the place of each key."""

    mark: Mark
    entries: dict[str, Node] = field(default_factory=dict)
    keys: dict[str, Mark] = field(default_factory=dict)

    def without(self, *names: str) -> MapNode:
        """The mapping without some keys."""
        return MapNode(self.mark, {k: v for k, v in self.entries.items() if k not in names}, self.keys)

    def having(self, **added: Node) -> MapNode:
        """The mapping with some entries added or replaced, each at its own place."""
        keys = self.keys | {key: self.keys.get(key, node.mark) for key, node in added.items()}
        return MapNode(self.mark, self.entries | added, keys)


Node = Text | ListNode | MapNode


def plain(node: Node) -> Any:
    """The node as dicts, lists, strings and None. `"@type": null` is the union's `None` (YAML writers mean the word)."""
    match node:
        case Text(value=value):
            return value
        case ListNode(items=items):
            return [plain(item) for item in items]
        case MapNode(entries=entries):
            values = {key: plain(item) for key, item in entries.items()}
            return {k: "None" if k == "@type" and v is None else v for k, v in values.items()}


def text_of(node: Node | None) -> str | None:
    """The scalar's text, None for anything else."""
    return node.value if isinstance(node, Text) else None


def locate(node: Node, steps: Sequence[Step]) -> tuple[Mark, Node, tuple[Step, ...]]:
    """The place of a path, the deepest node on it, and the path without steps that are no keys (a union's tags).

    A last step that is not there (a missing key) is kept in the path; its place is that of its parent.
    """
    mark = node.mark
    path: list[Step] = []
    for index, step in enumerate(steps):
        match node:
            case MapNode(entries=entries, keys=keys) if step in entries:
                mark, node = keys[str(step)], entries[str(step)]
                path.append(step)
            case ListNode(items=items) if isinstance(step, int) and step < len(items):
                node = items[step]
                mark = node.mark
                path.append(step)
            case MapNode() if index == len(steps) - 1 and not str(step).startswith("@"):
                path.append(step)
    return mark, node, tuple(path)


def written(path: Sequence[Step]) -> str:
    """`a.b[0].c`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
