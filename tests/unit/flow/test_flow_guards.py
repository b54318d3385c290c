"""Timed looks: a skip at the tail, a recreated topic, markers at the end, a spent budget."""

from __future__ import annotations

import asyncio

import pytest

from forwarder.deliver.request import Exchange
from forwarder.flow.guards import LATER_SECONDS, SOON_SECONDS, WATCHFUL_SECONDS
from forwarder.model.attempt import Response
from forwarder.source.positions import SKIPPED_AFTER_SECONDS, Tail, TailGuard
from tests.unit.flow.flow_rig import P0, P1, hook

pytestmark = pytest.mark.looptime


# --- the tail, as a decision ---

LATE = SKIPPED_AFTER_SECONDS


def test_a_skip_counts_when_nothing_came_for_a_while():
    guard = TailGuard()
    assert guard.check(P0, 5, 9, 9, 0) is Tail.FINE
    assert guard.check(P0, 5, 9, 9, LATE - 0.1) is Tail.FINE
    assert guard.check(P0, 5, 9, 9, LATE) is Tail.SKIPPED


def test_progress_between_two_looks_is_no_skip():
    guard = TailGuard()
    assert guard.check(P0, 5, 9, 9, 0) is Tail.FINE
    assert guard.check(P0, 7, 9, 9, LATE) is Tail.FINE
    assert guard.check(P0, 8, 9, 9, 2 * LATE) is Tail.FINE
    assert guard.check(P0, 9, 9, 9, 3 * LATE) is Tail.FINE


def test_being_caught_up_between_two_looks_forgets_the_first():
    guard = TailGuard()
    guard.check(P0, 5, 9, 9, 0)
    guard.check(P0, 5, 5, 9, LATE)
    assert guard.check(P0, 5, 9, 9, 2 * LATE) is Tail.FINE


def test_standing_beyond_the_end_for_long_is_a_recreated_topic():
    guard = TailGuard()
    assert guard.check(P0, 100, 100, 3, 0) is Tail.FINE
    assert guard.check(P0, 100, 100, 3, 0.3) is Tail.FINE
    assert guard.check(P0, 100, 100, 3, LATE) is Tail.RECREATED


@pytest.mark.parametrize(("handed", "end"), [(None, None), (None, 5), (5, None), (5, 50)])
def test_what_is_not_known_yet_and_what_is_only_behind_is_no_finding(handed, end):
    guard = TailGuard()
    for turn in range(3):
        assert guard.check(P0, 5, handed, end, turn * LATE) is Tail.FINE


def test_partitions_are_judged_apart():
    guard = TailGuard()
    guard.check(P0, 5, 9, 9, 0)
    assert guard.check(P1, 5, 9, 9, LATE) is Tail.FINE


def test_after_a_rebalance_everything_is_seen_anew():
    guard = TailGuard()
    guard.check(P0, 5, 9, 9, 0)
    guard.forget()
    assert guard.check(P0, 5, 9, 9, LATE) is Tail.FINE


# --- the looks ---


async def test_a_silent_skip_is_read_again(make_flow):
    flow = make_flow()
    await flow.assign()
    flow.log.fill(10)
    flow.group.handed[P0] = flow.group.ends[P0] = 10
    flow.guards.look()
    await asyncio.sleep(LATE - 0.1)
    flow.guards.look()
    assert flow.positions.expected == {P0: 0}
    await asyncio.sleep(0.1)
    flow.guards.look()
    assert flow.positions.expected == {P0: 10}
    await asyncio.sleep(5)
    assert flow.client.ids() == [f"e{n}" for n in range(10)]


async def test_markers_at_the_end_move_the_position_and_are_no_skip(make_flow):
    flow = make_flow()
    await flow.assign()
    flow.fill_and_take(3)
    flow.group.empty[P0] = (3, 5)
    flow.group.handed[P0] = 5
    for _ in range(3):
        flow.guards.look()
    assert flow.positions.expected == {P0: 5}
    assert flow.lines.told("gap found") == []


