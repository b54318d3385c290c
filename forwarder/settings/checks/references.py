"""Checks that names which point somewhere do: topics, event sets, tenants, presets (what is wrong inside the tree of tenants
is `tenants`' to say)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from forwarder.settings.checks.tenants import known_tenants
from forwarder.settings.problems import Finding, Weight, nearest
from forwarder.settings.process import PRESETS, Settings
from forwarder.settings.sets.catalogue import builtin
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


def _of_webhook(settings: Settings, at: int, hook: Webhook) -> Iterator[Finding]:
    topics = [source.topic for source in settings.sources]
    tenants = known_tenants(settings)
    sets = set(settings.event_sets) | set(builtin())
    yield from _unknown(("sources",), hook.sources, topics, "source", at)
    yield from _unknown(("eventSets",), hook.event_sets, sets, "event set", at)
    for index, rule in enumerate(hook.rules):
        yield from _unknown(("rules", index, "eventSets"), rule.event_sets, sets, "event set", at)
        if tenants:
            yield from _unknown(("rules", index, "tenants"), rule.tenants, tenants, "tenant", at)
    if tenants:
        yield from _unknown(("tenants",), hook.tenants, tenants, "tenant", at)
    if hook.include_children and (why := _without_children(hook, bool(tenants))):
        yield Finding(("includeChildren",), f"has no effect: {why}", at, Weight.WARNING)
    if hook.events_policy == "include" and not hook.events and not hook.event_sets:
        text = "eventsPolicy is include, and neither `events` nor `eventSets` names any: no event would ever match"
        yield Finding(("eventsPolicy",), text, at)


def _without_children(hook: Webhook, tree: bool) -> str:
    """Why `includeChildren` changes nothing; "" where it may."""
    if not tree:
        return "there is no `tenants` tree in the configuration"
    asked = hook.tenants or any(rule.tenants for rule in hook.rules)
    return "" if asked else "neither `tenants` nor a rule names any, so the events of all tenants come"


def _unknown(
    path: tuple[Step, ...], asked: Sequence[str], known: Collection[str], kind: str, at: int
) -> Iterator[Finding]:
    for index, name in enumerate(asked):
        if name not in known:
            listed = "; known: " + ", ".join(sorted(known)[:30]) if known else "; none is configured"
            yield Finding((*path, index), f"no {kind} is called {name!r}{nearest(name, known) or listed}", at)
