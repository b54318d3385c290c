"""Chunks to lanes: contiguous, stale, overlapping, after a gap; records that cannot be read; filters that fail."""

from __future__ import annotations

import asyncio

import pytest

from forwarder.flow.roster import UNREADABLE
from forwarder.model.event import TP
from forwarder.progress.checkpoint import Checkpoint
from forwarder.source.positions import SKIPPED_AFTER_SECONDS
from tests.unit.flow.flow_rig import P0, chunk, hook, record

pytestmark = pytest.mark.looptime


async def test_a_chunk_that_follows_on_reaches_the_webhook(make_flow):
    flow = make_flow()
    await flow.assign()
    flow.fill_and_take(3)
    await asyncio.sleep(1)
    assert flow.client.ids() == ["e0", "e1", "e2"]
    assert flow.sample("forwarder_events_read_total", topic="logs") == 3


async def test_before_the_checkpoints_are_loaded_nothing_is_taken(make_flow):
    flow = make_flow()
    flow.intake.take(P0, chunk(P0, [record(0)]))
    await flow.assign()
    await asyncio.sleep(1)
    assert flow.client.requests == []
    assert flow.positions.expected == {P0: 0}


async def test_a_partition_that_is_not_ours_is_left_alone(make_flow):
    flow = make_flow()
    await flow.assign()
    flow.intake.take(TP("logs", 7), chunk(TP("logs", 7), [record(0, TP("logs", 7))]))
    await asyncio.sleep(1)
    assert flow.client.requests == []


async def test_a_stale_chunk_is_not_routed_again(make_flow):
    flow = make_flow()
    await flow.assign()
    flow.fill_and_take(5)
    flow.intake.take(P0, chunk(P0, [record(n) for n in range(2, 5)]))
    await asyncio.sleep(1)
    assert flow.client.ids() == [f"e{n}" for n in range(5)]
    assert flow.sample("forwarder_events_read_total", topic="logs") == 5


@pytest.mark.parametrize(("first", "last"), [(0, 2), (1, 6), (0, 9)])
async def test_a_log_that_begins_again_is_another_topic_and_nothing_of_it_is_routed(make_flow, first, last):
    flow = make_flow()
    await flow.assign()
    flow.fill_and_take(3)
    flow.intake.take(P0, chunk(P0, [record(n) for n in range(first, last)]))
    flow.intake.take(P0, chunk(P0, [record(n) for n in range(last, 20)]))
    await asyncio.sleep(1)
    assert flow.client.ids() == ["e0", "e1", "e2"]
    assert flow.positions.expected == {P0: 3}
    assert P0 in flow.positions.halted


async def test_a_chunk_that_was_taken_for_skipped_and_comes_late_is_no_other_topic(make_flow):
    flow = make_flow()
    await flow.assign()
    flow.log.fill(10)
    flow.group.handed[P0] = flow.group.ends[P0] = 10
    flow.guards.look()
    await asyncio.sleep(SKIPPED_AFTER_SECONDS)
    flow.guards.look()
    flow.intake.take(P0, chunk(P0, flow.log.records[P0]))
    await asyncio.sleep(5)
    assert not flow.positions.halted
    assert flow.client.ids() == [f"e{n}" for n in range(10)]


async def test_a_consumer_whose_position_is_set_again_begins_again_and_only_the_new_part_is_routed(make_flow):
    flow = make_flow()
    await flow.assign()
    flow.fill_and_take(3)
    again = chunk(P0, [record(n) for n in range(6)])
    again.seek = 2
    flow.intake.take(P0, again)
    await asyncio.sleep(1)
    assert flow.client.ids() == [f"e{n}" for n in range(6)]
    assert not flow.positions.halted


async def test_a_consumer_that_begins_below_where_it_was_put_is_on_another_topic(make_flow):
    flow = make_flow()
    flow.group.store(Checkpoint(1, 1, 100, known=["siem", "~unreadable"]))
    await flow.assign()
    flow.intake.take(P0, chunk(P0, [record(n) for n in range(300)]))
    await asyncio.sleep(1)
    assert flow.client.ids() == []
    assert P0 in flow.positions.halted


async def test_markers_passed_before_a_chunk_are_no_other_topic(make_flow):
    flow = make_flow()
    await flow.assign()
    flow.fill_and_take(3)
    flow.positions.expected[P0] = 5
    flow.intake.take(P0, chunk(P0, [record(5), record(6)], start=3))
    await asyncio.sleep(1)
    assert flow.client.ids() == ["e0", "e1", "e2", "e5", "e6"]


async def test_positions_without_records_are_no_gap(make_flow):
    flow = make_flow()
    await flow.assign()
    flow.intake.take(P0, chunk(P0, [record(3)], start=0, end=6))
    flow.intake.take(P0, chunk(P0, [], start=6, end=9))
    flow.intake.take(P0, chunk(P0, [record(9)]))
    await asyncio.sleep(1)
    assert flow.client.ids() == ["e3", "e9"]
    assert flow.lane().behind == {}
    assert flow.lines.told("gap found") == []


