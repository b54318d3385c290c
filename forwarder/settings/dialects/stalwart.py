"""Stalwart's `WebHook` object (stalw.art/docs/ref/object/web-hook, version 0.16, "Create"; durations are text such as `5m`).

Its field names are the native ones, so it loads without `dialect`. `dialect: stalwart` adds how Stalwart behaves: its body
format, a throttle that full batches wait for too, and its default level; and drops `id` and `description`.
"""

from __future__ import annotations

from forwarder.settings.dialects.translated import Translated, mapping, word
from forwarder.settings.tree import ListNode, MapNode, Node, Text, text_of


def listed_events(node: MapNode) -> MapNode:
    """`events` as a list. JMAP writes a set as `{"auth.success": true}` (RFC 8620, 1.1), and older manuals print `{}`."""
    events = node.entries.get("events")
    if not isinstance(events, MapNode) or any(text_of(value) != "true" for value in events.entries.values()):
        return node
    names = tuple(Text(events.keys[name], name, name) for name in events.entries)
    return node.having(events=ListNode(events.mark, names))


def translate(node: MapNode) -> Translated:
    """The native form, with Stalwart's behaviour where the document does not say otherwise."""
    behaviour: dict[str, Node] = {
        "payload": mapping(node.mark, format=word(node.mark, "stalwart")),
        "strictThrottle": word(node.mark, "true"),
        "level": word(node.mark, "info"),
    }
    added = {key: value for key, value in behaviour.items() if key not in node.entries}
    return Translated(listed_events(node.without("id", "description").having(**added)))
