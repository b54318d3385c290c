"""YAML text to nodes with places, from libyaml's event stream: no recursion, no constructors, bounded size and depth.

Scalars follow no schema: only an unquoted `null`, `~` or nothing is null, everything else is text (so YAML 1.1's yes, no, on,
off, octal and base-60 surprises cannot happen). Error texts never quote the document: it may hold secrets.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml

from forwarder.settings.problems import Problem, Unparsable
from forwarder.settings.tree import ListNode, MapNode, Mark, Node, Text

MAX_NODES = 200_000
"""About 5,000 webhooks of 40 lines, aliases counted as often as they are used: stops documents that explode."""
MAX_DEPTH = 32
"""The deepest setting is 8 levels down."""
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_CORE = "tag:yaml.org,2002:"
_TAGS = frozenset({None, "!"} | {_CORE + name for name in ("str", "int", "float", "bool", "null", "map", "seq")})


def parse_yaml(text: str, file: str) -> list[Node]:
    """All documents of a YAML text. Raises Unparsable at the first thing that is no YAML, or that is too large or too deep."""
    reader = _Reader(file)
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            reader.take(event)
        return reader.documents
    except (yaml.YAMLError, UnicodeError) as error:
        problem = _syntax(error, file, text)
    raise Unparsable(problem)


def _syntax(error: yaml.YAMLError | UnicodeError, file: str, text: str) -> Problem:
    """The parser's complaint with its place."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = _mark(file, error.problem_mark)
        context = f" {error.context}" if error.context else ""
        return Problem(
            mark,
            "",
            f"not valid YAML{context}: {error.problem}; quote text that holds : # {{ [ @ * & ! or a tab",
        )
    return Problem(Mark(file, 1, 1), "", "not valid YAML: a control character that no text file holds")


def _mark(file: str, mark: Any) -> Mark:
    """Places are counted from 1 (libyaml's, whose stubs say Optional, from 0)."""
    return Mark(file, mark.line + 1, mark.column + 1)


@dataclass(slots=True)
class _Open:
    """A collection whose end has not come yet. `key` is the pending key of a mapping."""

    mark: Mark
    anchor: str | None
    is_map: bool
    before: int
    items: list[Node] = field(default_factory=list)
    entries: dict[str, Node] = field(default_factory=dict)
    keys: dict[str, Mark] = field(default_factory=dict)
    merges: list[Node] = field(default_factory=list)
    key: tuple[str, Mark] | None = None


class _Reader:
    """Builds nodes from events."""

    def __init__(self, file: str) -> None:
        self.documents: list[Node] = []
        self._file = file
        self._stack: list[_Open] = []
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._count = 0

    def take(self, event: yaml.Event) -> None:
        """One event of the stream."""
        mark = _mark(self._file, event.start_mark)
        match event:
            case yaml.DocumentStartEvent():
                self._anchors.clear()
            case yaml.AliasEvent():
                if event.anchor not in self._anchors:
                    self._refuse(mark, "no anchor before this alias; text that starts with * must be in quotes")
                node, size = self._anchors[event.anchor]
                self._grow(mark, size)
                self._place(node, mark)
            case yaml.ScalarEvent():
                self._scalar(event, mark)
            case yaml.CollectionStartEvent():
                self._check_tag(event.tag, mark)
                if len(self._stack) >= MAX_DEPTH:
                    self._refuse(mark, f"nested deeper than {MAX_DEPTH} levels")
                self._grow(mark, 1)
                is_map = isinstance(event, yaml.MappingStartEvent)
                self._stack.append(_Open(mark, event.anchor, is_map, self._count))
            case yaml.CollectionEndEvent():
                self._close()

    def _scalar(self, event: yaml.ScalarEvent, mark: Mark) -> None:
        self._check_tag(event.tag, mark)
        self._grow(mark, 1)
        is_null = event.implicit[0] and event.value in _NULLS
        node = Text(mark, None if is_null else event.value, event.value)
        if event.anchor:
            self._anchors[event.anchor] = (node, 1)
        self._place(node, mark)

    def _close(self) -> None:
        done = self._stack.pop()
        node: Node = ListNode(done.mark, tuple(done.items))
        if done.is_map:
            for merged in done.merges:
                self._merge(done, merged)
            node = MapNode(done.mark, done.entries, done.keys)
        if done.anchor:
            self._anchors[done.anchor] = (node, self._count - done.before + 1)
        self._place(node, done.mark)

    def _merge(self, into: _Open, source: Node) -> None:
        """The merge key `<<` (yaml.org/type/merge): adds what the mapping does not say itself."""
        if isinstance(source, ListNode):
            for item in source.items:
                self._merge(into, item)
        elif isinstance(source, MapNode):
            for key, value in source.entries.items():
                if key not in into.entries:
                    into.entries[key], into.keys[key] = value, source.keys[key]
        else:
            self._refuse(source.mark, "`<<` takes a mapping or a list of mappings")

    def _place(self, node: Node, mark: Mark) -> None:
        """Puts a finished node where it belongs: document, list item, key or value."""
        if not self._stack:
            self.documents.append(node)
            return
        parent = self._stack[-1]
        if not parent.is_map:
            parent.items.append(node)
        elif parent.key is None:
            parent.key = self._key(parent, node, mark)
        else:
            (name, where), parent.key = parent.key, None
            if name == "<<":
                parent.merges.append(node)
            else:
                parent.entries[name], parent.keys[name] = node, where

    def _key(self, parent: _Open, node: Node, mark: Mark) -> tuple[str, Mark]:
        if not isinstance(node, Text):
            self._refuse(mark, "a key must be text")
        name = node.raw
        if name in parent.keys:
            self._refuse(mark, f"the key {name!r} is here twice (first on line {parent.keys[name].line}); remove one")
        return name, mark

    def _check_tag(self, tag: str | None, mark: Mark) -> None:
        if tag not in _TAGS:
            self._refuse(mark, "YAML tags are not supported; text that starts with ! must be in quotes")

    def _grow(self, mark: Mark, size: int) -> None:
        self._count += size
        if self._count > MAX_NODES:
            self._refuse(
                mark,
                f"more than {MAX_NODES:,} values once its aliases are expanded; split it into several files",
            )

    def _refuse(self, mark: Mark, text: str) -> NoReturn:
        raise Unparsable(Problem(mark, "", text))
