"""Numbers that people see: each event counted once, gauges that tell the truth, states and circuits told when they change."""

from __future__ import annotations

import asyncio

import pytest

from forwarder.deliver.request import Exchange
from forwarder.flow.attempts import observe_ages
from forwarder.model.attempt import Failure, Fault, Response
from tests.unit.flow.flow_endpoints import BUSY, WELL, answering
from tests.unit.flow.flow_rig import P0, P1, WALL, hook
from tests.unit.lane.lane_rig import event

pytestmark = pytest.mark.looptime


def books(flow, name: str = "siem") -> dict[str, float]:
    """What the metrics say became of the events of a webhook."""
    flow.tally.sync_all()
    flow.metrics.refresh()
    values = {"matched": 0.0, "delivered": 0.0, "discarded": 0.0, "dead_lettered": 0.0, "pending": 0.0}
    for family in flow.metrics.registry.collect():
        for sample in family.samples:
            for word in values:
                if sample.name in (f"forwarder_events_{word}_total", f"forwarder_events_{word}"):
                    values[word] += sample.value if sample.labels.get("webhook") == name else 0
    return values


async def test_the_books_of_the_metrics_balance_at_every_moment(make_flow):
    flow = make_flow(hook(maxEvents=4, discardAfter="20s"))
    dice = iter([400, 503, 200, 413, 200, 503, 503, 200, 400, 200] * 100)

    async def moody(request):
        return Exchange(Response(next(dice)))

    flow.client.answer = moody
    await flow.assign()
    for _ in range(40):
        flow.fill_and_take(7)
        await asyncio.sleep(1)
        told = books(flow)
        assert told["matched"] == sum(told[word] for word in ("delivered", "discarded", "dead_lettered", "pending"))
        assert flow.sample("forwarder_books_imbalance", webhook="siem") == 0
    await asyncio.sleep(2000)
    told = books(flow)
    assert told["pending"] == 0
    assert told["matched"] == 280
    assert min(told["delivered"], told["discarded"] + told["dead_lettered"]) > 0


async def test_looking_twice_counts_once(make_flow):
    flow = make_flow()
    await flow.assign()
    flow.fill_and_take(5)
    await asyncio.sleep(1)
    assert books(flow) == books(flow)
    assert books(flow)["delivered"] == 5


async def test_a_loss_by_retention_is_counted_once(make_flow):
    flow = make_flow()
    await flow.assign()
    flow.lane().fall_behind(P0, 0)
    flow.log.fill(10)
    flow.positions.expected[P0] = 10
    flow.log.first[P0] = 4
    await asyncio.sleep(5)
    assert books(flow)["discarded"] == 4
    assert flow.lines.told("events discarded") == []
    assert len(flow.lines.told("events lost by retention")) == 1


async def test_a_discard_is_told_by_reason(make_flow):
    flow = make_flow(hook(retry={"maxAttempts": 1}))
    flow.client.answer = answering(BUSY)
    await flow.assign()
    flow.fill_and_take(5)
    await asyncio.sleep(5)
    flow.tally.sync_all()
    (line,) = flow.lines.told("events discarded")
    assert (line["reason"], line["count"]) == ("attempts", 5)


async def test_a_state_is_told_when_it_changes_and_shown_as_one_of_four(make_flow):
    flow = make_flow()
    await flow.assign()
    flow.tally.sync_all()
    flow.lane().fall_behind(P0, 0)
    flow.tally.sync_all()
    flow.tally.sync_all()
    states = [(line.get("previous", ""), line["state"]) for line in flow.lines.told("lane state changed")]
    assert states[:1] == [("", "live")]
    shown = {
        state: flow.sample("forwarder_lane_state", webhook="siem", state=state)
        for state in ("live", "behind", "paused", "disabled")
    }
    assert shown == {"live": 0, "behind": 1, "paused": 0, "disabled": 0}


async def test_a_lane_that_pauses_is_told_with_the_number_of_refusals(make_flow):
    flow = make_flow(hook(maxEvents=1))
    flow.client.answer = answering(Exchange(Response(400)))
    await flow.assign()
    flow.fill_and_take(20)
    await asyncio.sleep(5)
    flow.tally.sync_all()
    (line,) = flow.lines.told("lane paused, the endpoint refuses too many events")
    assert line["refused"] == 10
    assert books(flow)["dead_lettered"] == 10
    assert books(flow)["pending"] == 10


