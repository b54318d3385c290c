"""Sift's variables, from Sift's own fields and from the events of other producers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from forwarder.cli import samples
from tests.unit.deliver.template.make import compiled, subject

NAMES = ("RuleName", "Status", "WebhookId", "EventId", "RuleId", "RuleVersion", "AssetName", "RunId", "SentAt")
ALL = "|".join(f"{{{{.{name} | default `-`}}}}" for name in NAMES)
SIFT: dict[str, Any] = {
    "ruleName": "Overheat", "status": "resolved", "webhookId": "w1", "eventId": "e1", "ruleId": "r1", "ruleVersion": 7,
    "assetName": "NASA-1", "runId": "run-3", "sentAt": "2026-01-02T03:04:05Z",
}  # fmt: skip
TOLD = "Overheat|resolved|w1|e1|r1|7|NASA-1|run-3|2026-01-02T03:04:05Z"


def told(data: Any, **envelope: Any) -> str:
    return compiled(ALL, "go").render((subject(data, **envelope),)).decode()


def snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


@pytest.mark.parametrize("spelled", [str, lambda name: name[0].upper() + name[1:], snake])
def test_sifts_own_fields_in_every_spelling(spelled: Any) -> None:
    assert told({spelled(name): value for name, value in SIFT.items()}) == TOLD


def test_an_event_that_says_little_is_a_violation_under_its_own_type_and_id() -> None:
    assert told({}) == "rule.violated|violated|hook|id-0|-|-|-|-|2026-03-14T12:41:07.358Z"


@pytest.mark.parametrize(
    ("preset", "rule", "asset"),
    [
        ("falco", "Terminal shell in container", "node-7"),
        ("sysdig", "Write below etc", "checkout-5f8b9c7d4-kq2zn"),
        ("ocsf", "Impossible travel", "-"),
        ("sourcedefense", "new_3rd_party_script", "shop.acme.example"),
        ("raw", "rule.violated", "node-7"),
    ],
)
def test_other_producers_events_have_a_rule_and_an_asset(preset: str, rule: str, asset: str) -> None:
    found = told(json.loads(samples.value(preset))).split("|")
    assert (found[0], found[1], found[6]) == (rule, "violated", asset)


def test_the_data_of_an_envelope_is_looked_into_too() -> None:
    assert told({"type": "rule", "name": "envelope", "data": SIFT}) == TOLD


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("Violated", "violated"), ("firing", "violated"), ("New", "violated"), ("RESOLVED", "resolved"), ("ok", "resolved"),
        ("odd", "odd"),
    ],
)  # fmt: skip
def test_other_words_for_the_status_become_sifts(word: str, status: str) -> None:
    assert told({"status": word}).split("|")[1] == status


def test_only_texts_and_numbers_are_names() -> None:
    assert (
        told({"ruleName": {"a": 1}, "rule": {"name": "inner"}, "status": None, "runId": True}).split("|")[0] == "inner"
    )
