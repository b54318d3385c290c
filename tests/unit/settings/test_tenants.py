"""Tenants are a tree, a company belongs to one of them, and what webhooks ask for exists."""

from __future__ import annotations

import pytest

from .place import Place

TREE = """
tenants:
  acme: {title: Acme Corporation, companies: ["1234", Acme Corp], children: [acme-eu, acme-us]}
  acme-eu: {companies: [77]}
"""


def test_companies_of_all_tenants_are_one_mapping_and_numbers_are_names(place: Place) -> None:
    settings = place.load(place.hook("tenants: [acme]", TREE)).settings
    assert settings.companies == {"1234": "acme", "Acme Corp": "acme", "77": "acme-eu"}
    assert settings.tenants["acme"].title == "Acme Corporation"


@pytest.mark.parametrize("name", ["acme", "acme-us", "77", "Acme Corp"])
def test_a_webhook_may_ask_for_a_tenant_a_child_or_a_company(place: Place, name: str) -> None:
    hook = place.load(place.hook(f'tenants: ["{name}"]\nrules: [{{name: r, tenants: ["{name}"]}}]', TREE))
    assert hook.settings.webhooks[0].tenants == (name,)


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        (
            "{a: {companies: [x]}, b: {companies: [x]}}",
            "tenants.b.companies[0]: company 'x' belongs to tenant 'a' already",
        ),
        ("{a: {companies: [b]}, b: {}}", "tenants.a.companies[0]: 'b' is a tenant itself"),
        ("{a: {companies: [c], children: [c]}}", "tenants.a.companies[0]: 'c' is a tenant itself"),
        ('{a: {companies: [""]}}', "tenants.a.companies[0]: an empty company would be every event without a tenant"),
        ("{a: {children: [b]}, b: {children: [a]}}", "tenants.a.children: 'a' is among its own descendants"),
        ("{a: {compnies: [b]}}", "tenants.a.compnies: unknown key (did you mean `companies`?)"),
    ],
)
def test_a_tree_that_contradicts_itself_is_refused_in_its_place(place: Place, tree: str, said: str) -> None:
    problems = place.problems(place.hook("level: low", f"tenants: {tree}\n"))
    assert any(problem.startswith("forwarder.yaml:2:") and said in problem for problem in problems), problems


def test_a_child_of_two_parents_is_told_for_both_get_its_events(place: Place) -> None:
    (warning,) = place.load(place.hook("level: low", "tenants: {a: {children: [c]}, b: {children: [c]}}\n")).warnings
    assert "tenants.b.children: 'c' is a child of 'a' and of 'b'" in warning


def test_a_company_that_nobody_has_is_refused_with_the_nearest(place: Place) -> None:
    (problem,) = place.problems(place.hook("tenants: [Acme Crop]", TREE))
    assert "webhooks[siem].tenants[0]: no tenant is called 'Acme Crop' (did you mean `Acme Corp`?)" in problem


@pytest.mark.parametrize(
    ("fields", "tree", "why"),
    [
        ("includeChildren: true", "", "there is no `tenants` tree"),
        ("includeChildren: true", TREE, "neither `tenants` nor a rule names any"),
    ],
)
def test_children_of_nobody_are_told(place: Place, fields: str, tree: str, why: str) -> None:
    (warning,) = place.load(place.hook(fields, tree)).warnings
    assert f"webhooks[siem].includeChildren: has no effect: {why}" in warning


def test_children_of_a_rules_tenant_are_no_mistake(place: Place) -> None:
    hook = "includeChildren: true\nrules: [{name: r, tenants: [acme]}]"
    assert place.load(place.hook(hook, TREE)).warnings == ()