async def test_a_circuit_is_told_once_when_it_opens_and_once_when_it_closes(make_flow):
    flow = make_flow()
    flow.client.answer = answering(BUSY)
    await flow.assign()
    flow.fill_and_take(5)
    await asyncio.sleep(400)
    assert flow.sample("forwarder_circuit_open", webhook="siem") == 1
    flow.client.answer = answering(WELL)
    await asyncio.sleep(400)
    assert flow.sample("forwarder_circuit_open", webhook="siem") == 0
    assert [line["failures"] for line in flow.lines.told("circuit opened")] == [5]
    assert len(flow.lines.told("circuit closed")) == 1


async def test_every_attempt_is_one_wide_line_and_one_count_by_class(make_flow):
    flow = make_flow()
    answers = iter([BUSY, Exchange(Failure(Fault.TIMEOUT, "no answer in 30 s")), WELL])

    async def answer(request):
        return next(answers)

    flow.client.answer = answer
    await flow.assign()
    flow.fill_and_take(5)
    await asyncio.sleep(30)
    lines = flow.lines.told("attempt finished")
    assert [line["attempt"] for line in lines] == [1, 2, 3]
    assert [line["class"] for line in lines] == ["http_5xx", "timeout", "http_2xx"]
    assert [line["verdict"] for line in lines] == ["retry", "retry", "delivered"]
    assert [line.get("retry_in_s") for line in lines] == [0.5, 1.0, None]
    for word in ("http_5xx", "timeout", "http_2xx"):
        assert flow.sample("forwarder_attempts_total", webhook="siem", **{"class": word}) == 1


async def test_gauges_say_what_is_held_and_how_old_it_is(make_flow):
    flow = make_flow()
    flow.client.answer = answering(BUSY)
    await flow.assign()
    flow.group.ends[P0] = 25
    flow.fill_and_take(5)
    await asyncio.sleep(10)
    assert flow.sample("forwarder_events_pending", webhook="siem") == 5
    assert flow.sample("forwarder_window_bytes", webhook="siem") == flow.budget.used > 0
    assert flow.sample("forwarder_memory_used_bytes") == flow.budget.used
    assert flow.sample("forwarder_oldest_undelivered_timestamp_seconds", webhook="siem") == WALL
    assert flow.sample("forwarder_position", topic="logs", partition="0") == 5
    assert flow.sample("forwarder_consumer_lag_records", topic="logs", partition="0") == 20


async def test_partitions_that_are_behind_are_counted(make_flow):
    flow = make_flow()
    await flow.assign(P0, P1)
    flow.lane().draining = True
    flow.lane().fall_behind(P1, 0)
    assert flow.sample("forwarder_lane_behind_partitions", webhook="siem") == 1


async def test_the_age_of_delivered_events_is_counted_from_their_kafka_timestamp(make_flow):
    flow = make_flow()
    series = flow.metrics.webhook("siem").event_age
    old = [event(n, timestamp_ms=int((WALL - age) * 1000)) for n, age in enumerate([0, 0.01, 2, 7, 7, 100_000])]
    observe_ages(series, old, WALL)
    assert flow.sample("forwarder_event_age_seconds_count", webhook="siem") == 6
    within = {
        bound: flow.sample("forwarder_event_age_seconds_bucket", webhook="siem", le=bound)
        for bound in ("0.05", "1.0", "2.5", "10.0", "86400.0", "+Inf")
    }
    assert within == {"0.05": 2, "1.0": 2, "2.5": 3, "10.0": 5, "86400.0": 5, "+Inf": 6}
    assert flow.sample("forwarder_event_age_seconds_sum", webhook="siem") == pytest.approx(100_016.01, abs=0.01)


async def test_a_failed_dead_letter_is_counted_for_the_source_topic_alone(make_flow):
    flow = make_flow()
    flow.producer.refuse = lambda topic, value: True
    await flow.assign()
    flow.log.put(P0, b"not json")
    flow.take(1)
    await asyncio.sleep(0.1)
    failed = [
        (sample.labels["topic"], sample.value)
        for family in flow.metrics.registry.collect()
        for sample in family.samples
        if sample.name == "forwarder_dead_letters_failed_total"
    ]
    assert failed == [("logs", 1)]
    assert "logs.dead-letters" in flow.lines.told("dead letter not written")[0]["error"]
