"""Other products' webhook documents, translated to the native form node by node, so that every mistake keeps its place.

To add one: a file with `translate(node) -> Translated`, and a line in `_DIALECTS`.
"""

from __future__ import annotations

from collections.abc import Callable

from forwarder.settings.dialects import connectsecure, sift, sourcedefense, stalwart, sysdig
from forwarder.settings.dialects.translated import Translated
from forwarder.settings.problems import Problem, nearest
from forwarder.settings.tree import MapNode, text_of

_DIALECTS: dict[str, Callable[[MapNode], Translated]] = {
    "stalwart": stalwart.translate,
    "sysdig": sysdig.translate,
    "connectsecure": connectsecure.translate,
    "sourcedefense": sourcedefense.translate,
    "sift": sift.translate,
}
NAMES = tuple(_DIALECTS)


def native(node: MapNode) -> Translated:
    """The webhook in the native form, by its `dialect` key; without one only the spelling of `events` is looked at."""
    if "dialect" not in node.entries:
        return Translated(stalwart.listed_events(node))
    name = text_of(node.entries["dialect"]) or ""
    rest = node.without("dialect")
    if name in _DIALECTS:
        return _DIALECTS[name](rest)
    text = f"must be one of {', '.join(NAMES)}{nearest(name, NAMES)} ({name!r})"
    return Translated(rest, (Problem(node.keys["dialect"], "dialect", text),))
