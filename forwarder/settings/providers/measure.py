"""What a provider's file leaves unsaid and follows from the rest: how large its bodies get, one event per request. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec

from forwarder.settings.providers.leaves import Constant, Leaf, LeafError, Mixed, Reference, leaves, parse
from forwarder.settings.providers.spec import ProviderSpec, Sizing

_RECORD = ("data", "text", "at")
_NAMES = {"id": "id", "type": "type"}
_PLACES = {"identity": "place", "topic": "place", "cluster": "place", "tenant": "tenant"}
_BYTES = {
    "time": 36, "time.s": 20, "time.ms": 20, "time.us": 20, "time.ns": 20, "time.rfc3339": 36, "time.plain": 22,
    "severity": 20, "severityName": 15,
    "severityNumber": 1, "partition": 10, "offset": 20, "count": 10, "key": 256, "summary": 600, "option": 128,
}  # fmt: skip
"""Most bytes of a part that is neither the record nor one of its names; of a record's key and of options the usual most."""


def complete(spec: ProviderSpec) -> ProviderSpec:
    """The provider with its sizes, and with the cap of a body that holds one event."""
    changed: dict[str, Any] = {}
    if spec.body is not None and "sizing" not in spec.model_fields_set:
        changed["sizing"] = sized(spec)
    if spec.batch == "one" and spec.caps.max_events is None:
        changed["caps"] = spec.caps.model_copy(update={"max_events": 1})
    return spec.model_copy(update=changed) if changed else spec


def sized(spec: ProviderSpec) -> Sizing:
    """What an event adds to the bodies of a shape. Texts that cannot be parsed count as they stand: the checks refuse them."""
    event, uses, quoted = 2, Counter[str](), False
    for leaf in _leaves(spec.body):
        event += _literal(leaf)
        for reference in _references(leaf):
            part, kind = _part(reference)
            event += part
            uses[kind] += 1
            quoted |= kind in ("whole", "inside") and (
                leaf is not reference or reference.name == "text" or bool(reference.filters)
            )
    around = [] if spec.around is None else list(_leaves(spec.around))
    frame = 4 + _keys(spec.around) + sum(_literal(leaf) + 128 for leaf in around)
    return Sizing(
        frame=frame,
        event=event + _keys(spec.body),
        names=max(uses["id"], uses["type"]),
        places=max(uses["place"], uses["tenant"]),
        values=uses["whole"] + (uses["inside"] > 0),
        quoted=quoted,
    )


def _leaves(tree: Any) -> Iterator[Leaf]:
    for _, text in leaves(tree):
        try:
            yield parse(text) if isinstance(text, str) else Constant(msgspec.json.encode(text))
        except LeafError:
            yield Constant(text)


def _references(leaf: Leaf) -> list[Reference]:
    if isinstance(leaf, Mixed):
        return [part for part in leaf.parts if isinstance(part, Reference)]
    return [leaf] if isinstance(leaf, Reference) else []


def _literal(leaf: Leaf) -> int:
    """Bytes of what is written as it stands, with quotes and a comma."""
    if isinstance(leaf, Constant):
        return len(msgspec.json.encode(leaf.value) if isinstance(leaf.value, str) else leaf.value) + 1
    texts = [part for part in leaf.parts if isinstance(part, str)] if isinstance(leaf, Mixed) else []
    return 3 + sum(len(msgspec.json.encode(text)) for text in texts)


def _part(reference: Reference) -> tuple[int, str]:
    """Bytes of a part, and what it is counted as."""
    words = sum(len(step.argument) for step in reference.filters)
    if reference.name in _RECORD:
        bounds = [
            step.count for step in reference.filters if step.name in ("bytes", "cut", "key") and step.argument.isdigit()
        ]
        if bounds and min(bounds) <= _BYTES["key"]:
            return words + 4 * min(bounds), "small"
        return words, "inside" if reference.path else "whole"
    kind = _NAMES.get(reference.name) or _PLACES.get(reference.name) or "other"
    return words + _BYTES.get(reference.name, 0), kind


def _keys(tree: Any) -> int:
    """Bytes of the names, colons, brackets and commas of a tree."""
    if isinstance(tree, dict):
        return 3 + sum(len(msgspec.json.encode(key)) + 2 + _keys(item) for key, item in tree.items())
    if isinstance(tree, list | tuple):
        return 3 + sum(1 + _keys(item) for item in tree)
    return 0
