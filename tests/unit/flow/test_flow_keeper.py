"""Checkpoints: the fence first, what an answer means, and what a rebalance may interrupt."""

from __future__ import annotations

import asyncio

import pytest

from forwarder.errors import CheckpointError
from forwarder.kafka.group import Failed, Fence
from forwarder.lane.spans import Spans
from forwarder.model.event import TP
from forwarder.progress.checkpoint import Checkpoint, Mark, decode, order_of
from tests.unit.flow.flow_endpoints import BUSY, WELL, answering
from tests.unit.flow.flow_rig import P0, P1, UNANSWERED, FakeGroup, FakeLog, hook

pytestmark = pytest.mark.looptime

# --- writing ---


async def test_nothing_new_writes_nothing(make_flow):
    flow = make_flow()
    await flow.assign()
    writes = len(flow.group.writes)
    for _ in range(5):
        assert await flow.keeper.save()
    assert len(flow.group.writes) == writes
    assert len(flow.group.commits) == 1  # the group's offset follows, once


async def test_after_a_write_without_an_answer_all_partitions_of_the_topic_are_written_again(make_flow):
    """Its topic may have been deleted, with the records of partitions where nothing happens."""
    flow = make_flow()
    await flow.assign(P0, P1)
    flow.fill_and_take(10)
    await asyncio.sleep(1)
    flow.group.answers = [UNANSWERED]
    assert not await flow.keeper.save()
    flow.group.answers = []
    before = len(flow.group.writes)
    assert await flow.keeper.save()
    assert {tp for tp, _ in flow.group.writes[before:]} == {P0, P1}
    assert await flow.keeper.save()
    assert len(flow.group.writes) == before + 2


async def test_the_previous_position_is_committed_before_the_new_record_is_written(make_flow):
    flow = make_flow()
    await flow.assign()
    flow.fill_and_take(10)
    await asyncio.sleep(1)
    assert await flow.keeper.save()
    assert flow.group.commits[-1] == {P0: 0}
    assert flow.group.checkpoint().position == 10


async def test_a_final_checkpoint_commits_the_new_position_too(make_flow):
    flow = make_flow()
    await flow.assign()
    flow.fill_and_take(10)
    await asyncio.sleep(1)
    await flow.keeper.save(final=True)
    assert flow.group.commits[-1] == {P0: 10}


async def test_a_refused_fence_writes_nothing_and_nothing_more_afterwards(make_flow):
    flow = make_flow()
    await flow.assign()
    flow.fill_and_take(10)
    writes = len(flow.group.writes)
    flow.group.fences = [Fence.REFUSED]
    assert not await flow.keeper.save()
    assert flow.keeper.refused
    flow.fill_and_take(10)
    assert not await flow.keeper.save()
    assert len(flow.group.writes) == writes
    assert flow.sample("forwarder_checkpoints_total", topic="logs", result="refused") == 1


async def test_an_unanswered_fence_writes_nothing_and_is_asked_again(make_flow):
    flow = make_flow()
    await flow.assign()
    flow.fill_and_take(10)
    flow.group.fences = [Fence.UNKNOWN]
    assert not await flow.keeper.save()
    assert flow.group.checkpoint().position == 0
    assert await flow.keeper.save()
    assert flow.group.checkpoint().position == 10


@pytest.mark.parametrize("answer", [Failed("no"), UNANSWERED])
async def test_after_a_write_that_may_have_failed_the_next_one_is_newer_by_epoch(make_flow, answer):
    flow = make_flow()
    await flow.assign()
    flow.fill_and_take(10)
    flow.group.answers = [answer]
    assert not await flow.keeper.save()
    flow.fill_and_take(10)
    assert await flow.keeper.save()
    (_, lost), (_, kept) = flow.group.writes[-2:]
    assert kept.epoch > lost.epoch
    assert flow.group.checkpoint().position == 20


async def test_a_write_that_is_cut_off_is_never_followed_by_one_of_the_same_order(make_flow):
    flow = make_flow()
    await flow.assign()
    flow.fill_and_take(10)
    flow.group.hold = asyncio.Event()
    saving = asyncio.ensure_future(flow.keeper.save())
    await asyncio.sleep(1)
    saving.cancel()
    await asyncio.wait([saving])
    before = flow.keeper._snapshot([P0])[P0]
    flow.group.hold = None
    assert await flow.keeper.save()
    assert flow.group.checkpoint().epoch == before.epoch
    assert flow.group.checkpoint().epoch > flow.group.writes[0][1].epoch


async def test_a_new_owner_writes_with_a_higher_epoch_even_when_the_clock_went_back(make_flow):
    group = FakeGroup()
    group.store(Checkpoint(epoch=9_999_999_999_999, seq=5, position=0, known=["siem", "~unreadable"]))
    flow = make_flow(group=group)
    await flow.assign()
    assert order_of(group.stored[P0]) > (9_999_999_999_999, 5)


async def test_every_record_is_newer_than_the_one_before(make_flow):
    flow = make_flow()
    await flow.assign()
    for _ in range(10):
        flow.fill_and_take(3)
        await flow.keeper.save()
    orders = [(written.epoch, written.seq) for _, written in flow.group.writes]
    assert orders == sorted(set(orders))


