"""The tenant tree: which tenants a name stands for. Pure; a cycle in the tree ends instead of looping."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from forwarder.settings.process import Tenant


def expand(names: Iterable[str], tree: Mapping[str, Tenant], *, children: bool) -> frozenset[str]:
    """The tenants of `names`, and with `children` all their descendants. The name of a company stands for its tenant, as it
    does in events (see `source/decode`); a name that the tree does not know stands for itself."""
    found = {name if name in tree else _owner(name, tree) for name in names}
    queue = list(found) if children else []
    while queue:
        tenant = tree.get(queue.pop())
        fresh = set(tenant.children) - found if tenant else set()
        found |= fresh
        queue.extend(fresh)
    return frozenset(found)


def _owner(name: str, tree: Mapping[str, Tenant]) -> str:
    """The tenant that has the company `name`, else `name` itself."""
    return next((owner for owner, tenant in tree.items() if name in tenant.companies), name)
