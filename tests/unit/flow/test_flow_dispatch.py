"""Actions become requests and writes: retries in time, memory charged, interruptions, errors that nobody expected."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from forwarder.deliver.request import Exchange
from forwarder.lane.states import LaneState
from forwarder.model.attempt import Failure, Fault, Response
from tests.unit.flow.flow_endpoints import BUSY, WELL
from tests.unit.flow.flow_rig import hook

pytestmark = pytest.mark.looptime


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_a_retry_comes_after_its_back_off_and_with_the_next_number(make_flow):
    flow = make_flow()
    times: list[float] = []

    async def answer(request):
        times.append(now())
        return BUSY if len(times) < 4 else WELL

    flow.client.answer = answer
    await flow.assign()
    flow.fill_and_take(5)
    await asyncio.sleep(30)
    gaps = [round(after - before, 2) for before, after in itertools.pairwise(times)]
    assert gaps == [0.5, 1.0, 2.0]  # half of 1, 2 and 4 seconds: the dice always say 0.5
    assert [request.headers["Forwarder-Attempt"] for request in flow.client.requests] == ["1", "2", "3", "4"]
    assert len({request.headers["Forwarder-Batch-Id"] for request in flow.client.requests}) == 1
    assert len({request.content for request in flow.client.requests}) == 1


async def test_batches_start_no_closer_than_the_throttle(make_flow):
    flow = make_flow(hook(throttle=2))
    await flow.assign()
    times: list[float] = []

    async def answer(request):
        times.append(now())
        return WELL

    flow.client.answer = answer
    for _ in range(50):
        flow.fill_and_take(1)
        await asyncio.sleep(0.1)
    await asyncio.sleep(5)
    assert all(after - before >= 2 - 1e-6 for before, after in itertools.pairwise(times))
    assert flow.client.ids() == [f"e{n}" for n in range(50)]


async def test_the_tail_is_sent_without_another_event(make_flow):
    flow = make_flow(hook(throttle=3))
    await flow.assign()
    flow.fill_and_take(1)
    await asyncio.sleep(0.5)
    flow.fill_and_take(2)
    await asyncio.sleep(2)
    assert flow.client.bodies() == [["e0"]]
    await asyncio.sleep(1)
    assert flow.client.bodies() == [["e0"], ["e1", "e2"]]


async def test_one_dead_webhook_does_not_delay_another(make_flow):
    flow = make_flow(hook("dead"), hook("fine"))

    async def answer(request):
        if "dead" in request.url:
            await asyncio.Event().wait()
        return WELL

    flow.client.answer = answer
    await flow.assign()
    for _ in range(20):
        flow.fill_and_take(5)
        await asyncio.sleep(0.1)
        assert flow.client.ids("fine")[-1] == f"e{len(flow.client.ids('fine')) - 1}"
    assert len(flow.client.ids("fine")) == 100


async def test_a_body_is_charged_to_the_budget_while_it_is_on_its_way(make_flow):
    flow = make_flow()
    seen: list[int] = []

    async def answer(request):
        seen.append(flow.budget.used - flow.lane().holding.bytes - len(request.content))
        return WELL

    flow.client.answer = answer
    await flow.assign()
    flow.fill_and_take(5)
    await asyncio.sleep(1)
    assert seen == [0]
    assert flow.budget.used == 0


async def test_a_cancelled_attempt_is_none(make_flow):
    flow = make_flow()

    async def never(request):
        await asyncio.Event().wait()

    flow.client.answer = never
    await flow.assign()
    flow.fill_and_take(5)
    await asyncio.sleep(1)
    flow.dispatcher.held = True
    assert await flow.dispatcher.drain(1) == 1
    lane = flow.lane()
    assert lane.flights.failures == 0
    assert [flight.head.attempts for flight in lane.flights.items] == [0]
    assert flow.budget.used == lane.holding.bytes
    assert flow.sample("forwarder_attempts_total", webhook="siem", **{"class": "cancelled"}) == 0
    assert flow.crashes == []


async def test_an_unexpected_error_in_an_attempt_ends_the_worker(make_flow):
    flow = make_flow()

    async def broken(request):
        raise ZeroDivisionError

    flow.client.answer = broken
    await flow.assign()
    flow.fill_and_take(5)
    await asyncio.sleep(1)
    assert [type(error) for error in flow.crashes] == [ZeroDivisionError]
    flow.crashes.clear()


async def test_an_unexpected_error_in_a_lane_ends_the_worker_too(make_flow):
    flow = make_flow(hook(throttle=2))
    await flow.assign()
    flow.fill_and_take(1)
    await asyncio.sleep(0.5)
    flow.fill_and_take(1)
    flow.lane().poll = lambda *args: 1 / 0
    await asyncio.sleep(5)
    assert [type(error) for error in flow.crashes] == [ZeroDivisionError]
    flow.crashes.clear()


async def test_410_disables_and_says_so(make_flow):
    flow = make_flow()

    async def gone(request):
        return Exchange(Response(410))

    flow.client.answer = gone
    await flow.assign()
    flow.fill_and_take(3)
    await asyncio.sleep(60)
    assert flow.lane().state is LaneState.DISABLED
    assert len(flow.client.requests) == 1
    flow.tally.sync_all()
    assert "410" in flow.lines.told("webhook disabled")[0]["why"]


async def test_a_poisoned_event_is_found_and_dead_lettered_with_its_story(make_flow):
    flow = make_flow()

    async def answer(request):
        return Exchange(Response(400, body=b"bad e7")) if b'"e7"' in request.content else WELL

    flow.client.answer = answer
    await flow.assign()
    flow.fill_and_take(20)
    await asyncio.sleep(5)
    ((topic, _, value, headers),) = flow.producer.written
    told = dict(headers)
    assert topic == "logs.dead-letters"
    assert b'"e7"' in value
    assert told["forwarder-reason"] == b"refused"
    assert (told["forwarder-webhook"], told["forwarder-offset"], told["forwarder-status"]) == (b"siem", b"7", b"400")
    assert told["forwarder-response"] == b"bad e7"
    assert int(told["forwarder-attempts"]) >= 1
    delivered = [one for body, request in zip(flow.client.bodies(), flow.client.requests, strict=True)
                 for one in body if b'"e7"' not in request.content]  # fmt: skip
    assert delivered == [f"e{n}" for n in range(20) if n != 7]


async def test_expired_events_go_to_the_ledger_with_their_offsets(make_flow):
    flow = make_flow(hook(discardAfter="60s"))

    async def down(request):
        return Exchange(Failure(Fault.REFUSED, "connection refused"))

    flow.client.answer = down
    await flow.assign()
    flow.fill_and_take(5)
    await asyncio.sleep(120)
    ((topic, key, value, _),) = flow.producer.written
    assert (topic, key) == ("forwarder-ledger", b"siem")
    assert b'"runs":[[0,4]]' in value
    assert flow.sample("forwarder_events_discarded_total", webhook="siem", reason="expired") == 5
    assert flow.sample("forwarder_events_pending", webhook="siem") == 0


async def test_dropped_events_are_written_nowhere(make_flow):
    flow = make_flow(hook(discardAfter="60s", onDiscard="drop"))

    async def down(request):
        return Exchange(Failure(Fault.REFUSED, "connection refused"))

    flow.client.answer = down
    await flow.assign()
    flow.fill_and_take(5)
    await asyncio.sleep(120)
    assert flow.producer.written == []
    assert flow.sample("forwarder_events_discarded_total", webhook="siem", reason="expired") == 5


async def test_a_ledger_that_is_down_holds_the_cursor(make_flow):
    flow = make_flow(hook(discardAfter="60s"))
    flow.producer.refuse = lambda topic, value: True

    async def down(request):
        return Exchange(Failure(Fault.REFUSED, "connection refused"))

    flow.client.answer = down
    await flow.assign()
    flow.fill_and_take(5)
    await asyncio.sleep(120)
    assert flow.lane().cursors() != {}
    assert flow.sample("forwarder_dead_letters_failed_total", topic="logs") > 0
    flow.producer.refuse = lambda topic, value: False
    await asyncio.sleep(600)
    assert flow.lane().cursors() == {}


async def test_discards_are_told_in_the_next_delivered_batch_and_only_there(make_flow):
    flow = make_flow(hook(retry={"maxAttempts": 1}))
    answers = [BUSY, WELL, WELL]

    async def answer(request):
        return answers.pop(0)

    flow.client.answer = answer
    await flow.assign()
    for _ in range(3):
        flow.fill_and_take(5)
        await asyncio.sleep(5)
    told = [request.headers.get("Forwarder-Discarded") for request in flow.client.requests]
    assert told == [None, "attempts=5", None]


async def test_a_later_wish_does_not_postpone_an_earlier_one(make_flow):
    flow = make_flow()
    await flow.assign()
    await asyncio.sleep(1)
    start = now()
    flow.dispatcher.wake(flow.lane(), start + 5)
    flow.dispatcher.wake(flow.lane(), start + 10)
    assert flow.dispatcher.timers.due(flow.lane()) == start + 5
    flow.dispatcher.wake(flow.lane(), start + 2)
    assert flow.dispatcher.timers.due(flow.lane()) == start + 2


async def test_thousands_of_lanes_are_served_without_a_task_each(make_flow):
    flow = make_flow(*(hook(f"w{n}", throttle=5) for n in range(2000)))
    await flow.assign()
    tasks = len(asyncio.all_tasks())
    flow.fill_and_take(1)
    await asyncio.sleep(1)
    flow.fill_and_take(1)
    await asyncio.sleep(0.1)
    assert len(asyncio.all_tasks()) == tasks
    assert len(flow.client.requests) == 2000
    await asyncio.sleep(5)
    assert len(flow.client.requests) == 4000
