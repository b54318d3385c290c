"""The accounts over the whole flow: exact in every checkpoint, in the metrics and as they are shown."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from forwarder.flow.accounting import shown
from forwarder.kafka.records import Chunk
from forwarder.model.attempt import DiscardReason
from forwarder.progress.checkpoint import AccountRecord, Mark
from tests.unit.flow.flow_accounts import account, mixed
from tests.unit.flow.flow_endpoints import BUSY, WELL, answering
from tests.unit.flow.flow_rig import P0, P1, chunk, hook

pytestmark = pytest.mark.looptime


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
