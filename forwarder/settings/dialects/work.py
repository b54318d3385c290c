"""What translators do all the time: take an attribute, note what is wrong with it, make secrets and headers. Holds no dialect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from forwarder.settings.bare import BARE_OBJECT
from forwarder.settings.dialects.translated import Translated, mapping, word
from forwarder.settings.problems import Problem, nearest
from forwarder.settings.tree import ListNode, MapNode, Mark, Node, Text, text_of
from forwarder.settings.webhook import Webhook

_NATIVE = frozenset(info.alias or name for name, info in Webhook.model_fields.items())


@dataclass(slots=True)
class Work:
    """The native entries made so far, and the problems."""

    node: MapNode
    made: dict[str, Node] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def take(self, name: str) -> Node | None:
        """An attribute; None where it is absent, null or empty text: forms leave empty what is not used."""
        found = self.node.entries.get(name)
        return None if isinstance(found, Text) and not found.value else found

    def word(self, name: str, allowed: Sequence[str], what: str = "") -> str:
        """An attribute that is one of some words, whatever its case; "" where it is absent, or wrong and refused."""
        found = self.take(name)
        if found is None:
            return ""
        text = text_of(found) or ""
        known = {choice.lower(): choice for choice in allowed}
        if text.lower() not in known:
            self.refuse(name, f"must be one of {', '.join(allowed)}{what}{nearest(text, allowed)}")
        return known.get(text.lower(), "")

    def names(self, name: str) -> tuple[Text, ...] | None:
        """An attribute that is a list of texts, or one text; None where it is absent, or wrong and refused."""
        found = self.take(name)
        items = found.items if isinstance(found, ListNode) else (found,)
        texts = tuple(item for item in items if isinstance(item, Text) and item.value)
        if found is not None and len(texts) < len(items):
            self.refuse(name, "a list of names is expected")
        return texts if found is not None and len(texts) == len(items) else None

    def move(self, **renamed: str) -> None:
        """Attributes that differ from the native form in their name alone: theirs=ours."""
        for theirs, ours in renamed.items():
            if (found := self.take(theirs)) is not None:
                self.made[ours] = found

    def default(self, **values: str) -> None:
        """Native entries that the document may set itself."""
        for name, text in values.items():
            if name not in self.node.entries:
                self.made.setdefault(name, word(self.node.mark, text))

    def refuse(self, name: str, text: str) -> None:
        """Notes a problem at an attribute, or at the webhook where it is absent."""
        self.problems.append(Problem(self.node.keys.get(name, self.node.mark), name, text))

    def headers(self, attribute: str, keys: Sequence[str]) -> None:
        """A list of `{key: ..., value: ...}`, where `keys` are the words for `key`, as a mapping in `httpHeaders`."""
        found = self.take(attribute)
        if found is None:
            return
        result = MapNode(found.mark)
        for item in found.items if isinstance(found, ListNode) else (found,):
            pair = item.entries if isinstance(item, MapNode) else {}
            named = [key for key in keys if key in pair]
            name = text_of(pair[named[0]]) if len(named) == 1 else None
            if name is None or set(pair) != {named[0], "value"}:
                self.refuse(attribute, f"a list of {{{keys[0]}: ..., value: ...}} is expected")
                return
            if name in result.entries:
                self.refuse(attribute, f"the header {name!r} is here twice")
            result.entries[name], result.keys[name] = pair["value"], item.mark
        self.made["httpHeaders"] = result

    def done(self, *attributes: str) -> Translated:
        """The webhook with the entries made, and without the attributes that they were made of. A native entry that stands beside
        an attribute which means the same is a mistake: one of the two would be lost."""
        for name in self.made:
            if name in self.node.entries and name not in attributes:
                self.refuse(
                    name, "is said twice: here, and by another attribute of this dialect; remove one of the two"
                )
        misspelt = self._misspelt(attributes)
        return Translated(self.node.without(*attributes, *misspelt).having(**self.made), tuple(self.problems))

    def _misspelt(self, attributes: Sequence[str]) -> list[str]:
        """Keys that are nobody's and near to an attribute: the native form, which refuses the rest, does not know those."""
        unknown = [name for name in self.node.entries if name not in attributes and name not in _NATIVE]
        found = [name for name in unknown if nearest(name, attributes)]
        for name in found:
            self.refuse(name, f"unknown key{nearest(name, attributes)}")
        return found


def secret(node: Node) -> Node:
    """Text as a `Value` secret; a tagged union as it is."""
    return mapping(node.mark, type_=word(node.mark, "Value"), secret=node) if isinstance(node, Text) else node


def bare_object(mark: Mark) -> MapNode:
    """The payload of receivers that know one event per request and no envelope."""
    return mapping(mark, **{key: word(mark, text) for key, text in BARE_OBJECT.items()})
