"""The event sets that ship: complete, usable by name alone, and never in the way of the configuration's own."""

from __future__ import annotations

import pytest

from forwarder.route.glob import parse
from forwarder.settings.sets.catalogue import builtin

from .place import Place

SOURCE_DEFENSE = (
    "new-scripts", "new-script-policy-recommendations", "new-pci-header-changes", "new-behaviors", "data-missing",
    "unknown-domains",
)  # fmt: skip
CONNECTSECURE = (
    "system-changes", "problems", "solutions", "entra-id-audit", "entra-id-error", "ad-audit", "job-failed",
    "certificate-expire-in-30-days",
)  # fmt: skip


def test_every_box_of_source_defense_and_every_category_of_connectsecure_is_a_set() -> None:
    wanted = {f"sourcedefense.{name}" for name in SOURCE_DEFENSE} | {f"connectsecure.{name}" for name in CONNECTSECURE}
    assert wanted <= set(builtin())


@pytest.mark.parametrize("name", builtin())
def test_a_set_has_a_title_a_category_a_source_and_events_that_can_match(name: str) -> None:
    one = builtin()[name]
    assert one.set.title and one.set.category and one.source and one.set.events
    for event in one.set.events:
        parse(event)


def test_what_is_not_public_is_marked_as_a_guess() -> None:
    guessed = {name for name, one in builtin().items() if one.guessed}
    assert {"sourcedefense.data-missing", "sourcedefense.unknown-domains"} <= guessed
    assert not {"sourcedefense.new-scripts", "connectsecure.system-changes"} & guessed


def test_a_webhook_and_a_rule_use_a_set_by_its_name_alone(place: Place) -> None:
    fields = "eventSets: [sourcedefense.new-scripts]\nrules: [{name: r, eventSets: [connectsecure.problems]}]"
    settings = place.load(place.hook(fields)).settings
    assert set(settings.event_sets) == {"sourcedefense.new-scripts", "connectsecure.problems"}
    assert settings.event_sets["sourcedefense.new-scripts"].events == ("site_script.new_script",)


def test_a_set_of_the_configuration_with_the_same_name_counts(place: Place) -> None:
    own = "eventSets: {sift.rule-violation: {title: Ours, events: [violation]}}\n"
    settings = place.load(place.hook("eventSets: [sift.rule-violation]", own)).settings
    assert settings.event_sets["sift.rule-violation"].events == ("violation",)


def test_sets_that_nobody_names_stay_out_of_the_configuration(place: Place) -> None:
    assert place.load(place.hook("level: low")).settings.event_sets == {}


def test_a_mistyped_set_is_refused_with_the_nearest(place: Place) -> None:
    (problem,) = place.problems(place.hook("eventSets: [sourcedefense.new-script]"))
    assert "no event set is called 'sourcedefense.new-script' (did you mean `sourcedefense.new-scripts`?)" in problem
