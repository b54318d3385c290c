"""What each condition of a webhook means, one behaviour each, through `Router.match`."""

from __future__ import annotations

from typing import Any

import pytest

from forwarder.errors import ConfigurationError
from forwarder.model.event import Event
from forwarder.route.router import Router
from forwarder.settings.process import EventSet, Tenant
from forwarder.settings.webhook import Webhook
from tests.unit.route.examples import event, webhook

SETS = {
    "identity": EventSet(title="Login & audit", events=("auth.*", "login.*")),
    "urgent": EventSet(events=("net.*",), level=4),
}
TREE = {
    "acme": Tenant(children=("acme-eu", "acme-us")),
    "acme-eu": Tenant(children=("acme-eu-1",)),
    "ring-a": Tenant(children=("ring-b",)),
    "ring-b": Tenant(children=("ring-a",)),
}


def takes(seen: Event, **fields: Any) -> bool:
    router = Router([(webhook(**fields), 1)], event_sets=SETS, tenants=TREE)
    return bool(router.match(seen))


def test_a_webhook_that_says_nothing_takes_everything() -> None:
    assert takes(event("anything", severity=0, tenant=""))


def test_a_disabled_webhook_is_routed_like_others() -> None:
    assert takes(event(), enable=False)


def test_answers_come_in_the_order_of_the_configuration() -> None:
    hooks = [webhook("z", filter="data.a == 1"), webhook("m"), webhook("a", filter="data.a == 1"), webhook("b")]
    router = Router([(hook, hook.name) for hook in hooks], event_sets={}, tenants={})
    assert list(router.match(event(data={"a": 1}))) == ["z", "m", "a", "b"]
    assert list(router.match(event(data={"a": 2}))) == ["m", "b"]


def test_sources_are_exact_topics() -> None:
    assert takes(event(topic="audit"), sources=["audit", "net"])
    assert not takes(event(topic="audit.x"), sources=["audit"])


def test_tenants_are_exact_and_children_only_when_asked_for() -> None:
    assert takes(event(tenant="acme"), tenants=["acme"])
    assert not takes(event(tenant="acme-eu"), tenants=["acme"])
    assert not takes(event(tenant=""), tenants=["acme"])
    for name in ("acme", "acme-eu", "acme-us", "acme-eu-1"):
        assert takes(event(tenant=name), tenants=["acme"], includeChildren=True)
    assert not takes(event(tenant="acme"), tenants=["acme-eu"], includeChildren=True)


def test_a_circle_in_the_tree_ends() -> None:
    assert takes(event(tenant="ring-b"), tenants=["ring-a"], includeChildren=True)
    assert not takes(event(tenant="acme"), tenants=["ring-a"], includeChildren=True)


def test_the_default_policy_takes_all_but_the_listed() -> None:
    assert not takes(event("auth.login"), events=["auth.login"])
    assert takes(event("auth.logout"), events=["auth.login"])


def test_include_takes_the_listed_only() -> None:
    assert takes(event("auth.login"), events=["auth.login"], eventsPolicy="include")
    assert not takes(event("auth.logout"), events=["auth.login"], eventsPolicy="include")
    assert not takes(event("auth.login"), eventsPolicy="include")


@pytest.mark.parametrize(
    ("pattern", "name", "matching"),
    [
        ("auth.*", "auth.login", True),
        ("auth.*", "auth.", True),
        ("auth.*", "auth", False),
        ("auth.*", "Auth.login", False),
        ("*.failed", "login.failed", True),
        ("*.failed", "login.failed.twice", False),
        ("*.failed", ".failed", True),
        ("a?c", "abc", True),
        ("a?c", "abbc", False),
        ("a[bc]d", "acd", True),
        ("a[!bc]d", "acd", False),
        ("net.*.query", "net.dns.query", True),
        ("net.*.query", "net.query", False),
        ("a.b", "axb", False),
        ("x[*]y", "x*y", True),
        ("x[*]y", "xzy", False),
        ("*", "", True),
        ("**", "multi\nline", True),
        ("a*z", "a\nz", True),
    ],
)
def test_globs_mean_what_fnmatch_says_and_mind_the_case(pattern: str, name: str, matching: bool) -> None:
    assert takes(event(name), events=[pattern], eventsPolicy="include") is matching
    assert takes(event(name), events=[pattern]) is not matching


