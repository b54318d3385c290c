"""Checks of the tenants: they form a tree, and every company belongs to one of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from forwarder.settings.problems import Finding, Weight
from forwarder.settings.process import Settings, Tenant


def known_tenants(settings: Settings) -> set[str]:
    """Every name that a webhook may write under `tenants`: parents, children and companies. Empty without any tree."""
    tree = settings.tenants
    children = (child for tenant in tree.values() for child in tenant.children)
    return set(tree).union(children, settings.companies)


def tenants(settings: Settings) -> Iterator[Finding]:
    """The whole tree."""
    yield from _circles(settings.tenants)
    yield from _companies(settings.tenants)
    parents: dict[str, list[str]] = defaultdict(list)
    for name, tenant in settings.tenants.items():
        for child in dict.fromkeys(tenant.children):
            parents[child].append(name)
    for child, names in parents.items():
        if len(names) > 1:
            text = f"{child!r} is a child of {' and of '.join(map(repr, names))}: webhooks of both get its events"
            yield Finding(("tenants", names[-1], "children"), text, weight=Weight.WARNING)


def _circles(tree: Mapping[str, Tenant]) -> Iterator[Finding]:
    """One finding for each tenant that is its own descendant."""
    for name in tree:
        below: set[str] = set()
        waiting = list(tree[name].children)
        while waiting:
            child = waiting.pop()
            if child not in below:
                below.add(child)
                waiting += tree[child].children if child in tree else ()
        if name in below:
            yield Finding(
                ("tenants", name, "children"), f"{name!r} is among its own descendants; tenants must form a tree"
            )


def _companies(tree: Mapping[str, Tenant]) -> Iterator[Finding]:
    """A company that two tenants claim, or that is called like another tenant, would move events from one to the other."""
    claimed: dict[str, str] = {}
    names = set(tree).union(*(tenant.children for tenant in tree.values()))
    for name, tenant in tree.items():
        for index, company in enumerate(tenant.companies):
            path = ("tenants", name, "companies", index)
            owner = claimed.setdefault(company, name)
            if owner != name:
                yield Finding(
                    path, f"company {company!r} belongs to tenant {owner!r} already; a company has one tenant"
                )
            if company in names and company != name:
                yield Finding(path, f"{company!r} is a tenant itself; list it under `children`, or call one otherwise")
            if not company:
                yield Finding(path, "an empty company would be every event without a tenant; remove it")
