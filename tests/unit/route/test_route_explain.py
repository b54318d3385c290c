"""The explanation in words: the deciding condition is named, later ones are not reached."""

from __future__ import annotations

from typing import Any

from forwarder.model.event import Event, Unreadable
from forwarder.route.explain import Explanation, Step, explain
from forwarder.settings.process import EventSet, Tenant
from tests.unit.route.examples import event, webhook

SETS = {"urgent": EventSet(events=("net.*",), level=4)}
TREE = {"acme": Tenant(children=("acme-eu",), companies=("1234",))}


def told(seen: Event, **fields: Any) -> Explanation:
    return explain(seen, [webhook(**fields)], event_sets=SETS, tenants=TREE)[0]


def step(explanation: Explanation, check: str) -> Step:
    return next(step for step in explanation.steps if step.check == check)


def test_an_event_that_goes_through_passes_every_step() -> None:
    got = told(event())
    assert got.matched
    assert [s.check for s in got.steps] == ["sources", "tenants", "level", "events", "rules", "filter"]
    assert all(s.passed for s in got.steps)


def test_the_condition_that_says_no_is_named_and_the_rest_is_not_reached() -> None:
    got = told(event(severity=2, tenant="acme"), tenants=["acme"], level="high", filter="data.a == 1")
    assert not got.matched
    assert step(got, "tenants") == Step("tenants", True, "tenant acme is wanted")
    assert step(got, "level") == Step("level", False, "severity 2 is below level 4")
    assert [s.passed for s in got.steps[3:]] == [None, None, None]


def test_a_descendant_and_a_glob_say_how_they_match() -> None:
    got = told(event("auth.login", tenant="acme-eu"), tenants=["acme"], includeChildren=True, events=["auth.*"])
    assert step(got, "tenants").why == "tenant acme-eu is a descendant of acme"
    owner = told(event(tenant="acme"), tenants=["1234"])
    assert step(owner, "tenants").why == "tenant acme has a company among 1234"
    assert step(got, "events") == Step(
        "events", False, "type auth.login matches auth.*; all but listed types are wanted"
    )


def test_the_level_of_a_set_is_the_reason() -> None:
    got = told(event("net.flow", severity=3), eventSets=["urgent"], eventsPolicy="include")
    assert "from level 4 on only" in step(got, "events").why


def test_rules_are_told_one_by_one() -> None:
    rules = [
        {"name": "globex only", "tenants": ["globex"]},
        {"name": "root", "filter": 'data.user == "root"'},
        {"name": "late", "level": "low"},
    ]
    got = told(event(data={"user": "root"}), rules=rules)
    assert got.matched
    assert step(got, "rule globex only") == Step("rule globex only", False, "tenant acme is not among globex")
    assert step(got, "rule root").passed
    assert step(got, "rule late").passed is None
    assert step(got, "rules").why == "rule root lets it in"


def test_a_missing_field_and_an_error_are_told_apart() -> None:
    assert step(told(event(), filter="data.user == 1"), "filter").why.startswith("the event has no user")
    got = told(event(data={"user": "x"}), filter="data.user > 1")
    assert got.matched
    assert "cannot be evaluated" in step(got, "filter").why
    assert step(got, "onFilterError").why.startswith("match, because TypeError")
    assert not told(event(data={"user": "x"}), filter="data.user > 1", onFilterError="noMatch").matched


def test_an_unreadable_record_and_a_disabled_webhook_say_so() -> None:
    got = told(event(problem=Unreadable.NOT_JSON))
    assert not got.matched
    assert "not_json" in got.steps[0].why
    assert step(told(event(), enable=False), "enable").why.startswith("disabled")
