"""The accounts over the whole flow: exact in every checkpoint, and over restarts, crashes, reloads and hand-overs."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from forwarder.deliver.request import Exchange
from forwarder.flow.accounting import shown
from forwarder.kafka.records import Chunk
from forwarder.model.attempt import DiscardReason, Response
from forwarder.progress.checkpoint import AccountRecord, Mark
from tests.unit.flow.flow_rig import P0, P1, FakeGroup, FakeLog, chunk, hook

pytestmark = pytest.mark.looptime

WELL, BUSY = Exchange(Response(200)), Exchange(Response(503))


def answering(exchange):
    async def answer(request):
        return exchange

    return answer


def account(flow, name: str = "siem", tp=P0) -> AccountRecord:
    """What the newest checkpoint says; it balances."""
    told = flow.group.checkpoint(tp).books[name]
    settled = sum((told.discarded or {}).values()) + sum((told.dead_lettered or {}).values())
    assert told.read == told.filtered + told.delivered + told.pending + settled
    return told


def mixed(flow, count: int, tp=P0) -> None:
    """Every third record is wanted by type, every tenth cannot be read."""
    for _ in range(count):
        n = len(flow.log.records.get(tp, []))
        if n % 10 == 9:
            flow.log.put(tp, b"not json")
        else:
            flow.log.fill(1, tp, type="login" if n % 3 == 0 else "logout")


async def test_every_webhook_and_the_unreadable_have_an_account_in_the_first_checkpoint(make_flow):
    flow = make_flow(hook("siem"), hook("chat"))
    await flow.assign()
    assert flow.group.checkpoint().books == {name: AccountRecord() for name in ("siem", "chat", "~unreadable")}


async def test_what_was_read_is_filtered_delivered_or_unreadable(make_flow):
    flow = make_flow(hook("siem", events=["login"], eventsPolicy="include"), hook("chat"))
    await flow.assign()
    mixed(flow, 60)
    flow.take(60)
    await asyncio.sleep(1)
    await flow.keeper.save()
    assert account(flow) == AccountRecord(read=60, filtered=42, delivered=18)
    assert account(flow, "chat") == AccountRecord(read=60, filtered=6, delivered=54)
    assert account(flow, "~unreadable") == AccountRecord(read=60, filtered=54, dead_lettered={"not_json": 6})


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


async def test_an_idle_worker_does_not_rewrite_the_accounts(make_flow):
    flow = make_flow()
    await flow.assign()
    flow.fill_and_take(10)
    await asyncio.sleep(1)
    await flow.keeper.save()
    writes = len(flow.group.writes)
    for _ in range(5):
        await asyncio.sleep(1)
        await flow.keeper.save()
    assert len(flow.group.writes) == writes


async def test_counts_alone_are_worth_a_checkpoint(make_flow):
    """A lossy webhook sheds: cursor and position may stay, but the record must say so."""
    flow = make_flow()
    await flow.assign()
    await flow.keeper.save()
    writes = len(flow.group.writes)
    flow.lane().books.discard(P0, DiscardReason.SHED, 1)
    flow.lane().books.match(P0, 1)
    await flow.keeper.save()
    assert len(flow.group.writes) == writes + 1


async def test_what_the_consumer_skipped_is_in_the_accounts_once(make_flow):
    flow = make_flow()
    await flow.assign()
    flow.fill_and_take(10)
    flow.log.fill(50)
    flow.intake.take(P0, chunk(P0, flow.log.records[P0][40:60]))
    await asyncio.sleep(5)
    await flow.keeper.save()
    assert account(flow) == AccountRecord(read=60, delivered=60)


async def test_of_an_overlapping_chunk_only_the_new_part_is_counted(make_flow):
    flow = make_flow(hook("siem", events=["login"], eventsPolicy="include"))
    await flow.assign()
    flow.fill_and_take(10)
    flow.log.fill(10)
    late = Chunk(flow.log.records[P0][5:20])
    late.tp, late.start, late.end, late.seek = P0, 10, 20, 0
    flow.intake.take(P0, late)
    await asyncio.sleep(1)
    await flow.keeper.save()
    assert account(flow).read == 20


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


async def test_the_metrics_show_every_account_and_the_imbalance_of_a_defect(make_flow):
    flow = make_flow(hook("siem", events=["login"], eventsPolicy="include", retry={"maxAttempts": 1}))
    await flow.assign()
    mixed(flow, 60)
    flow.client.answer = answering(BUSY)
    flow.take(60)
    await asyncio.sleep(5)
    shown_now = {
        word: flow.sample("forwarder_books_events", webhook="siem", account=word)
        for word in ("read", "filtered", "delivered", "discarded", "dead_lettered", "pending")
    }
    assert shown_now == {
        "read": 60, "filtered": 42, "delivered": 0, "discarded": 18, "dead_lettered": 0, "pending": 0,
    }  # fmt: skip
    assert flow.sample("forwarder_books_imbalance", webhook="siem") == 0
    flow.lane().accounts.of[P0].delivered += 1
    assert flow.sample("forwarder_books_imbalance", webhook="siem") == 1


async def test_the_books_are_shown_per_webhook_and_partition(make_flow):
    flow = make_flow(hook("siem", events=["login"], eventsPolicy="include"))
    await flow.assign(P0, P1)
    mixed(flow, 60)
    flow.take(60)
    await asyncio.sleep(1)
    books = shown(flow.roster, flow.positions.expected)
    assert set(books) == {"siem", "~unreadable"}
    assert set(books["siem"]) == {"logs/0", "logs/1"}
    assert books["siem"]["logs/0"] == {
        "position": 60, "counted": 60, "read": 60, "filtered": 42, "delivered": 18, "discarded": {}, "deadLettered": {},
        "pending": 0, "untold": {}, "imbalance": 0,
    }  # fmt: skip


async def test_a_checkpoint_holds_cursor_and_counts_of_one_moment(make_flow):
    """With attempts in flight the counts must fit the cursor: what lies at or above it and is not `ahead` is pending."""
    flow = make_flow(hook("siem", maxEvents=2, concurrency=3))
    flow.client.answer = _every_other_hangs(flow)
    await flow.assign()
    flow.fill_and_take(20)
    for _ in range(10):
        await asyncio.sleep(0.3)
        await flow.keeper.save()
        found = flow.group.checkpoint()
        mark = found.lanes.get("siem", Mark(found.position))
        done = sum(last - first + 1 for first, last in mark.ahead)
        assert account(flow).pending == found.position - mark.cursor - done
        assert account(flow).delivered == mark.cursor + done


def _every_other_hangs(flow):
    turns = Counter()

    async def answer(request):
        turns["all"] += 1
        await asyncio.sleep(100 if turns["all"] % 2 else 0.2)
        return WELL

    return answer
