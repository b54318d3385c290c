"""Catch-up: one reader per partition, every lane that it passes, no lane that has no room, and no request for room unheard."""

from __future__ import annotations

import asyncio

import pytest

from forwarder.deliver.request import Exchange
from forwarder.flow.catchup import LINGER_SECONDS
from forwarder.kafka.reader import Unavailable
from forwarder.lane.states import LaneState, Trigger
from forwarder.model.attempt import Response
from forwarder.progress.checkpoint import Checkpoint, Mark
from tests.unit.flow.flow_rig import P0, P1, FakeGroup, FakeLog, hook

pytestmark = pytest.mark.looptime


def behind(position: int, **cursors: int) -> FakeGroup:
    """A group whose checkpoint leaves lanes at these cursors."""
    group = FakeGroup()
    marks = {name: Mark(cursor) for name, cursor in cursors.items()}
    group.store(Checkpoint(1, 1, position, marks, known=[*cursors, "~unreadable"]))
    return group


def filled(count: int) -> FakeLog:
    log = FakeLog()
    log.fill(count)
    return log


def names(first: int, end: int) -> list[str]:
    return [f"e{n}" for n in range(first, end)]


async def test_a_lane_that_is_behind_reads_what_it_missed_and_joins(make_flow):
    flow = make_flow(log=filled(2000), group=behind(1500, siem=200))
    await flow.assign()
    await asyncio.sleep(5)
    assert flow.client.ids() == names(200, 1500)
    assert flow.lane().state is LaneState.LIVE
    flow.take(500)
    await asyncio.sleep(5)
    assert flow.client.ids() == names(200, 2000)
    assert [len(flow.lines.told(text)) for text in ("catch-up started", "catch-up finished")] == [1, 1]
    assert flow.sample("forwarder_events_caught_up_total", webhook="siem") == 1300


async def test_it_meets_the_shared_read_without_repeating_or_skipping(make_flow):
    flow = make_flow(log=filled(5000), group=behind(1000, siem=0))
    await flow.assign()
    for _ in range(80):
        flow.take(50)
        await asyncio.sleep(0.01)
    await asyncio.sleep(5)
    assert flow.client.ids() == names(0, 5000)


async def test_one_reader_feeds_every_lane_that_it_passes(make_flow):
    flow = make_flow(
        hook("first"),
        hook("second"),
        hook("third"),
        log=filled(1500),
        group=behind(1500, first=0, second=700, third=1200),
    )
    await flow.assign()
    await asyncio.sleep(5)
    assert flow.client.ids("first") == names(0, 1500)
    assert flow.client.ids("second") == names(700, 1500)
    assert flow.client.ids("third") == names(1200, 1500)
    assert flow.sample("forwarder_catchup_records_read_total", topic="logs") == 1500
    assert list(flow.readers) == [P0]


async def test_a_lane_without_room_does_not_hold_up_the_others(make_flow):
    flow = make_flow(hook("dead", maxEvents=100), hook("fine"), log=filled(5000), group=behind(5000, dead=0, fine=0))
    never = asyncio.Event()

    async def answer(request):
        if "dead" in request.url:
            await never.wait()
        return Exchange(Response(200))

    flow.client.answer = answer
    await flow.assign()
    await asyncio.sleep(20)
    assert flow.client.ids("fine") == names(0, 5000)
    assert flow.lane("fine").state is LaneState.LIVE
    assert flow.lane("dead").state is LaneState.BEHIND
    assert flow.lane("dead").books.held <= 1000
    never.set()
    await asyncio.sleep(60)
    assert flow.client.ids("dead") == names(0, 5000)


async def test_an_idle_reader_hangs_up_and_a_later_need_opens_another(make_flow):
    flow = make_flow(log=filled(10), group=behind(5, siem=0))
    await flow.assign()
    await asyncio.sleep(1)
    first = flow.readers[P0]
    assert (first.opened, first.closed) == (1, 0)
    await asyncio.sleep(LINGER_SECONDS + 1)
    assert first.closed == 1
    flow.intake.skipped(P0, 10)
    await asyncio.sleep(1)
    assert flow.readers[P0] is not first
    assert flow.client.ids() == names(0, 10)


async def test_a_need_that_comes_while_an_idle_reader_hangs_up_is_heard(make_flow):
    flow = make_flow(log=filled(10), group=behind(5, siem=0))
    await flow.assign()
    await asyncio.sleep(1)
    reader = flow.readers[P0]
    close, closing = reader.close, asyncio.Event()

    async def slow_close():
        closing.set()
        await asyncio.sleep(0.5)
        await close()

    reader.close = slow_close
    await closing.wait()
    flow.intake.skipped(P0, 10)
    await asyncio.sleep(2)
    assert flow.client.ids() == names(0, 10)


async def test_a_lane_that_waited_for_the_budget_is_fed_when_others_have_given_it_back(make_flow):
    flow = make_flow(log=filled(10), group=behind(10, siem=0), budget=100_000)
    flow.budget.charge(90_000)
    await flow.assign()
    await asyncio.sleep(1)
    flow.budget.release(90_000)
    flow.guards.look()
    await asyncio.sleep(2)
    assert flow.client.ids() == names(0, 10)


async def test_kafka_that_does_not_answer_is_asked_again(make_flow):
    flow = make_flow(log=filled(10), group=behind(10, siem=0))
    opened = flow.catch_up._open_reader

    def flaky(tp):
        reader = opened(tp)
        reader.broken = [Unavailable("no"), Unavailable("no")]
        return reader

    flow.catch_up._open_reader = flaky
    await flow.assign()
    await asyncio.sleep(10)
    assert flow.client.ids() == names(0, 10)
    assert flow.readers[P0].opened == 3


