"""Each sentence of the settings about who gets an event, from the text of a configuration to the router's answer.

A case is: what stands in the configuration, and for each event whether the webhook `siem` gets it. Every answer is held against
`explain`'s, which tells people why.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from forwarder.configuration import load_checked
from forwarder.model.event import TP, Event
from forwarder.route.explain import explain
from forwarder.route.router import Router
from forwarder.settings.process import Settings
from forwarder.source.decode import Decoder

TREE = """
tenants:
  acme: {companies: ["1234", Acme Corp], children: [acme-eu, acme-us]}
  acme-eu: {companies: [77], children: [acme-eu-1]}
"""
SETS = """
eventSets:
  identity: {title: Login & audit, category: Identity, events: [auth.*, login.failed], level: medium}
  network: {events: [net.flow]}
"""


class Record(NamedTuple):
    """A record of topic `audit`, or of another."""

    value: bytes
    topic: str = "audit"
    partition: int = 0
    offset: int = 0
    timestamp: int = 1_700_000_000_000
    key: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()


def record(
    kind: str = "auth.login", *, tenant: Any = None, severity: Any = None, topic: str = "audit", **data: Any
) -> Record:
    fields = {"kind": kind, "org": tenant, "sev": severity, **data}
    return Record(json.dumps({key: value for key, value in fields.items() if value is not None}).encode(), topic)


def loaded(tmp_path: Path, fields: str, rest: str) -> Settings:
    own = "presets: {own: {type: kind, tenant: org, severity: sev}}\n"
    sources = "sources: [{topic: audit, preset: own}, {topic: other, preset: own}]\n"
    body = "".join(f"    {line}\n" for line in fields.strip().splitlines())
    hook = f"webhooks:\n  - name: siem\n    url: https://siem.example/in\n{body}"
    path = tmp_path / "forwarder.yaml"
    path.write_text(sources + own + rest + hook)
    return load_checked(path, {}).settings


def taken(settings: Settings, one: Record) -> bool:
    """The router's answer, which the explanation must share, for the event as the decoder reads it in both of its ways."""
    source = next(source for source in settings.sources if source.topic == one.topic)
    decoder = Decoder(source, settings.presets, settings.companies)
    event = decoder.decode(one)
    assert decoder.decode_all(TP(one.topic, 0), [one]) == [event]
    router = Router(
        [(hook, hook.name) for hook in settings.webhooks], event_sets=settings.event_sets, tenants=settings.tenants
    )
    answer = list(router.match(event)) == ["siem"]
    told = explain(event, settings.webhooks, event_sets=settings.event_sets, tenants=settings.tenants)
    assert told[0].matched is answer, told[0]
    return answer