async def test_a_gap_is_read_again_from_kafka_in_order_and_told(make_flow):
    flow = make_flow()
    await flow.assign()
    flow.fill_and_take(2)
    flow.log.fill(8)
    flow.intake.take(P0, chunk(P0, flow.log.records[P0][6:10]))
    assert flow.lane().behind == {P0: 2}
    await asyncio.sleep(5)
    assert flow.client.ids() == [f"e{n}" for n in range(10)]
    assert flow.lane().behind == {}
    assert flow.lines.told("gap found")[0] | {"expected": 2, "start": 6} == flow.lines.told("gap found")[0]
    assert flow.sample("forwarder_gaps_found_total", topic="logs") == 4


async def test_a_gap_of_one_offset_is_a_gap(make_flow):
    flow = make_flow()
    await flow.assign()
    flow.fill_and_take(2)
    flow.log.fill(3)
    flow.intake.take(P0, chunk(P0, flow.log.records[P0][3:5]))
    await asyncio.sleep(5)
    assert flow.client.ids() == [f"e{n}" for n in range(5)]


async def test_a_skip_that_no_record_betrays_is_read_again_too(make_flow):
    flow = make_flow()
    await flow.assign()
    flow.log.fill(5)
    flow.intake.skipped(P0, 5)
    await asyncio.sleep(5)
    assert flow.client.ids() == [f"e{n}" for n in range(5)]
    assert flow.positions.expected == {P0: 5}


async def test_a_record_that_cannot_be_read_is_dead_lettered_and_stops_nobody(make_flow):
    flow = make_flow()
    await flow.assign()
    flow.log.fill(1)
    flow.log.put(P0, b"\xff", None, b"not json")
    flow.log.fill(1)
    flow.take(5)
    await asyncio.sleep(5)
    assert flow.client.ids() == ["e0", "e4"]
    assert [(topic, value) for topic, _, value, _ in flow.producer.written] == [
        ("logs.dead-letters", b"\xff"),
        ("logs.dead-letters", None),
        ("logs.dead-letters", b"not json"),
    ]
    reasons = [dict(headers)["forwarder-reason"] for _, _, _, headers in flow.producer.written]
    assert reasons == [b"not_utf8", b"null_value", b"not_json"]
    assert flow.sample("forwarder_events_unreadable_total", topic="logs", reason="not_json") == 1
    assert flow.lane(UNREADABLE).cursors() == {}


async def test_a_dead_letter_topic_that_is_down_holds_up_only_the_checkpoint_of_what_cannot_be_read(make_flow):
    flow = make_flow()
    flow.producer.refuse = lambda topic, value: True
    await flow.assign()
    flow.log.put(P0, b"not json")
    flow.log.fill(2)
    flow.take(3)
    await asyncio.sleep(30)
    assert flow.client.ids() == ["e1", "e2"]
    assert flow.lane(UNREADABLE).cursors() == {P0: 0}
    await flow.keeper.save()
    assert flow.group.checkpoint().lanes[UNREADABLE].cursor == 0
    flow.producer.refuse = lambda topic, value: False
    await asyncio.sleep(600)
    assert len(flow.producer.written) == 1
    assert flow.lane(UNREADABLE).cursors() == {}


@pytest.mark.parametrize(
    ("policy", "sent", "dead"),
    [("match", ["e0", "e1", "e2"], []), ("noMatch", ["e0", "e2"], []), ("deadLetter", ["e0", "e2"], [b"filter_error"])],
)
async def test_an_event_whose_filter_fails_becomes_what_the_webhook_says(make_flow, policy, sent, dead):
    flow = make_flow(hook(filter="data.n / data.d == 1", onFilterError=policy), hook("other"))
    await flow.assign()
    flow.log.fill(1, n=1, d=1)
    flow.log.fill(1, n=1, d=0)
    flow.log.fill(1, n=1, d=1)
    flow.take(3)
    await asyncio.sleep(5)
    assert flow.client.ids("siem") == sent
    assert flow.client.ids("other") == ["e0", "e1", "e2"]
    assert [dict(headers)["forwarder-reason"] for *_, headers in flow.producer.written] == dead
    assert [dict(headers)["forwarder-webhook"] for *_, headers in flow.producer.written] == [b"siem"] * len(dead)
    assert flow.sample("forwarder_filter_errors_total", webhook="siem") == 1
    assert flow.sample("forwarder_books_imbalance", webhook="siem") == 0


async def test_a_failed_filter_is_dead_lettered_also_when_catch_up_reads_the_event(make_flow):
    flow = make_flow(hook(filter="data.n / data.d == 1", onFilterError="deadLetter"))
    await flow.assign()
    flow.log.fill(1, n=1, d=1)
    flow.log.fill(1, n=1, d=0)
    flow.intake.skipped(P0, 2)
    await asyncio.sleep(5)
    assert flow.client.ids() == ["e0"]
    assert len(flow.producer.written) == 1
