"""Handing over: intake stops, attempts end or are interrupted, the last checkpoint, and everything forgotten."""

from __future__ import annotations

import asyncio

import pytest

from tests.unit.flow.flow_endpoints import WELL, slow
from tests.unit.flow.flow_rig import P0, P1, hook

pytestmark = pytest.mark.looptime


async def under_way(make_flow, endpoint, *hooks, count=10, **given):
    """A flow that owns a partition and holds `count` events, with its attempts a second old."""
    flow = make_flow(*hooks, **given)
    flow.client.answer = endpoint
    await flow.assign()
    flow.fill_and_take(count)
    await asyncio.sleep(1)
    return flow


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_attempts_in_flight_may_finish_and_are_checkpointed_as_delivered(make_flow):
    flow = await under_way(make_flow, slow(5))
    await flow.revoke()
    assert flow.group.checkpoint().position == 10
    assert flow.group.checkpoint().lanes == {}
    assert flow.group.commits[-1] == {P0: 10}
    assert flow.lines.told("drain finished")[0]["abandoned"] == 0


async def test_an_attempt_that_does_not_finish_is_interrupted_and_its_cursor_stays(make_flow):
    flow = await under_way(make_flow, slow(500), drain=3.0)
    before = now()
    await flow.revoke()
    assert now() - before == pytest.approx(3, abs=0.1)
    mark = flow.group.checkpoint().lanes["siem"]
    assert mark.cursor == 0
    assert mark.frozen is not None
    assert (mark.frozen.count, mark.frozen.attempts, mark.failures) == (10, 0, 0)
    assert flow.lines.told("drain finished")[0]["abandoned"] == 1


async def test_checkpoints_go_on_while_a_drain_waits_for_one_attempt(make_flow):
    async def answer(request):
        await asyncio.sleep(2 if "quick" in request.url else 500)
        return WELL

    flow = await under_way(make_flow, answer, hook("quick"), hook("hanging"), drain=30.0)
    revoking = asyncio.ensure_future(flow.revoke())
    await asyncio.sleep(5)
    assert not revoking.done()
    lanes = flow.group.checkpoint().lanes
    assert "quick" not in lanes and lanes["hanging"].cursor == 0
    await revoking


async def test_no_attempt_starts_during_a_drain(make_flow):
    flow = await under_way(make_flow, slow(5), hook(maxEvents=5), count=20)
    await flow.revoke()
    assert len(flow.client.requests) == 1
    assert flow.group.checkpoint().lanes["siem"].cursor == 5


async def test_a_chunk_during_a_drain_is_left_to_the_next_owner(make_flow):
    flow = await under_way(make_flow, slow(5), count=5)
    draining = asyncio.ensure_future(flow.revoke())
    await asyncio.sleep(1)
    flow.log.fill(5)
    flow.take(5)
    await draining
    assert flow.group.checkpoint().position == 5


async def test_progress_is_checkpointed_before_the_wait_for_attempts(make_flow):
    flow = await under_way(make_flow, slow(500, "slow"), hook("slow"), hook("fast"))
    draining = asyncio.ensure_future(flow.revoke())
    await asyncio.sleep(1)
    assert flow.group.checkpoint().position == 10
    assert "fast" not in flow.group.checkpoint().lanes
    await draining


async def test_everything_is_forgotten_and_the_budget_is_free(make_flow):
    flow = make_flow(hook(throttle=60), drain=1.0)
    flow.client.answer = slow(500)
    await flow.assign(P0, P1)
    flow.fill_and_take(10)
    flow.fill_and_take(10, P1)
    await asyncio.sleep(1)
    await flow.revoke()
    assert flow.positions.expected == {}
    assert flow.lane().owned == set()
    assert flow.lane().behind == {}
    assert flow.budget.used == 0
    assert flow.lane().books.pending == 0
    assert flow.lane().books.imbalance == 0


async def with_a_reader(make_flow, **given):
    """A flow that reads ten records again which the shared read has skipped."""
    flow = make_flow(**given)
    await flow.assign()
    flow.log.fill(10)
    flow.intake.skipped(P0, 10)
    await asyncio.sleep(1)
    return flow


async def test_readers_end_before_the_partitions_go(make_flow):
    flow = await with_a_reader(make_flow)
    assert flow.readers[P0].is_open
    await flow.revoke()
    assert not flow.readers[P0].is_open


async def test_a_reader_that_cannot_close_its_connection_holds_up_neither_checkpoint_nor_drain(make_flow):
    flow = await with_a_reader(make_flow, drain=3.0)
    closed = asyncio.Event()
    flow.readers[P0].close = closed.wait
    flow.fill_and_take(5)
    await asyncio.sleep(1)
    before = now()
    await flow.revoke()
    assert now() - before < 3
    assert flow.group.checkpoint().position == 15
    assert flow.group.checkpoint().lanes == {}
    closed.set()


async def test_the_attempts_time_counts_from_the_start_of_the_drain_however_long_the_first_checkpoint_takes(make_flow):
    flow = await under_way(make_flow, slow(500), drain=3.0)
    commit = flow.group.commit

    async def late(offsets, notes):
        await asyncio.sleep(2)
        return await commit(offsets, notes)

    flow.group.commit = late
    before = now()
    await flow.revoke()
    assert now() - before == pytest.approx(3 + 2 * 2, abs=0.1)


async def test_draining_twice_is_harmless(make_flow):
    flow = await under_way(make_flow, slow(0))
    await flow.revoke()
    writes = len(flow.group.writes)
    await flow.revoke()
    assert len(flow.group.writes) == writes


async def test_partitions_that_come_back_go_on_where_they_were(make_flow):
    flow = await under_way(make_flow, slow(500), drain=1.0)
    await flow.revoke()
    flow.client.answer = slow(0)
    await flow.assign()
    await asyncio.sleep(5)
    flow.fill_and_take(10)
    await asyncio.sleep(5)
    first, *rest = flow.client.bodies()
    assert first == rest[0] == [f"e{n}" for n in range(10)]  # interrupted, then sent again as it was
    assert [one for body in rest for one in body] == [f"e{n}" for n in range(20)]
    ids = [request.headers["Forwarder-Batch-Id"] for request in flow.client.requests[:2]]
    assert ids[0] == ids[1]


async def test_a_drain_that_is_cut_off_still_forgets_so_that_nothing_is_held_twice(make_flow):
    flow = await under_way(make_flow, slow(30), drain=60.0)
    draining = asyncio.ensure_future(flow.revoke())
    await asyncio.sleep(5)
    draining.cancel()
    await asyncio.wait([draining])
    await asyncio.sleep(1)
    assert flow.positions.expected == {}
    assert list(flow.lane().flights.events()) == []
    assert flow.dispatcher.in_flight == 0
    flow.client.answer = slow(0)
    await flow.assign()
    await asyncio.sleep(5)
    assert flow.client.ids()[10:] == [f"e{n}" for n in range(10)]
    assert flow.budget.used == 0
    assert flow.lane().books.imbalance == 0
