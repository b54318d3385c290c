"""`GET /events`: what the shared read has seen, with who gets it by the settings that run now."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from forwarder.flow.typelist import TypeList
from tests.unit.flow.flow_accounts import account
from tests.unit.flow.flow_rig import P0, Flow, hook

pytestmark = pytest.mark.looptime

SOURCES = [{"topic": "logs", "preset": "cloudevents", "envelope": {"tenant": "org"}}]


def shown(flow: Flow) -> dict[str, Any]:
    return {row["type"]: row for row in TypeList(lambda: flow.roster)()()["types"]}


async def test_it_lists_type_title_count_last_seen_and_who_gets_it(make_flow):
    sets = {"identity": {"title": "Login & audit", "events": ["log*"]}}
    flow = make_flow(hook(), hook("loud", level="high"), eventSets=sets)
    await flow.assign()
    flow.fill_and_take(3)
    await asyncio.sleep(60)
    flow.fill_and_take(2, severity=2)
    assert shown(flow) == {
        "login": {
            "topic": "logs", "type": "login", "title": "Login & audit", "sets": ["identity"], "count": 5,
            "firstSeen": "2023-11-14T22:13:20Z", "lastSeen": "2023-11-14T22:14:20Z",
            "webhooks": {"siem": "yes", "loud": "yes"}, "nobody": False, "partial": False,
        }
    }  # fmt: skip


async def test_after_a_reload_it_answers_by_the_new_settings_also_for_types_that_have_not_come_since(make_flow):
    flow = make_flow(hook())
    await flow.assign()
    flow.fill_and_take(3)
    assert shown(flow)["login"]["webhooks"] == {"siem": "yes"}
    await flow.apply(hook(events=["login"]), hook("chat", tenants=["acme"]))
    assert (shown(flow)["login"]["webhooks"], shown(flow)["login"]["nobody"]) == ({}, True)
    flow.fill_and_take(1, type="other")
    assert shown(flow)["other"]["webhooks"] == {"siem": "yes"}


async def test_what_catch_up_reads_again_is_not_counted_again(make_flow):
    flow = make_flow(hook())
    await flow.assign()
    flow.fill_and_take(10)
    flow.lane().fall_behind(P0, 0)
    flow.catch_up.kick()
    await asyncio.sleep(30)
    assert shown(flow)["login"]["count"] == 10


async def test_a_reload_changes_which_tenant_a_company_belongs_to_from_the_next_record_on(make_flow):
    tree = {"acme": {"companies": ["1"]}, "globex": {}}
    hooks = (hook("acme", tenants=["acme"]), hook("globex", tenants=["globex"]))
    flow = make_flow(*hooks, sources=SOURCES, tenants=tree)
    await flow.assign()
    flow.fill_and_take(2, org="1")
    await asyncio.sleep(1)
    await flow.apply(*hooks, sources=SOURCES, tenants={"acme": {}, "globex": {"companies": ["1"]}})
    flow.fill_and_take(3, org="1")
    await asyncio.sleep(1)
    await flow.keeper.save()
    assert [account(flow, name).delivered for name in ("acme", "globex")] == [2, 3]
    assert shown(flow)["login"]["webhooks"] == {"acme": "yes", "globex": "yes"}, "both tenants were seen"


async def test_before_anything_came_it_is_empty(make_flow):
    assert shown(make_flow()) == {}