async def test_a_lane_that_is_not_caught_up_has_its_cursor_in_every_checkpoint(make_flow):
    flow = make_flow(hook("dead"), hook("fine"))

    async def answer(request):
        return BUSY if "dead" in request.url else WELL

    flow.client.answer = answer
    await flow.assign()
    flow.fill_and_take(10)
    await asyncio.sleep(1)
    await flow.keeper.save()
    lanes = flow.group.checkpoint().lanes
    assert set(lanes) == {"dead"}
    assert lanes["dead"].cursor == 0
    assert lanes["dead"].failures > 0
    assert set(flow.group.checkpoint().books) == {"dead", "fine", "~unreadable"}


async def test_a_checkpoint_that_is_too_large_ends_the_worker_and_names_the_lanes(make_flow):
    flow = make_flow()
    flow.client.answer = answering(BUSY)
    await flow.assign()
    flow.fill_and_take(5)
    await asyncio.sleep(1)
    flow.keeper._max_bytes = 50
    with pytest.raises(CheckpointError, match="siem"):
        await flow.keeper.save()


async def test_a_checkpoint_that_is_too_large_leaves_out_what_only_saves_repeats(make_flow):
    flow = make_flow()
    flow.client.answer = answering(BUSY)
    await flow.assign()
    flow.fill_and_take(5)
    await asyncio.sleep(1)
    assert flow.keeper._snapshot([P0])[P0].lanes["siem"].frozen is not None
    flow.lane().holding.ahead[P0] = Spans([(n, n) for n in range(1, 2000, 2)])
    flow.keeper._max_bytes = 2000
    assert await flow.keeper.save()
    mark = flow.group.checkpoint().lanes["siem"]
    assert (mark.cursor, mark.ahead) == (0, [])
    assert flow.lines.told("checkpoint shortened")[0]["webhooks"] == ["siem"]
    assert flow.sample("forwarder_checkpoints_total", topic="logs", result="shortened") == 1


async def test_a_topic_whose_commit_is_not_answered_does_not_hold_up_the_others(make_flow):
    flow = make_flow(sources=[{"topic": "logs", "preset": "cloudevents"}, {"topic": "gone", "preset": "cloudevents"}])
    other = TP("gone", 0)
    await flow.assign(P0, other)
    flow.fill_and_take(10)
    flow.fill_and_take(10, other)
    await asyncio.sleep(1)
    answer = flow.group.commit

    async def only_logs(offsets, notes):
        return Fence.UNKNOWN if other in offsets else await answer(offsets, notes)

    flow.group.commit = only_logs
    assert not await flow.keeper.save()
    assert flow.group.checkpoint(P0).position == 10
    assert flow.group.checkpoint(other).position == 0


@pytest.mark.parametrize("fence", list(Fence))
async def test_the_group_is_asked_whether_the_partitions_are_ours(make_flow, fence):
    flow = make_flow()
    assert await flow.keeper.prove() is Fence.OK, "nothing to lose yet"
    await flow.assign()
    flow.group.fences = [fence]
    assert await flow.keeper.prove() is fence
    assert flow.keeper.refused is (fence is Fence.REFUSED)
    if fence is Fence.REFUSED:
        assert await flow.keeper.prove() is Fence.REFUSED
        await flow.assign()
        assert await flow.keeper.prove() is Fence.OK


async def test_the_age_of_the_last_checkpoint_is_shown(make_flow):
    flow = make_flow()
    await flow.assign()
    await asyncio.sleep(30)
    assert flow.sample("forwarder_checkpoint_age_seconds", topic="logs", partition="0") == pytest.approx(30, abs=0.1)


# --- a rebalance that comes while checkpoints are loaded ---


async def test_a_load_that_is_cut_short_saves_nothing_half(make_flow):
    log = FakeLog()
    log.fill(100)
    group = FakeGroup()
    known = ["siem", "~unreadable"]
    group.store(Checkpoint(1, 1, 50, {"siem": Mark(20)}, known))
    group.store(Checkpoint(1, 1, 50, {"siem": Mark(30)}, known), P1)
    flow = make_flow(hook("siem"), hook("new", startAt="earliest"), log=log, group=group)
    log.hold = asyncio.Event()
    loading = asyncio.ensure_future(flow.keeper.load([P0, P1]))
    await asyncio.sleep(1)
    assert log.asked == ["log_start"]
    loading.cancel()
    await asyncio.wait([loading])
    group.owned = frozenset({P0, P1})
    await flow.revoke()
    for tp, cursor in ((P0, 20), (P1, 30)):
        assert decode(group.stored[tp]).lanes["siem"].cursor == cursor
    log.hold = None
    await flow.assign(P0, P1)
    assert flow.lane().behind == {P0: 20, P1: 30}


async def test_a_reload_waits_for_a_load_and_a_load_for_a_reload(make_flow):
    log = FakeLog()
    log.fill(100)
    flow = make_flow(hook("siem", startAt="earliest"), log=log)
    log.hold = asyncio.Event()
    loading = asyncio.ensure_future(flow.assign(P0, P1))
    await asyncio.sleep(1)
    reloading = asyncio.ensure_future(flow.apply(hook("siem"), hook("more", startAt="earliest")))
    await asyncio.sleep(1)
    assert "more" not in flow.roster.lanes
    log.hold.set()
    await asyncio.gather(loading, reloading)
    assert flow.lane("more").owned == {P0, P1}
    assert flow.lane("siem").owned == {P0, P1}
