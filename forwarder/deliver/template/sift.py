"""Sift's built-in variables for the trigger "Rule Violation" (docs.siftstack.com, "Webhook settings"), and where events of other
producers have them. Pure tables and one look-up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from forwarder.deliver.template.values import MISSING

Path = tuple[str, tuple[str, ...]]
"""The first key, and those below it."""

VIOLATED, RESOLVED = "violated", "resolved"

_SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "RuleName": ("ruleName", "rule_name", "rule.name"),
    "Status": ("status", "state"),
    "WebhookId": ("webhookId", "webhook_id"),
    "EventId": ("eventId", "event_id"),
    "RuleId": ("ruleId", "rule_id", "rule.id", "rule.ruleId"),
    "RuleVersion": ("ruleVersion", "rule_version", "rule.version"),
    "AssetName": ("assetName", "asset_name", "asset.name"),
    "RunId": ("runId", "run_id", "run.id"),
    "SentAt": ("sentAt", "sent_at"),
}
"""Sift's own fields, as its variables, its JSON and its Python client spell them."""

_ELSEWHERE: Mapping[str, tuple[str, ...]] = {
    "RuleName": ("rule", "content.ruleName", "finding_info.analytic.name", "finding_info.title", "event_name", "name"),
    "RuleId": ("content.policyId", "finding_info.analytic.uid", "finding_info.uid"),
    "RuleVersion": ("content.policyVersion", "finding_info.analytic.version"),
    "AssetName": ("hostname", "host.name", "device.hostname", "labels/kubernetes.pod.name", "site", "host"),
}
"""Falco, Sysdig, OCSF, Source Defense and ECS, in this order; a `/` stands where a key itself has dots."""

_WORDS: Mapping[str, str] = {
    **dict.fromkeys(
        ("violated", "violation", "firing", "triggered", "open", "new", "active", "alert", "alerting"), VIOLATED
    ),
    **dict.fromkeys(("resolved", "closed", "ok", "cleared", "inactive", "recovered", "normal"), RESOLVED),
}


def _path(text: str) -> Path:
    first, *rest = text.split("/" if "/" in text else ".")
    return first, tuple(rest)


def _paths(names: Iterable[str]) -> tuple[Path, ...]:
    return tuple(map(_path, names))


PATHS: Mapping[str, tuple[tuple[Path, ...], tuple[Path, ...]]] = {
    name: (_paths((name, *spellings)), _paths(_ELSEWHERE.get(name, ()))) for name, spellings in _SPELLINGS.items()
}
"""Variable -> where it is looked for: Sift's own fields, then those of other producers."""


def find(data: Any, name: str) -> Any:
    """The first text or number that is there, in `data` or, where that is an envelope, in `data.data`; MISSING where there is
    none. Sift's own fields go before those of others."""
    if data.__class__ is not dict:
        return MISSING
    inner = data.get("data")
    for paths in PATHS[name]:
        found = _first(data, paths)
        if found is MISSING and inner.__class__ is dict:
            found = _first(inner, paths)
        if found is not MISSING:
            return found
    return MISSING


def _first(data: dict[str, Any], paths: tuple[Path, ...]) -> Any:
    for first, rest in paths:
        value = data.get(first)
        if value is None:
            continue
        for step in rest:
            value = value.get(step) if value.__class__ is dict else None
        if isinstance(value, str | int | float) and value != "" and not isinstance(value, bool):
            return value
    return MISSING


def status(value: Any) -> Any:
    """Other producers' words as Sift's two; an unknown word stays what it is."""
    return _WORDS.get(value.lower(), value) if isinstance(value, str) else value
