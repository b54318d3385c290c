"""Why an event goes where it goes, webhook by webhook, in words. For people: walks every condition, uses no index.

A second telling of what route/router decides; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from forwarder.model.event import Event
from forwarder.route.filters import Failed
from forwarder.route.findings import Case, Finding, listing, of_events, of_filter, of_level, of_source, of_tenant
from forwarder.settings.process import EventSet, Tenant
from forwarder.settings.webhook import Rule, Webhook


@dataclass(frozen=True, slots=True)
class Step:
    """One condition. `passed` is None when it was not reached, because an earlier one had decided."""

    check: str
    passed: bool | None
    why: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """`webhook` is its name; `matched` is what `Router.match` decides; `steps` in the order in which they are asked."""

    webhook: str
    matched: bool
    steps: tuple[Step, ...]


def explain(
    event: Event,
    webhooks: Iterable[Webhook],
    *,
    event_sets: Mapping[str, EventSet],
    tenants: Mapping[str, Tenant],
) -> list[Explanation]:
    """One explanation for each webhook, in the order given. Raises ConfigurationError as `Router` does.

    An unreadable event (`problem` set) matches nothing: it is never routed.
    """
    if event.problem is not None:
        why = f"the record cannot be read ({event.problem.value}): it goes to the dead-letter topic, not to webhooks"
        return [Explanation(webhook.name, False, (Step("record", False, why),)) for webhook in webhooks]
    return [_explanation(Case(event, webhook, event_sets, tenants)) for webhook in webhooks]


def _explanation(case: Case) -> Explanation:
    webhook = case.webhook
    steps = [] if webhook.enable else [Step("enable", True, "disabled: routed as others, but nothing is sent")]
    matched, failed = _walk(_conditions(case, steps), steps)
    if matched and failed:
        matched = webhook.on_filter_error == "match"
        steps.append(Step("onFilterError", matched, f"{webhook.on_filter_error}, because {failed.text}"))
    return Explanation(webhook.name, matched, tuple(steps))


def _conditions(case: Case, steps: list[Step]) -> list[tuple[str, Callable[[], Finding]]]:
    webhook = case.webhook
    return [
        ("sources", lambda: of_source(case)),
        ("tenants", lambda: of_tenant(case, webhook.tenants)),
        ("level", lambda: of_level(case, webhook.level)),
        ("events", lambda: of_events(case)),
        ("rules", lambda: _of_rules(case, steps)),
        ("filter", lambda: of_filter(case, case.where, webhook.filter)),
    ]


def _walk(conditions: Iterable[tuple[str, Callable[[], Finding]]], steps: list[Step]) -> tuple[bool, Failed | None]:
    """Every condition must agree. One that fails leaves the word to those after it: a later no decides."""
    on, failed = True, None
    for check, ask_it in conditions:
        if not on:
            steps.append(Step(check, None, "not reached"))
            continue
        finding = ask_it()
        steps.append(Step(check, finding.answer is True, finding.why))
        on = finding.answer is not False
        failed = failed or (finding.answer if isinstance(finding.answer, Failed) else None)
    return on, failed


def _of_rules(case: Case, steps: list[Step]) -> Finding:
    """Any rule that agrees is enough, also beside one that fails."""
    if not case.webhook.rules:
        return Finding(True, "there are no rules")
    taken: str | None = None
    failed: Failed | None = None
    for rule in case.webhook.rules:
        if taken is not None:
            steps.append(Step(f"rule {rule.name}", None, "not reached"))
            continue
        finding = _of_rule(case, rule)
        steps.append(Step(f"rule {rule.name}", finding.answer is True, finding.why))
        taken = rule.name if finding.answer is True else None
        failed = failed or (finding.answer if isinstance(finding.answer, Failed) else None)
    if taken is not None:
        return Finding(True, f"rule {taken} lets it in")
    if failed:
        return Finding(failed, "no rule lets it in, and one could not be evaluated")
    return Finding(False, "no rule lets it in")


def _of_rule(case: Case, rule: Rule) -> Finding:
    """Everything that the rule gives must agree."""
    where = f"{case.where}, rule {rule.name}"
    tests: list[Callable[[], Finding]] = []
    if rule.tenants:
        tests.append(lambda: of_tenant(case, rule.tenants))
    if rule.level:
        tests.append(lambda: of_level(case, rule.level))
    if rule.events or rule.event_sets:
        tests.append(lambda: Finding(*listing(case, rule.events, rule.event_sets, where)))
    if rule.filter is not None:
        tests.append(lambda: of_filter(case, where, rule.filter))
    said = []
    for test in tests:
        finding = test()
        if finding.answer is not True:
            return finding
        said.append(finding.why)
    return Finding(True, "; ".join(said) or "it asks for nothing")