def test_event_sets_add_to_events() -> None:
    fields: dict[str, Any] = {"events": ["db.drop"], "eventSets": ["identity"], "eventsPolicy": "include"}
    assert takes(event("db.drop"), **fields)
    assert takes(event("login.failed"), **fields)
    assert not takes(event("net.flow"), **fields)
    assert not takes(event("login.failed"), eventSets=["identity"])


def test_the_level_of_a_set_holds_for_what_comes_by_that_set_alone() -> None:
    fields: dict[str, Any] = {"eventSets": ["urgent"], "eventsPolicy": "include"}
    assert takes(event("net.flow", severity=4), **fields)
    assert not takes(event("net.flow", severity=3), **fields)
    assert takes(event("net.flow", severity=3), events=["net.flow"], **fields)


def test_a_set_with_a_level_excludes_from_that_level_on() -> None:
    assert takes(event("net.flow", severity=3), eventSets=["urgent"])
    assert not takes(event("net.flow", severity=4), eventSets=["urgent"])


def test_level_is_the_least_severity() -> None:
    assert [takes(event(severity=n), level="high") for n in range(1, 7)] == [False, False, False, True, True, True]


@pytest.mark.parametrize(("counts_as", "taken"), [(None, True), ("low", False), ("high", True), ("unknown", False)])
def test_a_missing_severity_counts_as_the_webhook_says(counts_as: str | None, taken: bool) -> None:
    fields: dict[str, Any] = {"treatMissingSeverityAs": counts_as}
    assert takes(event(severity=0), level="high", **fields) is taken
    assert takes(event(severity=0), rules=[{"name": "r", "level": "high"}], **fields) is taken
    assert takes(event("net.x", severity=0), eventSets=["urgent"], eventsPolicy="include", **fields) is taken


def test_any_one_rule_lets_the_event_in() -> None:
    rules = [
        {"name": "logins", "eventSets": ["identity"], "tenants": ["acme"]},
        {"name": "bad", "level": "critical"},
        {"name": "root", "events": ["sudo"], "filter": 'data.user == "root"'},
    ]
    assert takes(event("auth.login", severity=1, tenant="acme"), rules=rules)
    assert not takes(event("auth.login", severity=1, tenant="globex"), rules=rules)
    assert takes(event("other", severity=5, tenant="globex"), rules=rules)
    assert takes(event("sudo", severity=1, data={"user": "root"}), rules=rules)
    assert not takes(event("sudo", severity=1, data={"user": "bob"}), rules=rules)
    assert not takes(event("sudo", severity=1), rules=rules)


def test_a_rule_without_a_filter_is_enough_beside_one_whose_filter_says_no() -> None:
    rules = [{"name": "picky", "filter": 'data.user == "root"'}, {"name": "all of acme", "tenants": ["acme"]}]
    assert takes(event(tenant="acme", data={"user": "bob"}), rules=rules)
    assert not takes(event(tenant="globex", data={"user": "bob"}), rules=rules)


def test_a_rule_narrows_the_webhook_and_never_widens_it() -> None:
    rules = [{"name": "all of acme", "tenants": ["acme"]}]
    assert not takes(event(tenant="acme", severity=2), rules=rules, level="high")
    assert not takes(event(tenant="acme"), rules=rules, tenants=["globex"])
    assert not takes(event("x", tenant="acme"), rules=rules, events=["x"])
    assert takes(event(tenant="acme-us"), rules=rules, includeChildren=True)


def test_a_set_that_does_not_exist_and_a_broken_filter_are_refused_together() -> None:
    hooks: list[Webhook] = [
        webhook("a", eventSets=["nowhere"]),
        webhook("b", filter="evnt.type == 1"),
        webhook("c", rules=[{"name": "r", "filter": "1 +"}]),
    ]
    with pytest.raises(ConfigurationError) as refused:
        Router([(hook, 0) for hook in hooks], event_sets={}, tenants={})
    text = str(refused.value)
    assert "webhook a: there is no event set nowhere" in text
    assert "webhook b: filter: 1:1: unknown name evnt, did you mean event?" in text
    assert "webhook c, rule r: filter: 1:" in text
