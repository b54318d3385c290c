"""What each single condition of a webhook says of an event, with the reason in words. Combines nothing (route/explain does)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from forwarder.model.event import Event
from forwarder.route.clauses import Listed, compile_for, listed_types
from forwarder.route.filters import Failed, Missing, ask
from forwarder.route.glob import matches
from forwarder.route.level import reaches
from forwarder.route.tenancy import expand
from forwarder.route.view import look
from forwarder.settings.process import EventSet, Tenant
from forwarder.settings.webhook import Webhook


@dataclass(frozen=True, slots=True)
class Finding:
    """`answer` is Failed where a filter cannot be evaluated: alone it decides nothing."""

    answer: bool | Failed
    why: str


@dataclass(frozen=True, slots=True)
class Case:
    """One event before one webhook, and the names that its conditions may use."""

    event: Event
    webhook: Webhook
    event_sets: Mapping[str, EventSet]
    tree: Mapping[str, Tenant]

    @property
    def where(self) -> str:
        """How errors name the webhook."""
        return f"webhook {self.webhook.name}"


def of_source(case: Case) -> Finding:
    """Whether the event's topic is wanted."""
    return _named("topic", case.event.tp.topic, case.webhook.sources)


def of_tenant(case: Case, wanted: Sequence[str]) -> Finding:
    """Whether the event's tenant is wanted, by name, as the owner of a company or, with `includeChildren`, by descent."""
    tenant = case.event.tenant
    allowed = expand(wanted, case.tree, children=case.webhook.include_children)
    if tenant in expand(wanted, case.tree, children=False) - set(wanted):
        return Finding(True, f"tenant {tenant} has a company among {_some(wanted)}")
    if tenant in allowed and tenant not in wanted:
        return Finding(True, f"tenant {tenant} is a descendant of {_some(wanted)}")
    return _named("tenant", tenant, sorted(allowed))


def of_level(case: Case, level: int) -> Finding:
    """Whether the event's severity reaches `level`."""
    severity, missing = case.event.severity, case.webhook.treat_missing_severity_as
    if severity == 0 and missing is None:
        return Finding(True, "the severity is missing and passes every level")
    said = f"the missing severity counts as {missing}, which" if severity == 0 else f"severity {severity}"
    passed = reaches(severity, level, missing)
    return Finding(passed, f"{said} is {'at or above' if passed else 'below'} level {level}")


def of_events(case: Case) -> Finding:
    """Whether the webhook's own list and policy let the event's type in."""
    webhook = case.webhook
    including = webhook.events_policy == "include"
    if not (webhook.events or webhook.event_sets):
        why = "nothing is listed, and only listed types are wanted" if including else "every type is wanted"
        return Finding(not including, why)
    listed, why = listing(case, webhook.events, webhook.event_sets, case.where)
    policy = "only listed types are wanted" if including else "all but listed types are wanted"
    return Finding(listed is including, f"{why}; {policy}")


def listing(case: Case, events: Sequence[str], sets: Sequence[str], where: str) -> tuple[bool, str]:
    """Whether the event's type is among names, globs and sets, and by which of them."""
    kind = case.event.type
    found = listed_types(events, sets, case.event_sets, where)
    named = [entry for entry in found if matches(entry.pattern, kind)]
    for entry in named:
        if _counts(case, entry):
            return True, f"type {kind} {'is listed' if entry.pattern == kind else f'matches {entry.pattern}'}"
    if named:
        return False, f"type {kind} is listed by its event set from level {named[0].level} on only"
    return False, f"type {kind or '(none)'} is not listed"


def of_filter(case: Case, where: str, text: str | None) -> Finding:
    """What a CEL filter says, and why not when it cannot."""
    compiled = compile_for(where, text)
    if compiled is None:
        return Finding(True, "there is no filter")
    match ask(compiled, look(case.event, compiled.needs)):
        case Missing(name):
            return Finding(False, f"the event has no {name}: {text}")
        case Failed(problem) as failed:
            return Finding(failed, f"cannot be evaluated ({problem}): {text}")
        case answer:
            return Finding(answer, f"{'true' if answer else 'false'}: {text}")


def _counts(case: Case, entry: Listed) -> bool:
    return reaches(case.event.severity, entry.level, case.webhook.treat_missing_severity_as)


def _named(what: str, name: str, allowed: Sequence[str]) -> Finding:
    if not allowed:
        return Finding(True, f"every {what} is wanted")
    shown = name or "(none)"
    if name in allowed:
        return Finding(True, f"{what} {shown} is wanted")
    return Finding(False, f"{what} {shown} is not among {_some(allowed)}")


def _some(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
