"""What a dialect gives back, and the small tools that translators share. Holds no dialect."""

from __future__ import annotations

from dataclasses import dataclass

from forwarder.settings.problems import Problem
from forwarder.settings.tree import MapNode, Mark, Node, Text


@dataclass(frozen=True, slots=True)
class Translated:
    """The native form, and what could not be translated (paths start inside the webhook)."""

    node: MapNode
    problems: tuple[Problem, ...] = ()


def word(mark: Mark, text: str) -> Text:
    """A value that the translator adds, at the place of what made it."""
    return Text(mark, text, text)


def mapping(mark: Mark, **entries: Node) -> MapNode:
    """A mapping that the translator adds; `type_` stands for `@type`."""
    named = {"@type" if key == "type_" else key: node for key, node in entries.items()}
    return MapNode(mark, named, dict.fromkeys(named, mark))
