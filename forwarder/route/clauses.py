"""A webhook's conditions as clauses: it takes an event when one clause holds and its filters agree. Pure; no index, no event.

A webhook without rules is one clause; each rule makes one, which carries the webhook's own conditions too. So the index knows only
one kind of thing, and a rule never costs more than a webhook.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from forwarder.errors import ConfigurationError
from forwarder.route.filters import Filter, compile_filter
from forwarder.route.tenancy import expand
from forwarder.settings.process import EventSet, Tenant
from forwarder.settings.webhook import Rule, Webhook


@dataclass(frozen=True, slots=True)
class Listed:
    """A name or glob of event types, and the least severity at which it counts as listed (that of the set it came with)."""

    pattern: str
    level: int = 0


@dataclass(frozen=True, slots=True)
class Types:
    """Which event types pass: the listed ones, or with `excluding` all others."""

    listed: tuple[Listed, ...] = ()
    excluding: bool = True


@dataclass(frozen=True, slots=True)
class Clause:
    """`owner` is the webhook's place in the configuration. None for topics or tenants means any; an empty set means none.
    `missing` is what severity 0 counts as. `filter` is the rule's own; the webhook's is not here."""

    owner: int
    topics: frozenset[str] | None
    tenants: frozenset[str] | None
    level: int
    missing: int | None
    types: Types
    rule_types: Types
    filter: Filter | None


def clauses_of(
    owner: int, webhook: Webhook, event_sets: Mapping[str, EventSet], tenants: Mapping[str, Tenant]
) -> list[Clause]:
    """The clauses of one webhook, in the order of its rules.

    Raises ConfigurationError for an event set that does not exist or a filter that does not compile.
    """
    everything = Rule(name="")
    return [_clause(owner, webhook, rule, event_sets, tenants) for rule in webhook.rules or (everything,)]


def listed_types(
    events: Iterable[str], sets: Sequence[str], event_sets: Mapping[str, EventSet], where: str
) -> tuple[Listed, ...]:
    """Names and globs of `events` and of `sets` together; those of a set count from the set's own level on."""
    unknown = [name for name in sets if name not in event_sets]
    if unknown:
        raise ConfigurationError([f"{where}: there is no event set {name}" for name in unknown])
    brought = ((event_sets[name].level, event_sets[name].events) for name in sets)
    return (*map(Listed, events), *(Listed(event, level) for level, events in brought for event in events))


def _clause(
    owner: int, webhook: Webhook, rule: Rule, event_sets: Mapping[str, EventSet], tree: Mapping[str, Tenant]
) -> Clause:
    where = f"webhook {webhook.name}"
    in_rule = f"{where}, rule {rule.name}"
    children = webhook.include_children
    sides = [expand(names, tree, children=children) for names in (webhook.tenants, rule.tenants) if names]
    excluding = webhook.events_policy == "exclude"
    own = listed_types(webhook.events, webhook.event_sets, event_sets, where)
    ruled = listed_types(rule.events, rule.event_sets, event_sets, in_rule)
    return Clause(
        owner=owner,
        topics=frozenset(webhook.sources) or None,
        tenants=frozenset.intersection(*sides) if sides else None,
        level=max(webhook.level, rule.level),
        missing=webhook.treat_missing_severity_as,
        types=Types(own, excluding),
        rule_types=Types(ruled, excluding=not (rule.events or rule.event_sets)),
        filter=compile_for(in_rule, rule.filter),
    )


def compile_for(where: str, text: str | None) -> Filter | None:
    """The compiled filter, or None without one. Raises ConfigurationError that names `where`."""
    if text is None:
        return None
    try:
        return compile_filter(text)
    except ConfigurationError as error:
        raise ConfigurationError([f"{where}: {problem}" for problem in error.problems]) from None
