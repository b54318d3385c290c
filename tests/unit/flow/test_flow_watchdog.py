"""Stuck or not: every wait for an endpoint, a person or Kafka is none, and what really hangs is told once, with its stack."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from forwarder.deliver.request import Exchange
from forwarder.model.attempt import Response
from tests.unit.flow.flow_endpoints import answering
from tests.unit.flow.flow_rig import P0, hook
from tests.unit.flow.flow_watched import AFTER, LONG, REGROUP, RESTART, Watched, nothing_to_say

pytestmark = pytest.mark.looptime


@pytest.fixture
async def watch(make_flow):
    made: list[Watched] = []

    async def start(*hooks: Any, **given: Any) -> Watched:
        flow = make_flow(*hooks, **given)
        await flow.assign()
        made.append(Watched(flow))
        return made[-1]

    yield start
    for watched in made:
        await watched.close()


# --- never stuck ---


async def test_an_idle_worker_is_not_stuck(watch) -> None:
    await nothing_to_say(await watch())


@pytest.mark.parametrize("status", [500, 401, 404, 400])
async def test_an_endpoint_that_fails_for_hours_is_not_stuck(watch, status) -> None:
    watched = await watch(hook(throttle=1))
    watched.flow.client.answer = answering(Exchange(Response(status)))
    watched.flow.fill_and_take(2000)
    await nothing_to_say(watched)
    assert len(watched.flow.client.requests) > 5


async def test_a_receiver_that_asks_for_an_hour_is_not_stuck(watch) -> None:
    watched = await watch(hook(throttle=1))
    watched.flow.client.answer = answering(Exchange(Response(503, {"retry-after": "1800"})))
    watched.flow.fill_and_take(10)
    await nothing_to_say(watched, 2 * LONG)


async def test_an_endpoint_that_hangs_to_its_time_limit_is_not_stuck(watch) -> None:
    watched = await watch(hook(throttle=1, timeout="10m"))

    async def hang(_request: Any) -> Exchange:
        await asyncio.sleep(600)
        return Exchange(Response(500))

    watched.flow.client.answer = hang
    watched.flow.fill_and_take(10)
    await nothing_to_say(watched)


async def test_a_webhook_that_is_switched_off_or_gone_is_not_stuck(watch) -> None:
    watched = await watch(hook("off", enable=False), hook("gone", throttle=1))
    watched.flow.client.answer = answering(Exchange(Response(410)))
    watched.flow.fill_and_take(10)
    await nothing_to_say(watched)


async def test_a_long_throttle_is_not_stuck(watch) -> None:
    watched = await watch(hook(throttle="2h"))
    watched.flow.fill_and_take(10)
    await asyncio.sleep(1)
    watched.flow.fill_and_take(10)
    await nothing_to_say(watched)


async def test_a_dead_letter_topic_that_is_down_for_hours_is_not_stuck(watch) -> None:
    watched = await watch()
    watched.flow.producer.refuse = lambda topic, value: True
    watched.flow.log.put(P0, b"no json")
    watched.flow.take(1)
    await nothing_to_say(watched)


async def test_a_backlog_that_is_fed_slowly_is_not_stuck(watch) -> None:
    watched = await watch(hook(throttle=30, maxEvents=100, strictThrottle=True))
    watched.flow.fill_and_take(5000)
    watched.read.kafka = {P0: 5000}
    await nothing_to_say(watched, 1200)


async def test_nothing_is_stuck_while_kafka_is_away(watch) -> None:
    watched = await watch()
    watched.read.known, watched.read.kafka = {P0: 10}, None
    await nothing_to_say(watched)


async def test_nothing_is_stuck_while_the_leader_of_the_partition_is_away(watch) -> None:
    """The group's broker answers, the partition's does not."""
    watched = await watch()
    watched.read.known, watched.read.kafka = {P0: 10}, {}
    await nothing_to_say(watched)


async def test_a_partition_that_we_paused_or_an_operator_must_mend_is_not_stuck(watch) -> None:
    watched = await watch()
    watched.read.known, watched.read.kafka = {P0: 10}, {P0: 10}
    watched.read.is_paused = True
    await asyncio.sleep(LONG)
    watched.read.is_paused = False
    watched.flow.catch_up.halted.add(P0)
    await nothing_to_say(watched)


# --- stuck ---


async def test_a_partition_that_is_not_read_is_told_once_and_again_when_it_moves(watch) -> None:
    watched = await watch()
    watched.read.known = watched.read.kafka = {P0: 10}
    await asyncio.sleep(AFTER + 10)
    (told,) = watched.found
    assert (told["what"], told["name"], told["stack"]) == ("partition", "logs/0", ["the reader stands here"])
    assert watched.stuck("partition") == 1
    await asyncio.sleep(200)
    assert len(watched.found) == 1 and watched.health.alive
    watched.flow.log.fill(10)
    watched.flow.take(10)
    await asyncio.sleep(10)
    assert watched.stuck("partition") == 0
    assert watched.flow.lines.told("no longer stuck")[0]["name"] == "logs/0"
    assert watched.flow.sample("forwarder_stuck_found_total", what="partition") == 1


async def test_a_shared_read_that_has_gone_silent_is_found_by_asking_kafka(watch) -> None:
    """Its own word on where the log ends is as old as its last fetch."""
    watched = await watch()
    watched.read.known, watched.read.kafka = {P0: 0}, {P0: 10}
    await asyncio.sleep(2 * AFTER + 20)
    assert [told["name"] for told in watched.found] == ["logs/0"]
    assert watched.read.asked < 6


async def test_an_attempt_that_never_ends_is_told_with_the_stack_of_its_task(watch) -> None:
    watched = await watch(hook(throttle=1, timeout="30s"))
    never = asyncio.Event()

    async def hang_for_ever(_request: Any) -> Exchange:
        await never.wait()
        raise AssertionError

    watched.flow.client.answer = hang_for_ever
    watched.flow.fill_and_take(10)
    await asyncio.sleep(30 + 10 + AFTER + 20)
    (told,) = watched.found
    assert (told["what"], told["name"]) == ("lane", "siem")
    assert any("hang_for_ever" in line for line in told["stack"])
    assert watched.stuck("lane") == 1


async def test_a_lane_that_nobody_serves_is_told_and_that_no_task_is_under_way(watch) -> None:
    watched = await watch()
    watched.flow.dispatcher.serve = lambda lane: None
    watched.flow.fill_and_take(10)
    await asyncio.sleep(AFTER + 20)
    (told,) = watched.found
    assert (told["what"], told["name"], told["stack"]) == ("lane", "siem", ["no task is under way for it"])


async def test_a_catch_up_that_feeds_nobody_is_told(watch) -> None:
    watched = await watch()
    never = asyncio.Event()

    async def hang(*_: object) -> None:
        await never.wait()

    watched.flow.catch_up._follow = hang
    watched.read.kafka = {P0: 100}
    watched.flow.log.fill(100)
    watched.flow.positions.expected[P0] = 100
    watched.flow.lane().fall_behind(P0, 0)
    await asyncio.sleep(AFTER + 20)
    assert [(told["what"], told["name"]) for told in watched.found] == [("partition", "logs/0")]
    assert any("hang" in line for line in watched.found[0]["stack"])
    await asyncio.sleep(30 * AFTER)
    assert [(told["what"], told["name"]) for told in watched.found[1:]] == [("lane", "siem")]
    assert len(watched.health.stuck) == 1, "the partition's; to start again would not make the lane's turn come sooner"


async def test_a_lane_that_waits_for_nothing_is_told(watch) -> None:
    """It holds nothing, has a backlog, and believes that it is full."""
    watched = await watch()
    watched.read.kafka = {P0: 100}
    watched.flow.log.fill(100)
    watched.flow.positions.expected[P0] = 100
    watched.flow.lane().holding.blocked = True
    watched.flow.lane().fall_behind(P0, 0)
    await asyncio.sleep(AFTER + 20)
    assert [told["name"] for told in watched.found] == ["logs/0"]


async def test_a_rebalance_that_never_ends_is_told_unless_kafka_is_away(watch) -> None:
    watched = await watch()
    await watched.flow.revoke()
    watched.read.reachable = False
    await nothing_to_say(watched)
    watched.read.reachable = True
    await asyncio.sleep(REGROUP + AFTER + 20)
    assert [(told["what"], told["stack"]) for told in watched.found] == [("group", ["the reader stands here"])]


# --- when a restart can help ---


async def test_the_process_is_dead_when_something_is_stuck_for_long_and_says_what(watch) -> None:
    watched = await watch()
    watched.read.known = watched.read.kafka = {P0: 10}
    await asyncio.sleep(RESTART - 20)
    assert watched.health.alive
    await asyncio.sleep(40)
    assert not watched.health.alive
    assert "partition logs/0: the log ends at 10" in watched.health.stuck[0]
    watched.flow.log.fill(10)
    watched.flow.take(10)
    await asyncio.sleep(10)
    assert watched.health.alive


async def test_the_process_is_not_dead_because_kafka_went_away_while_something_was_stuck(watch) -> None:
    watched = await watch(hook(throttle=1, timeout="30s"))
    never = asyncio.Event()
    watched.flow.client.answer = lambda _request: never.wait()
    watched.flow.fill_and_take(10)
    await asyncio.sleep(AFTER + 60)
    assert len(watched.found) == 1
    watched.read.reachable = False
    await asyncio.sleep(LONG)
    assert watched.health.alive
    watched.read.reachable = True
    await asyncio.sleep(RESTART + 10)
    assert not watched.health.alive
