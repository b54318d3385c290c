"""Where a partition goes on: by its checkpoint, by the group's offset where that is lost, never at `now` with events unread."""

from __future__ import annotations

import asyncio

import pytest

from forwarder.deliver.request import Exchange
from forwarder.flow.recall import Progress, weigh
from forwarder.kafka.group import Committed
from forwarder.model.attempt import Response
from forwarder.progress.anchor import anchor_of, read_anchor
from forwarder.progress.checkpoint import Checkpoint, Mark
from tests.unit.flow.flow_doors import FakeRecord
from tests.unit.flow.flow_rig import P0, FakeGroup, FakeLog, hook

pytestmark = pytest.mark.looptime

OLD, NEW = Checkpoint(1, 1, 10, tail=(9, 5)), Checkpoint(1, 2, 20, tail=(19, 6))
BEHIND = Checkpoint(1, 2, 20, {"slow": Mark(12), "off": Mark(3, state="off"), "fast": Mark(18)}, tail=(19, 6))


# --- the decision ---


@pytest.mark.parametrize(
    ("checkpoint", "committed", "progress"),
    [
        (None, None, Progress(None)),
        (OLD, None, Progress(OLD, tail=(9, 5))),
        (NEW, Committed(10, anchor_of(OLD)), Progress(NEW, tail=(19, 6))),
        (NEW, Committed(20, anchor_of(NEW)), Progress(NEW, tail=(19, 6))),
        (NEW, Committed(500, "set by an operator"), Progress(NEW, tail=(19, 6))),
        (None, Committed(500, "somebody's"), Progress(None, 500)),
        (None, Committed(20, anchor_of(NEW)), Progress(None, 20, (19, 6), epoch=1)),
        (None, Committed(20, anchor_of(BEHIND)), Progress(None, 12, (19, 6), epoch=1)),
        (OLD, Committed(20, anchor_of(BEHIND)), Progress(None, 12, (19, 6), epoch=1)),
    ],
)
def test_what_counts_of_the_checkpoint_and_the_commit(checkpoint, committed, progress):
    assert weigh(checkpoint, committed) == progress


def test_any_text_beside_an_offset_is_read():
    for text in ("", "null", "[]", '{"epoch": "x"}', "\u0000"):
        assert read_anchor(text) is None


# --- the whole flow ---


async def busy(request):
    return Exchange(Response(503))


async def test_a_lost_checkpoint_starts_at_the_lowest_cursor_and_says_so(make_flow):
    log, group = FakeLog(), FakeGroup()
    flow = make_flow(hook("dead"), hook("fine"), log=log, group=group)

    async def answer(request):
        return Exchange(Response(503 if "dead" in request.url else 200))

    flow.client.answer = answer
    await flow.assign()
    flow.fill_and_take(10)
    await asyncio.sleep(1)
    await flow.keeper.save(final=True)
    assert group.anchors[P0].offset == 10
    group.stored.clear()
    again = make_flow(hook("dead"), hook("fine"), log=log, group=group)
    log.fill(5)
    await again.assign()
    assert again.positions.expected == {P0: 0}
    assert again.lines.told("checkpoint lost")[0]["committed"] == 10
    again.take(15)
    await asyncio.sleep(1)
    assert again.client.ids("dead") == [f"e{n}" for n in range(15)]


async def test_the_first_start_of_all_is_no_loss(make_flow):
    flow = make_flow()
    await flow.assign()
    assert not flow.lines.told("checkpoint lost")


async def test_without_a_checkpoint_the_group_is_asked_until_it_answers_and_with_one_it_is_not_waited_for(make_flow):
    group = FakeGroup()
    group.silent = 3
    group.anchors[P0] = Committed(4, "")
    log = FakeLog()
    log.fill(10)
    flow = make_flow(group=group, log=log)
    await flow.assign()
    assert flow.positions.expected == {P0: 4}
    group.silent = 1
    again = make_flow(group=group, log=log)
    await again.assign()
    assert group.silent == 0
    assert again.positions.expected == {P0: 4}


async def test_an_offset_beyond_the_end_was_committed_for_another_topic(make_flow):
    log, group = FakeLog(), FakeGroup()
    log.fill(30)
    log.first[P0] = 2
    group.anchors[P0] = Committed(1000, "")
    flow = make_flow(group=group, log=log)
    await flow.assign()
    assert flow.positions.expected == {P0: 2}


async def restart_on_another_topic(make_flow, *, keep_checkpoint: bool):
    log, group = FakeLog(), FakeGroup()
    first = make_flow(log=log, group=group)
    await first.assign()
    first.fill_and_take(10)
    await asyncio.sleep(1)
    await first.revoke()
    if not keep_checkpoint:
        group.stored.clear()
    # the new topic has grown past the old position already: only the records' times tell the two apart
    log.records[P0] = [FakeRecord("logs", 0, n, f'{{"n": {n}}}'.encode(), timestamp=7) for n in range(50)]
    flow = make_flow(log=log, group=group)
    flow.health.set("topics", True)
    await flow.assign()
    return flow


async def test_a_topic_made_anew_that_has_grown_past_the_position_is_halted(make_flow):
    flow = await restart_on_another_topic(make_flow, keep_checkpoint=True)
    assert P0 in flow.catch_up.halted and P0 in flow.positions.halted
    assert not flow.health.ready
    reason = flow.health.conditions["topics"].reason
    assert "logs/0" in reason and "forwarder-checkpoint-logs-changelog" in reason
    flow.take(5)
    await asyncio.sleep(1)
    assert flow.client.ids() == []
    assert flow.positions.expected == {P0: 10}
    await flow.keeper.save()
    assert flow.group.checkpoint().position == 10


async def test_with_its_checkpoint_deleted_it_is_read_from_its_first_record(make_flow):
    flow = await restart_on_another_topic(make_flow, keep_checkpoint=False)
    assert flow.positions.expected == {P0: 0}
    assert not flow.positions.halted
    assert flow.health.ready


async def test_the_tail_survives_a_restart_without_events(make_flow):
    log, group = FakeLog(), FakeGroup()
    flow = make_flow(log=log, group=group)
    await flow.assign()
    flow.fill_and_take(10)
    await asyncio.sleep(1)
    for _ in range(3):
        await flow.revoke()
        flow = make_flow(log=log, group=group)
        await flow.assign()
    tail = group.checkpoint().tail
    assert tail == (9, log.records[P0][9].timestamp)


async def test_a_partition_that_is_loaded_again_is_no_longer_halted(make_flow):
    flow = await restart_on_another_topic(make_flow, keep_checkpoint=True)
    await flow.revoke()
    flow.log.records[P0].clear()
    flow.log.fill(20)
    await flow.assign()
    assert not flow.positions.halted and not flow.catch_up.halted
    assert flow.health.ready
