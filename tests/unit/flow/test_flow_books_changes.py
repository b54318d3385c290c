"""The accounts when something changes under them: restarts, crashes, reloads, retention, hand-overs, older records."""

from __future__ import annotations

import asyncio

import pytest

from forwarder.progress.checkpoint import AccountRecord
from tests.unit.flow.flow_accounts import account, mixed
from tests.unit.flow.flow_endpoints import BUSY, answering
from tests.unit.flow.flow_rig import P0, P1, FakeGroup, FakeLog, hook

pytestmark = pytest.mark.looptime


async def test_a_restart_goes_on_with_the_accounts_and_counts_nothing_twice(make_flow):
    flow = make_flow(hook("siem", events=["login"], eventsPolicy="include"))
    flow.client.answer = answering(BUSY)
    await flow.assign()
    mixed(flow, 60)
    flow.take(60)
    await asyncio.sleep(1)
    await flow.revoke()
    assert account(flow) == AccountRecord(read=60, filtered=42, pending=18)
    again = make_flow(hook("siem", events=["login"], eventsPolicy="include"), log=flow.log, group=flow.group)
    await again.assign()
    assert again.sample("forwarder_events_pending", webhook="siem") == 18
    mixed(again, 30)
    again.take(30)
    await asyncio.sleep(10)
    await again.keeper.save()
    assert account(again) == AccountRecord(read=90, filtered=63, delivered=27)
    assert again.sample("forwarder_events_matched_total", webhook="siem") == 9, "the other 18 were counted before"
    assert again.sample("forwarder_events_delivered_total", webhook="siem") == 27


async def test_a_crash_takes_the_accounts_back_to_the_checkpoint_so_that_repeats_count_once(make_flow):
    flow = make_flow()
    await flow.assign()
    flow.fill_and_take(10)
    await asyncio.sleep(1)
    await flow.keeper.save()
    flow.fill_and_take(10)
    await asyncio.sleep(1)
    await flow.close()
    again = make_flow(log=flow.log, group=flow.group)
    await again.assign()
    again.take(10)
    await asyncio.sleep(1)
    await again.keeper.save()
    assert account(again) == AccountRecord(read=20, delivered=20)
    assert len(flow.client.ids()) + len(again.client.ids()) == 30


async def test_retention_is_in_the_accounts_and_is_told_to_the_receiver_even_after_a_restart(make_flow):
    flow = make_flow(hook("siem"))
    flow.client.answer = answering(BUSY)
    await flow.assign()
    flow.lane().fall_behind(P0, 0)
    flow.log.fill(30)
    flow.positions.expected[P0] = 30
    flow.log.first[P0] = 20
    await asyncio.sleep(2)
    await flow.revoke()
    assert account(flow) == AccountRecord(read=30, pending=10, discarded={"retention": 20}, untold={"retention": 20})
    again = make_flow(hook("siem"), log=flow.log, group=flow.group)
    await again.assign()
    await asyncio.sleep(10)
    (first, *_) = again.client.requests
    assert first.headers["Forwarder-Discarded"] == "retention=20"
    await again.keeper.save()
    assert account(again) == AccountRecord(read=30, delivered=10, discarded={"retention": 20})


async def test_what_on_enable_now_skips_is_discarded_as_skipped(make_flow):
    flow = make_flow(hook("siem", enable=False))
    await flow.assign()
    flow.fill_and_take(10)
    await flow.keeper.save()
    assert account(flow).read == 0
    await flow.apply(hook("siem", enable=True, onEnable="now"))
    flow.fill_and_take(5)
    await asyncio.sleep(5)
    await flow.keeper.save()
    assert account(flow) == AccountRecord(read=15, delivered=5, discarded={"skipped": 10})


async def test_what_on_enable_now_skips_at_a_restart_is_discarded_as_skipped(make_flow):
    flow = make_flow(hook("siem", enable=False))
    await flow.assign()
    flow.fill_and_take(10)
    await flow.revoke()
    again = make_flow(hook("siem", onEnable="now"), log=flow.log, group=flow.group)
    await again.assign()
    await asyncio.sleep(1)
    await again.keeper.save()
    assert account(again).discarded == {"skipped": 10}


async def test_a_reload_with_another_filter_moves_events_between_filtered_and_pending(make_flow):
    flow = make_flow(hook("siem", events=["login"], eventsPolicy="include"))
    await flow.assign()
    flow.lane().draining = True
    for n in range(20):
        flow.log.fill(1, type="login" if n < 5 else "logout")
    flow.take(20)
    await flow.keeper.save()
    assert account(flow) == AccountRecord(read=20, filtered=15, pending=5)
    await flow.apply(hook("siem", events=["logout"], eventsPolicy="include"))
    flow.lane().draining = False
    flow.catch_up.kick()
    await asyncio.sleep(5)
    await flow.keeper.save()
    assert account(flow) == AccountRecord(read=20, filtered=5, delivered=15)


async def test_a_webhook_that_was_never_seen_counts_from_its_start(make_flow):
    flow = make_flow(hook("siem"))
    await flow.assign()
    flow.fill_and_take(10)
    await asyncio.sleep(1)
    await flow.apply(hook("siem"), hook("late"), hook("all", startAt="earliest"))
    flow.fill_and_take(5)
    await asyncio.sleep(5)
    await flow.keeper.save()
    assert account(flow, "late") == AccountRecord(read=5, delivered=5)
    assert account(flow, "all") == AccountRecord(read=15, delivered=15)


async def test_a_record_of_version_1_opens_accounts_at_each_cursor(make_flow):
    group, log = FakeGroup(), FakeLog()
    log.fill(30)
    group.stored[P0] = (
        b'{"epoch":5,"seq":7,"position":20,"lanes":{"siem":{"cursor":10,"ahead":[[12,13]]}},"known":["chat","siem"]}'
    )
    flow = make_flow(hook("siem"), hook("chat"), log=log, group=group)
    await flow.assign()
    flow.take(10)
    await asyncio.sleep(5)
    await flow.keeper.save()
    assert account(flow) == AccountRecord(read=20, delivered=20)
    assert len(flow.client.ids("siem")) == 18
    assert account(flow, "chat") == AccountRecord(read=10, delivered=10)


async def test_partitions_that_come_and_go_take_their_accounts_with_them(make_flow):
    flow = make_flow()
    await flow.assign(P0, P1)
    flow.fill_and_take(10, P0)
    flow.fill_and_take(20, P1)
    await asyncio.sleep(1)
    await flow.revoke()
    assert flow.sample("forwarder_books_events", webhook="siem", account="read") == 0
    await flow.assign(P1)
    assert flow.sample("forwarder_books_events", webhook="siem", account="read") == 20
    assert flow.sample("forwarder_books_events", webhook="siem", account="delivered") == 20
