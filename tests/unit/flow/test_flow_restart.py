"""What a start finds: nothing yet, a checkpoint, a batch under way, a webhook that was off."""

from __future__ import annotations

import asyncio

import pytest

from forwarder.deliver.request import Exchange
from forwarder.errors import CheckpointError
from forwarder.kafka.group import Failed
from forwarder.lane.states import LaneState
from forwarder.model.attempt import Failure, Fault, Response
from forwarder.progress.checkpoint import Checkpoint
from tests.unit.flow.flow_endpoints import BUSY, WELL, answering
from tests.unit.flow.flow_rig import P0, P1, UNANSWERED, WALL, FakeGroup, FakeLog, hook

pytestmark = pytest.mark.looptime

# --- the first time ---


async def test_the_first_position_is_in_kafka_before_the_first_event(make_flow):
    log = FakeLog()
    log.fill(7)
    flow = make_flow(log=log)
    await flow.assign()
    assert flow.group.checkpoint().position == 7
    assert flow.group.starts == {P0: 7}
    assert flow.positions.expected == {P0: 7}


async def test_the_first_position_is_written_until_kafka_has_it(make_flow):
    flow = make_flow()
    flow.group.answers = [Failed("no"), UNANSWERED]
    await flow.assign()
    assert len(flow.group.writes) == 3
    assert flow.group.checkpoint().position == 0


@pytest.mark.parametrize(
    ("start_at", "position"), [("now", 7), ("earliest", 2), ("2023-11-14T22:13:20Z", 5), ("2023-11-14t22:13:20.5z", 5)]
)
async def test_a_source_starts_where_it_says(make_flow, start_at, position):
    log = FakeLog()
    log.fill(7)
    log.first[P0] = 2
    flow = make_flow(log=log, sources=[{"topic": "logs", "preset": "cloudevents", "startAt": start_at}])
    await flow.assign()
    assert flow.positions.expected == {P0: position}


async def test_a_time_is_asked_for_in_milliseconds(make_flow):
    log = FakeLog()
    flow = make_flow(log=log, sources=[{"topic": "logs", "preset": "cloudevents", "startAt": "2023-11-14T22:13:20.5Z"}])
    await flow.assign()
    assert f"offset_for_time {int(WALL * 1000) + 500}" in log.asked


async def test_a_webhook_never_seen_starts_at_its_own_start_but_not_beyond_the_router(make_flow):
    log = FakeLog()
    log.fill(20)
    log.first[P0] = 3
    group = FakeGroup()
    group.store(Checkpoint(1, 1, 10, known=["old", "~unreadable"]))
    flow = make_flow(
        hook("old", startAt="earliest"), hook("now"), hook("early", startAt="earliest"), log=log, group=group
    )
    await flow.assign()
    assert flow.lane("old").behind == {}
    assert flow.lane("now").behind == {}
    assert flow.lane("early").behind == {P0: 3}


# --- restart ---


async def test_a_graceful_restart_repeats_nothing(make_flow):
    flow = make_flow()
    await flow.assign()
    flow.fill_and_take(10)
    await asyncio.sleep(1)
    flow.fill_and_take(5)
    await flow.revoke()
    again = make_flow(log=flow.log, group=flow.group)
    await again.assign()
    again.fill_and_take(5)
    await asyncio.sleep(5)
    assert flow.client.ids() + again.client.ids() == [f"e{n}" for n in range(20)]


async def test_a_batch_under_way_at_a_crash_comes_again_under_the_same_id_with_the_same_bytes(make_flow):
    flow = make_flow(hook(maxEvents=10))
    flow.client.answer = answering(BUSY)
    await flow.assign()
    flow.fill_and_take(30)
    await asyncio.sleep(2)
    assert len(flow.client.requests) > 1
    before = flow.client.requests[-1]
    await flow.keeper.save()
    again = make_flow(hook(maxEvents=10), log=flow.log, group=flow.group)
    await again.assign()
    await asyncio.sleep(30)
    after = again.client.requests[0]
    assert after.content == before.content
    assert _id(after) == _id(before)
    assert int(_header(after, "attempt")) == int(_header(before, "attempt")) + 1
    assert again.client.ids() == [f"e{n}" for n in range(30)]


async def test_two_crashes_in_a_row_do_not_change_a_frozen_batch_either(make_flow):
    flow = make_flow(hook(maxEvents=10))
    flow.client.answer = answering(Exchange(Failure(Fault.TIMEOUT, "no answer")))
    await flow.assign()
    flow.fill_and_take(30)
    await asyncio.sleep(1)
    await flow.keeper.save()
    middle = make_flow(hook(maxEvents=10), log=flow.log, group=flow.group)
    await middle.keeper.load([P0])  # and dies before catch-up has brought the batch
    assert middle.group.checkpoint().lanes["siem"].frozen is not None
    again = make_flow(hook(maxEvents=10), log=flow.log, group=flow.group)
    await again.assign()
    await asyncio.sleep(30)
    assert _id(again.client.requests[0]) == _id(flow.client.requests[0])