E_ = record
CASES: list[tuple[str, str, str, list[tuple[Record, bool]]]] = [
    # sources: all unless named
    ("no sources: all topics", "level: 0", "", [(E_(), True), (E_(topic="other"), True)]),
    ("sources: these topics", "sources: [other]", "", [(E_(), False), (E_(topic="other"), True)]),
    # tenants, includeChildren, companies
    ("no tenants: all", "level: 0", TREE, [(E_(tenant="acme"), True), (E_(tenant="globex"), True), (E_(), True)]),
    (
        "tenants: only these, and without includeChildren not their children", "tenants: [acme]", TREE,
        [(E_(tenant="acme"), True), (E_(tenant="acme-eu"), False), (E_(tenant="globex"), False), (E_(), False)],
    ),
    (
        "includeChildren: children of a parent account, at any depth", "tenants: [acme]\nincludeChildren: true", TREE,
        [(E_(tenant="acme"), True), (E_(tenant="acme-us"), True), (E_(tenant="acme-eu-1"), True), (E_(tenant="globex"), False)],
    ),
    ("a child does not get its parent's", "tenants: [acme-eu]\nincludeChildren: true", TREE,
     [(E_(tenant="acme-eu-1"), True), (E_(tenant="acme"), False), (E_(tenant="acme-us"), False)]),
    (
        "company mapping: a company's event is its tenant's, by id, number or name", "tenants: [acme]", TREE,
        [(E_(tenant="1234"), True), (E_(tenant=1234), True), (E_(tenant="Acme Corp"), True), (E_(tenant="77"), False)],
    ),
    ("a child's company comes with the children", "tenants: [acme]\nincludeChildren: true", TREE,
     [(E_(tenant=77), True), (E_(tenant="acme corp"), False)]),
    ("a webhook may name the company itself", 'tenants: ["77"]', TREE,
     [(E_(tenant=77), True), (E_(tenant="acme-eu"), True), (E_(tenant="acme"), False)]),
    ("the tenant is what filters see", 'filter: event.tenant == "acme"', TREE,
     [(E_(tenant=1234), True), (E_(tenant="globex"), False)]),
    ("tenants without a tree stand for themselves", "tenants: [t-1]", "", [(E_(tenant="t-1"), True), (E_(tenant="t-2"), False)]),
    # events, eventsPolicy, eventSets
    ("exclude is the default: all but these", "events: [auth.login]", "", [(E_("auth.login"), False), (E_("net.flow"), True)]),
    ("include only these", "events: [auth.login]\neventsPolicy: include", "",
     [(E_("auth.login"), True), (E_("auth.logout"), False), (E_("Auth.login"), False)]),
    ("globs too", "events: [auth.*]\neventsPolicy: include", "", [(E_("auth.login"), True), (E_("author"), False)]),
    ("exact names and sets together", "events: [net.flow]\neventSets: [identity]\neventsPolicy: include", SETS,
     [(E_("net.flow", severity=1), True), (E_("auth.x", severity=3), True), (E_("dns", severity=6), False)]),
    ("a set's level is of what comes in through the set", "eventSets: [identity]\neventsPolicy: include", SETS,
     [(E_("auth.x", severity="low"), False), (E_("auth.x", severity="medium"), True), (E_("auth.x"), True)]),
    ("a set added to exclude", "eventSets: [network]", SETS, [(E_("net.flow"), False), (E_("auth.x"), True)]),
    ("a set that ships", "eventSets: [sourcedefense.new-scripts]\neventsPolicy: include", "",
     [(E_("site_script.new_script"), True), (E_("site_script.new_behavior"), False)]),
    # level, treatMissingSeverityAs
    ("level: least severity", "level: high", "",
     [(E_(severity=4), True), (E_(severity="critical"), True), (E_(severity=3), False), (E_(severity="warning"), False)]),
    ("a missing severity passes every level", "level: fatal", "", [(E_(), True)]),
    ("treatMissingSeverityAs", "level: high\ntreatMissingSeverityAs: low", "", [(E_(), False), (E_(severity=4), True)]),
    # rules
    ("any one rule that matches lets the event in",
     "rules:\n- {name: a, events: [a.*]}\n- {name: b, level: critical}", "",
     [(E_("a.x", severity=1), True), (E_("b", severity=5), True), (E_("b", severity=4), False)]),
    ("within a rule everything must match",
     "rules: [{name: a, eventSets: [network], tenants: [acme], level: high, filter: data.n == 1}]", SETS + TREE,
     [(E_("net.flow", tenant="acme", severity=4, n=1), True), (E_("net.flow", tenant="acme", severity=4, n=2), False),
      (E_("net.flow", tenant="acme", severity=3, n=1), False), (E_("net.flow", tenant="globex", severity=4, n=1), False),
      (E_("auth.x", tenant="acme", severity=4, n=1), False)]),
    ("a rule's tenants know companies and, with includeChildren, children",
     "includeChildren: true\nrules: [{name: a, tenants: [acme]}]", TREE,
     [(E_(tenant=1234), True), (E_(tenant="acme-eu-1"), True), (E_(tenant="globex"), False)]),
    ("a rule narrows what the webhook wants, and never widens it",
     "tenants: [acme]\nlevel: high\nrules: [{name: a, tenants: [acme, globex]}]", TREE + "  globex: {}\n",
     [(E_(tenant="acme", severity=4), True), (E_(tenant="globex", severity=4), False), (E_(tenant="acme", severity=1), False)]),
    ("a rule that asks for nothing lets all in", "rules: [{name: a}]", "", [(E_(), True)]),
    # filter, onFilterError
    ("filter on event, data, headers and key",
     'filter: event.type.startsWith("auth") && data.n > 1 && !has(headers.skip)', "",
     [(E_(n=2), True), (E_(n=1), False), (E_("net", n=2), False)]),
    ("a missing field is no match", "filter: data.nothing.here == 1", "", [(E_(), False)]),
    ("any other error follows onFilterError, match unless said", "filter: 1 / data.n > 0", "", [(E_(n=0), True)]),
    ("onFilterError: noMatch", "filter: 1 / data.n > 0\nonFilterError: noMatch", "", [(E_(n=0), False), (E_(n=1), True)]),
    # enable: routed as others; nothing is sent by its lane
    ("enable: false is routed, and its lane sends nothing", "enable: false", "", [(E_(), True)]),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "rest", "answers"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_sentence_of_the_settings_holds(
    tmp_path: Path, fields: str, rest: str, answers: list[tuple[Record, bool]]
) -> None:
    settings = loaded(tmp_path, fields, rest)
    told = [(one.value, taken(settings, one)) for one, _ in answers]
    assert told == [(one.value, wanted) for one, wanted in answers]


def test_the_translated_tenant_is_the_events_own(tmp_path: Path) -> None:
    settings = loaded(tmp_path, "level: 0", TREE)
    event: Event = Decoder(settings.sources[0], settings.presets, settings.companies).decode(record(tenant=77))
    assert event.tenant == "acme-eu"


def test_what_a_reload_changes_counts_for_the_next_record(tmp_path: Path) -> None:
    settings = loaded(tmp_path, "level: 0", TREE)
    companies = dict(settings.companies)
    decoder = Decoder(settings.sources[0], settings.presets, companies)
    assert decoder.decode_all(TP("audit", 0), [record(tenant=77)])[0].tenant == "acme-eu"
    companies["77"] = "globex"
    assert decoder.decode_all(TP("audit", 0), [record(tenant=77)])[0].tenant == "globex"
