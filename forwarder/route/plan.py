"""What is left to decide once topic, type, severity and tenant are known: who takes the event for certain, and whose filters
must be asked. Pure; holds neither the index nor the memory (route/router has both).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import chain
from typing import Generic, TypeVar

from forwarder.route.filters import Failed, Filter, ask
from forwarder.route.view import Tree, View, merge_roots
from forwarder.settings.webhook import Webhook

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Candidate(Generic[T]):
    """A webhook that takes the event if one of `rules` (when there are any) and `filter` (when there is one) say so."""

    target: T
    webhook: Webhook
    rules: tuple[Filter, ...] = ()
    filter: Filter | None = None

    @property
    def filters(self) -> tuple[Filter, ...]:
        return self.rules if self.filter is None else (*self.rules, self.filter)

    @property
    def by_key(self) -> bool:
        """Whether the routing key alone decides."""
        return all(filter_.by_key for filter_ in self.filters)


@dataclass(frozen=True, slots=True, eq=False)
class Plan(Generic[T]):
    """`candidates` in the order of the configuration. When `open` is False all of them take the event: `targets`.
    `needs` is what their filters look at."""

    candidates: tuple[Candidate[T], ...]
    targets: tuple[T, ...]
    open: bool
    needs: Tree


def plan_of(candidates: Sequence[Candidate[T]]) -> Plan[T]:
    """The plan for these candidates."""
    filters = list(chain.from_iterable(candidate.filters for candidate in candidates))
    needs: Tree = reduce(merge_roots, (filter_.needs for filter_ in filters), {})
    targets = tuple(candidate.target for candidate in candidates)
    return Plan(tuple(candidates), targets, bool(filters), needs)


def settle(candidate: Candidate[T], view: View) -> bool | Failed:
    """Whether the candidate takes the event: `(rule or rule ...) and filter`, where, as in CEL, an error counts only if no
    other part decides: a rule that says yes, or a filter that says no. A missing field says no."""
    ruled = _any_of(candidate.rules, view) if candidate.rules else True
    if ruled is False or candidate.filter is None:
        return ruled
    answer = ask(candidate.filter, view)
    if isinstance(answer, Failed):
        return ruled if isinstance(ruled, Failed) else answer
    return ruled if answer is True else False


def _any_of(rules: Sequence[Filter], view: View) -> bool | Failed:
    failed: bool | Failed = False
    for rule in rules:
        answer = ask(rule, view)
        if answer is True:
            return True
        if isinstance(answer, Failed) and failed is False:
            failed = answer
    return failed