async def test_a_frozen_batch_over_two_partitions_is_put_together_again(make_flow):
    flow = make_flow(hook(throttle=1))
    flow.client.answer = answering(BUSY)
    await flow.assign(P0, P1)
    flow.log.fill(1)
    flow.log.fill(1, P1)
    flow.take(1)
    flow.take(1, P1)
    await asyncio.sleep(2)
    flow.lane().flights.start_afresh()
    await flow.keeper.save()
    again = make_flow(hook(throttle=1), log=flow.log, group=flow.group)
    await again.assign(P0, P1)
    await asyncio.sleep(30)
    assert _id(again.client.requests[0]) == _id(flow.client.requests[0])
    assert len(again.client.ids()) == 2


async def test_back_off_and_an_open_circuit_survive_a_restart(make_flow):
    flow = make_flow()
    flow.client.answer = answering(BUSY)
    await flow.assign()
    flow.fill_and_take(10)
    await asyncio.sleep(300)
    assert flow.lane().flights.circuit_open
    await flow.keeper.save()
    again = make_flow(log=flow.log, group=flow.group)
    await again.assign()
    assert again.lane().flights.circuit_open


async def test_what_was_delivered_out_of_order_is_not_sent_again_after_a_restart(make_flow):
    flow = make_flow(hook(concurrency=2, maxEvents=5))

    async def first_hangs(request):
        if b"e0" in request.content:
            await asyncio.Event().wait()
        return WELL

    flow.client.answer = first_hangs
    await flow.assign()
    flow.fill_and_take(10)
    await asyncio.sleep(1)
    await flow.keeper.save()
    assert flow.group.checkpoint().lanes["siem"].ahead == [(5, 9)]
    again = make_flow(hook(concurrency=2, maxEvents=5), log=flow.log, group=flow.group)
    await again.assign()
    await asyncio.sleep(5)
    assert again.client.ids() == [f"e{n}" for n in range(5)]


async def test_refusals_in_a_row_are_counted_across_a_restart(make_flow):
    flow = make_flow(hook(maxEvents=1))
    flow.client.answer = answering(Exchange(Response(400)))
    await flow.assign()
    flow.fill_and_take(10)
    await asyncio.sleep(5)
    assert len(flow.producer.written) == 10
    await flow.revoke()
    again = make_flow(hook(maxEvents=1), log=flow.log, group=flow.group)
    again.client.answer = flow.client.answer
    await again.assign()
    again.fill_and_take(3)
    await asyncio.sleep(5)
    assert again.lane().state is LaneState.PAUSED
    assert again.producer.written == []


async def test_a_webhook_that_was_gone_stays_off_after_a_restart_until_it_is_changed(make_flow):
    flow = make_flow()
    flow.client.answer = answering(Exchange(Response(410)))
    await flow.assign()
    flow.fill_and_take(3)
    await asyncio.sleep(1)
    await flow.keeper.save()
    same = make_flow(log=flow.log, group=flow.group)
    await same.assign()
    await asyncio.sleep(5)
    assert same.lane().state is LaneState.DISABLED
    assert "410" in same.lane().why
    assert same.client.requests == []
    changed = make_flow(hook(timeout="29s"), log=flow.log, group=flow.group)
    await changed.assign()
    await asyncio.sleep(5)
    assert changed.client.ids() == ["e0", "e1", "e2"]


@pytest.mark.parametrize(("on_enable", "sent"), [("continue", ["e0", "e1", "e2", "e3"]), ("now", [])])
async def test_a_webhook_enabled_at_a_restart_goes_on_or_skips(make_flow, on_enable, sent):
    flow = make_flow(hook(enable=False, onEnable=on_enable))
    await flow.assign()
    flow.fill_and_take(4)
    await flow.revoke()
    again = make_flow(hook(onEnable=on_enable), log=flow.log, group=flow.group)
    await again.assign()
    await asyncio.sleep(5)
    assert again.client.ids() == sent


async def test_a_checkpoint_of_a_newer_version_is_refused(make_flow):
    group = FakeGroup()
    group.stored[P0] = b'{"epoch":1,"seq":1,"position":5,"version":99}'
    flow = make_flow(group=group)
    with pytest.raises(CheckpointError, match="newer Forwarder"):
        await flow.assign()
    assert group.writes == []


def _header(request, name: str) -> str:
    return next(value for key, value in request.headers.items() if key.lower().endswith(name))


def _id(request) -> str:
    return next(value for value in request.headers.values() if value.startswith("fb_"))