async def test_a_recreated_topic_is_said_and_its_partition_halted(make_flow):
    flow = make_flow()
    await flow.assign()
    flow.fill_and_take(10)
    flow.group.ends[P0] = 2
    flow.health.set("topics", True)
    flow.guards.look()
    await asyncio.sleep(LATE)
    flow.guards.look()
    assert P0 in flow.catch_up.halted
    assert not flow.health.ready
    assert "made anew" in flow.health.conditions["topics"].reason
    assert len(flow.lines.told("topic was recreated")) == 1


async def test_a_stable_end_that_goes_back_is_no_other_topic(make_flow):
    """After a broker was killed, transactions that had ended count as open for a while: the log still holds what was read."""
    flow = make_flow()
    await flow.assign()
    flow.fill_and_take(10)
    flow.group.ends[P0], flow.group.log_ends[P0] = 2, 12
    for _ in range(5):
        flow.guards.look()
        await asyncio.sleep(LATE)
    assert P0 not in flow.catch_up.halted


async def test_nobody_looks_while_intake_is_closed(make_flow):
    flow = make_flow()
    await flow.assign()
    flow.group.handed[P0] = 10
    flow.intake.closed = True
    for _ in range(3):
        flow.guards.look()
    assert flow.positions.expected == {P0: 0}


async def test_looks_are_frequent_after_a_rebalance_and_rare_later(make_flow):
    flow = make_flow()
    await flow.assign()
    assert flow.guards.interval() == SOON_SECONDS
    await asyncio.sleep(WATCHFUL_SECONDS + 1)
    assert flow.guards.interval() == LATER_SECONDS


async def busy(request):
    return Exchange(Response(503))


async def test_a_spent_budget_sends_the_largest_windows_back_to_kafka_first(make_flow):
    flow = make_flow(hook("large", throttle=600), hook("small", throttle=600, level="high"), budget=40_000)
    flow.client.answer = busy
    await flow.assign()
    flow.fill_and_take(1, severity="critical")
    await asyncio.sleep(1)
    flow.fill_and_take(60)
    flow.budget.charge(40_000)
    flow.guards.look_at_budget()
    assert len(flow.lane("large").window) == 0
    assert flow.lane("large").behind
    assert flow.lines.told("memory budget spent")[0]["webhooks"][0] == "large"
    flow.budget.release(40_000)


async def test_what_was_given_back_for_the_budget_is_delivered_later_and_once(make_flow):
    flow = make_flow(hook(throttle=5))
    await flow.assign()
    flow.fill_and_take(1)
    await asyncio.sleep(1)
    flow.fill_and_take(60)
    flow.lane().shrink()
    assert flow.budget.used == 0
    flow.guards.look()
    await asyncio.sleep(20)
    assert flow.client.ids() == [f"e{n}" for n in range(61)]


async def test_a_lossy_window_never_goes_back(make_flow):
    flow = make_flow(hook(throttle=600, lossy=True), budget=40_000)
    await flow.assign()
    flow.fill_and_take(1)
    await asyncio.sleep(1)
    flow.fill_and_take(20)
    flow.budget.charge(60_000)
    flow.guards.look_at_budget()
    assert len(flow.lane().window) == 20
    flow.budget.release(60_000)


async def test_reading_pauses_when_too_much_waits_that_cannot_go_back_and_resumes_below(make_flow):
    flow = make_flow(hook(lossy=True), budget=20_000)
    await flow.assign()
    flow.budget.charge(25_000)
    for waiting, paused in ((25_000, False), (26_000, True), (19_000, True), (17_000, False)):
        flow.lane().window.bytes = waiting
        flow.guards.look_at_budget()
        assert flow.guards.paused is paused
        assert flow.group.paused == ({P0} if paused else set())
    flow.budget.release(25_000)


async def test_what_is_in_flight_pauses_nobody(make_flow):
    flow = make_flow(budget=20_000)
    await flow.assign()
    flow.budget.charge(90_000)
    flow.guards.look_at_budget()
    assert not flow.guards.paused
    flow.budget.release(90_000)
