"""The tenant tree: which tenants a name stands for. Pure; a cycle in the tree ends instead of looping."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from forwarder.settings.process import Tenant


def expand(names: Iterable[str], tree: Mapping[str, Tenant], *, children: bool) -> frozenset[str]:
    """`names`, and with `children` all their descendants. A name that the tree does not know stands for itself."""
    found = set(names)
    queue = list(found) if children else []
    while queue:
        tenant = tree.get(queue.pop())
        fresh = set(tenant.children) - found if tenant else set()
        found |= fresh
        queue.extend(fresh)
    return frozenset(found)
