"""Event in, the webhooks that want it out, at a cost that grows with those and not with all that are configured.

Remembers its answers per (topic, type, severity, tenant) within bounds; holds no lane, no count and no policy for errors but
`onFilterError`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Generic, TypeVar

from forwarder.clock import steady
from forwarder.errors import ConfigurationError
from forwarder.model.event import Event
from forwarder.route.asking import Asking, Patience
from forwarder.route.clauses import Clause, clauses_of, compile_for
from forwarder.route.filters import Failed, Filter
from forwarder.route.index import Index
from forwarder.route.mask import members_of
from forwarder.route.plan import Candidate, Plan, plan_of, settle
from forwarder.route.view import View, look
from forwarder.settings.process import EventSet, Tenant
from forwarder.settings.webhook import Webhook

T = TypeVar("T")
Key = tuple[str, str, int, str]

MAX_KEYS = 65_536
"""Routing keys remembered. Types are the producers' to choose, so the memory is emptied when it is full."""
MAX_PLAN_BYTES = 16 * 1024 * 1024
"""What all remembered plans may take together, roughly."""
MAX_KEY_LENGTH = 128
"""Characters of type and tenant above which an answer is not remembered: one record must not hold megabytes."""


def ignore(target: object, webhook: Webhook, event: Event, text: str) -> None:
    """The `on_filter_error` of callers that do not count."""


def forget(event: Event) -> None:
    """The `on_key` of callers that learn nothing."""


class Router(Generic[T]):
    """Chooses among `webhooks`; each comes with the caller's own thing that `match` returns for it (a lane, a name).

    `on_filter_error` is called for every event that a webhook's filters cannot decide because of an error, with a text for
    people; then `onFilterError` of the webhook rules: `match` takes the event, `noMatch` and `deadLetter` do not (writing the
    dead letter is the caller's part). A filter that was slow for one event counts as failing for a while (`asking`).
    `on_key` is called for an event whose routing key is not remembered.

    Raises ConfigurationError with all that is wrong in rules, sets and filters.
    """

    def __init__(
        self,
        webhooks: Sequence[tuple[Webhook, T]],
        *,
        event_sets: Mapping[str, EventSet],
        tenants: Mapping[str, Tenant],
        on_filter_error: Callable[[T, Webhook, Event, str], None] = ignore,
        on_key: Callable[[Event], None] = forget,
        now: Callable[[], float] = steady,
    ) -> None:
        self._webhooks = tuple(webhooks)
        self._on_key = on_key
        self._now = now
        self._patience = Patience()
        self._on_filter_error = on_filter_error
        self._clauses, self._filters = _compile(self._webhooks, event_sets, tenants)
        self._index = Index(self._clauses)
        self._memory: dict[Key, Plan[T]] = {}
        self._plans: dict[tuple[int, tuple[bool | None, ...]], Plan[T]] = {}
        self._plan_bytes = 0
        self._examined = 0

    @property
    def checks(self) -> int:
        """Clauses examined one by one and expressions tried so far; what the index passes over is not among them."""
        return self._examined + self._index.tried

    @property
    def remembered(self) -> int:
        """Routing keys in memory."""
        return len(self._memory)

    def match(self, event: Event) -> Sequence[T]:
        """Those that want the event, in the order of the configuration. The event must be readable (`problem` is None)."""
        plan = self._memory.get((event.tp.topic, event.type, event.severity, event.tenant))
        if plan is None:
            plan = self._plan(event)
        if not plan.open:
            return plan.targets
        asking = Asking(self._patience, self._now, plan, event)
        return [c.target for c in plan.candidates if self._admits(c, asking, event)]

    def outlook(self, event: Event) -> list[tuple[T, bool]]:
        """Those that may want events with this topic, type, severity and tenant, each with whether they want all of them: where
        not, their filters are asked with each event."""
        return [(c.target, not c.filters) for c in self._plan(event).candidates]

    def _admits(self, candidate: Candidate[T], asking: Asking, event: Event) -> bool:
        answer = asking.answer(candidate)
        if not isinstance(answer, Failed):
            return answer
        self._on_filter_error(candidate.target, candidate.webhook, event, answer.text)
        return candidate.webhook.on_filter_error == "match"

    def _plan(self, event: Event) -> Plan[T]:
        self._on_key(event)
        found = self._index.find(event)
        plan = self._plans.get((found, ()))
        if plan is None:
            plan = self._keep((found, ()), plan_of(list(self._candidates(found))))
        if plan.open:
            plan = self._narrow(found, plan, event)
        if len(event.type) + len(event.tenant) <= MAX_KEY_LENGTH:
            if len(self._memory) >= MAX_KEYS:
                self._forget()
            self._memory[event.tp.topic, event.type, event.severity, event.tenant] = plan
        return plan

    def _narrow(self, found: int, plan: Plan[T], event: Event) -> Plan[T]:
        """Ask the filters that look at the routing key alone now, once for all events that share it. One that fails is
        left to be asked, and counted, with each event."""
        early = [candidate for candidate in plan.candidates if candidate.filters and candidate.by_key]
        if not early:
            return plan
        view = look(event, plan_of(early).needs)
        answers = tuple(_early(candidate, view) for candidate in plan.candidates)
        narrowed = self._plans.get((found, answers))
        if narrowed is None:
            left = [
                Candidate(c.target, c.webhook) if answer else c
                for c, answer in zip(plan.candidates, answers, strict=True)
                if answer is not False
            ]
            narrowed = self._keep((found, answers), plan_of(left))
        return narrowed

    def _keep(self, key: tuple[int, tuple[bool | None, ...]], plan: Plan[T]) -> Plan[T]:
        """Share one plan among all routing keys with the same answer; forget everything before it grows too large."""
        size = 300 + key[0].bit_length() // 8 + 8 * len(key[1]) + 120 * len(plan.candidates)
        if self._plan_bytes + size > MAX_PLAN_BYTES:
            self._forget()
        self._plan_bytes += size
        self._plans[key] = plan
        return plan

    def _forget(self) -> None:
        self._memory.clear()
        self._plans.clear()
        self._plan_bytes = 0

    def _candidates(self, found: int) -> Iterator[Candidate[T]]:
        for owner, group in groupby(map(self._clauses.__getitem__, members_of(found)), key=lambda c: c.owner):
            clauses = list(group)
            self._examined += len(clauses)
            webhook, target = self._webhooks[owner]
            rules = tuple(clause.filter for clause in clauses if clause.filter is not None)
            decided = len(rules) < len(clauses)
            yield Candidate(target, webhook, () if decided else rules, self._filters[owner])


def _early(candidate: Candidate[T], view: View) -> bool | None:
    """The candidate's answer where the routing key decides it; None where the event must be asked."""
    if not candidate.by_key:
        return None
    answer = settle(candidate, view)
    return None if isinstance(answer, Failed) else answer


def _compile(
    webhooks: Sequence[tuple[Webhook, object]], event_sets: Mapping[str, EventSet], tenants: Mapping[str, Tenant]
) -> tuple[list[Clause], list[Filter | None]]:
    clauses: list[Clause] = []
    filters: list[Filter | None] = []
    problems: list[str] = []
    for owner, (webhook, _) in enumerate(webhooks):
        try:
            clauses += clauses_of(owner, webhook, event_sets, tenants)
            filters.append(compile_for(f"webhook {webhook.name}", webhook.filter))
        except ConfigurationError as error:
            problems += error.problems
    if problems:
        raise ConfigurationError(problems)
    return clauses, filters