async def test_a_read_that_fails_is_made_again_on_a_new_connection(make_flow):
    flow = make_flow(log=filled(10), group=behind(10, siem=0))
    opened = flow.catch_up._open_reader

    def flaky(tp):
        reader = opened(tp)
        reader.broken_reads = [Unavailable("reset")]
        return reader

    flow.catch_up._open_reader = flaky
    await flow.assign()
    await asyncio.sleep(10)
    assert flow.client.ids() == names(0, 10)
    assert flow.readers[P0].opened == 2


async def test_a_lane_that_falls_further_behind_during_a_read_misses_nothing(make_flow):
    flow = make_flow(log=filled(6000), group=behind(6000, siem=0))
    opened, fallen = flow.catch_up._open_reader, []

    def fall_back():
        if not fallen and flow.lane().behind.get(P0, 0) >= 2000:
            fallen.append(flow.lane().behind[P0])
            flow.lane().switch_off(Trigger.SWITCHED_OFF, "off")
            flow.lane().switch_on(Trigger.SWITCHED_ON)

    def watched(tp):
        reader = opened(tp)
        reader.while_reading = fall_back
        return reader

    flow.catch_up._open_reader = watched

    async def slow(request):
        await asyncio.sleep(3)
        return Exchange(Response(200))

    flow.client.answer = slow
    await flow.assign()
    await asyncio.sleep(60)
    assert fallen
    assert flow.client.ids() == names(0, 6000)


async def test_what_retention_has_deleted_is_counted_once_told_and_passed_over(make_flow):
    log = filled(100)
    log.first[P0] = 40
    flow = make_flow(log=log, group=behind(100, siem=10))
    await flow.assign()
    await asyncio.sleep(5)
    assert flow.client.ids() == names(40, 100)
    (line,) = flow.lines.told("events lost by retention")
    assert (line["cursor"], line["log_start"], line["count"]) == (10, 40, 30)
    assert flow.sample("forwarder_events_discarded_total", webhook="siem", reason="retention") == 30
    assert flow.sample("forwarder_books_imbalance", webhook="siem") == 0
    assert flow.client.requests[0].headers["Forwarder-Discarded"] == "retention=30"


async def test_a_topic_that_was_made_anew_is_not_read_in_circles(make_flow):
    log = filled(10)
    flow = make_flow(log=log, group=behind(500, siem=300))
    await flow.assign()
    await asyncio.sleep(30)
    assert flow.readers[P0].reads <= 400  # a tenth of a second each, at the end of the log


async def test_partitions_are_read_side_by_side(make_flow):
    log = filled(600)
    log.fill(600, P1)
    group = behind(600, siem=0)
    group.store(Checkpoint(1, 1, 600, {"siem": Mark(0)}, known=["siem", "~unreadable"]), P1)
    flow = make_flow(log=log, group=group)
    await flow.assign(P0, P1)
    await asyncio.sleep(5)
    assert sorted(flow.client.ids()) == sorted(names(0, 600) * 2)
    assert set(flow.readers) == {P0, P1}


async def test_a_stop_ends_all_readers(make_flow):
    flow = make_flow(log=filled(600), group=behind(600, siem=0))
    await flow.assign()
    await asyncio.sleep(1)
    await flow.catch_up.stop()
    assert flow.readers[P0].is_open is False


async def test_an_error_that_nobody_expected_ends_the_worker(make_flow):
    flow = make_flow(log=filled(10), group=behind(10, siem=0))
    flow.catch_up._open_reader = lambda tp: 1 / 0
    await flow.assign()
    await asyncio.sleep(1)
    assert [type(error) for error in flow.crashes] == [ZeroDivisionError]
    flow.crashes.clear()


async def test_lanes_all_over_the_topic_get_what_they_missed_with_few_reads(make_flow):
    many, records = 20, 20_000
    log = FakeLog()
    for n in range(records):
        log.fill(1, type=f"t{n % many}")
    cursors = {f"w{n}": records * n // many for n in range(many)}
    hooks = [hook(f"w{n}", events=[f"t{n}"], eventsPolicy="include") for n in range(many)]
    flow = make_flow(*hooks, log=log, group=behind(records, **cursors))
    await flow.assign()
    await asyncio.sleep(60)
    for n in range(many):
        assert flow.client.ids(f"w{n}.") == [f"e{i}" for i in range(cursors[f"w{n}"], records) if i % many == n]
        assert flow.lane(f"w{n}").state is LaneState.LIVE
    fed = sum(flow.sample("forwarder_events_caught_up_total", webhook=f"w{n}") for n in range(many))
    assert flow.sample("forwarder_catchup_records_read_total", topic="logs") <= 3 * fed


async def test_a_lane_that_flaps_gets_each_event_once_while_others_are_far_behind(make_flow):
    flow = make_flow(hook("flap", maxEvents=50), hook("far"), log=filled(30_000), group=behind(20_000, far=0))
    await flow.assign()
    for turn in range(60):
        flow.take(150)
        if turn % 7 == 3:
            flow.lane("flap").switch_off(Trigger.SWITCHED_OFF, "off")
        if turn % 7 == 5:
            flow.lane("flap").switch_on(Trigger.SWITCHED_ON)
        await asyncio.sleep(0.05)
    flow.lane("flap").switch_on(Trigger.SWITCHED_ON)
    await asyncio.sleep(60)
    assert flow.client.ids("flap") == names(20_000, 29_000)
    assert flow.client.ids("far") == names(0, 29_000)
