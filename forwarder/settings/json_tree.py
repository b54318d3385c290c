"""JSON text (RFC 8259) to nodes with places. Numbers and booleans stay text, as in YAML. Bounded depth; opens no file."""

from __future__ import annotations

import re
from bisect import bisect_right
from json import JSONDecodeError, JSONDecoder
from typing import NoReturn

from forwarder.settings.problems import Problem, Unparsable
from forwarder.settings.tree import ListNode, MapNode, Mark, Node, Text
from forwarder.settings.yaml_tree import MAX_DEPTH

_STRINGS = JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]*")
_WORD = re.compile(r"true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?")


def parse_json(text: str, file: str) -> Node:
    """The one value of a JSON text. Raises Unparsable with the place of the first thing that is no JSON."""
    reader = _Reader(text, file)
    node = reader.value(0)
    if reader.peek():
        reader.refuse("something follows the end of the JSON value")
    return node


class _Reader:
    """Recursive descent with a bounded depth."""

    def __init__(self, text: str, file: str) -> None:
        self._text = text
        self._file = file
        self._at = 0
        self._lines = [0] + [m.end() for m in re.finditer("\n", text)]

    def mark(self) -> Mark:
        """The place of the next character."""
        line = bisect_right(self._lines, self._at)
        return Mark(self._file, line, self._at - self._lines[line - 1] + 1)

    def peek(self) -> str:
        """The next character that is no space; empty at the end."""
        space = _SPACE.match(self._text, self._at)
        self._at = space.end() if space else self._at
        return self._text[self._at : self._at + 1]

    def value(self, depth: int) -> Node:
        """Any value."""
        start = self.peek()
        if depth > MAX_DEPTH:
            self.refuse(f"nested deeper than {MAX_DEPTH} levels")
        if start == "{":
            return self._mapping(depth)
        if start == "[":
            return self._list(depth)
        mark = self.mark()
        if start == '"':
            text = self._string()
            return Text(mark, text, text)
        word = _WORD.match(self._text, self._at)
        if not word:
            self.refuse("a JSON value is expected here")
        self._at = word.end()
        return Text(mark, None if word[0] == "null" else word[0], word[0])

    def _mapping(self, depth: int) -> MapNode:
        node = MapNode(self.mark())
        self._at += 1
        while self.peek() != "}":
            if node.entries:
                self._expect(",")
            if self.peek() != '"':
                self.refuse("a key in double quotes is expected here")
            mark = self.mark()
            key = self._string()
            if key in node.keys:
                raise Unparsable(
                    Problem(
                        mark,
                        "",
                        f"the key {key!r} is here twice (first on line {node.keys[key].line}); remove one",
                    )
                )
            self._expect(":")
            node.entries[key], node.keys[key] = self.value(depth + 1), mark
        self._at += 1
        return node

    def _list(self, depth: int) -> ListNode:
        mark = self.mark()
        items: list[Node] = []
        self._at += 1
        while self.peek() != "]":
            if items:
                self._expect(",")
            items.append(self.value(depth + 1))
        self._at += 1
        return ListNode(mark, tuple(items))

    def _string(self) -> str:
        try:
            text, self._at = _STRINGS.raw_decode(self._text, self._at)
            return str(text)
        except JSONDecodeError as error:
            problem = error.msg
        self.refuse(f"not valid JSON: {problem}")

    def _expect(self, character: str) -> None:
        if self.peek() != character:
            self.refuse(f"{character!r} is expected here")
        self._at += 1

    def refuse(self, text: str) -> NoReturn:
        """Raises Unparsable at the present place."""
        raise Unparsable(Problem(self.mark(), "", text))
