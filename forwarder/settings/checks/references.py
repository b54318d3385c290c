"""Checks that names which point somewhere do: topics, event sets, tenants, presets; and that the tenants form a tree."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from forwarder.settings.problems import Finding, Weight, nearest
from forwarder.settings.process import PRESETS, Settings, Tenant
from forwarder.settings.tree import Step
from forwarder.settings.webhook import Webhook


def references(settings: Settings) -> Iterator[Finding]:
    """All references."""
    for index, source in enumerate(settings.sources):
        known = (*PRESETS, *settings.presets)
        if source.preset not in known:
            path = ("sources", index, "preset")
            yield Finding(
                path, f"no preset is called {source.preset!r}{nearest(source.preset, known)}; known: {', '.join(known)}"
            )
    for index, hook in enumerate(settings.webhooks):
        yield from _of_webhook(settings, index, hook)
    yield from _tenants(settings.tenants)


def _of_webhook(settings: Settings, at: int, hook: Webhook) -> Iterator[Finding]:
    topics = [source.topic for source in settings.sources]
    tenants = _all(settings.tenants)
    yield from _unknown(("sources",), hook.sources, topics, "source", at)
    yield from _unknown(("eventSets",), hook.event_sets, settings.event_sets, "event set", at)
    for index, rule in enumerate(hook.rules):
        yield from _unknown(("rules", index, "eventSets"), rule.event_sets, settings.event_sets, "event set", at)
        if tenants:
            yield from _unknown(("rules", index, "tenants"), rule.tenants, tenants, "tenant", at)
    if tenants:
        yield from _unknown(("tenants",), hook.tenants, tenants, "tenant", at)
    elif hook.include_children:
        text = "has no effect: there is no `tenants` tree in the configuration"
        yield Finding(("includeChildren",), text, at, Weight.WARNING)
    if hook.events_policy == "include" and not hook.events and not hook.event_sets:
        text = "eventsPolicy is include, and neither `events` nor `eventSets` names any: no event would ever match"
        yield Finding(("eventsPolicy",), text, at)


def _unknown(
    path: tuple[Step, ...], asked: Sequence[str], known: Collection[str], kind: str, at: int
) -> Iterator[Finding]:
    for index, name in enumerate(asked):
        if name not in known:
            listed = "; known: " + ", ".join(sorted(known)[:20]) if known else "; none is configured"
            yield Finding((*path, index), f"no {kind} is called {name!r}{nearest(name, known) or listed}", at)


def _all(tenants: Mapping[str, Tenant]) -> set[str]:
    """Every tenant that the tree names, as a parent or as a child."""
    return set(tenants).union(*(tenant.children for tenant in tenants.values()))


def _tenants(tenants: Mapping[str, Tenant]) -> Iterator[Finding]:
    """One finding for each tenant that is its own descendant."""
    for name in tenants:
        below: set[str] = set()
        waiting = list(tenants[name].children)
        while waiting:
            child = waiting.pop()
            if child not in below:
                below.add(child)
                waiting += tenants[child].children if child in tenants else ()
        if name in below:
            yield Finding(
                ("tenants", name, "children"), f"{name!r} is among its own descendants; tenants must form a tree"
            )
