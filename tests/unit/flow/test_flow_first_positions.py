"""Where partitions and webhooks begin that were not there before: partitions added to a topic, `startAt` ahead of the router."""

from __future__ import annotations

import asyncio

import pytest

from forwarder.flow.starts import Starts
from forwarder.settings.process import Source
from tests.unit.flow.flow_rig import P0, P1, FakeLog, hook

pytestmark = pytest.mark.looptime

FROM_THE_BEGINNING = [{"topic": "logs", "preset": "cloudevents", "startAt": "earliest"}]
A_TIME = "2023-11-14T22:13:20Z"
"""The fake log answers offset 5 for it."""


async def test_a_partition_that_was_added_is_read_from_its_first_record_whatever_start_at_says():
    log = FakeLog()
    log.fill(7, P0)
    log.fill(7, P1)
    log.first[P1] = 2
    starts = Starts({"logs": Source(topic="logs", start_at="now")}, log, appeared=frozenset({P1}))
    assert (await starts.of_source(P0), await starts.of_source(P1)) == (7, 2)


async def test_a_webhook_gets_nothing_from_before_its_start_though_the_router_reads_it(make_flow):
    flow = make_flow(hook("all"), hook("later", startAt=A_TIME), sources=FROM_THE_BEGINNING)
    await flow.assign()
    flow.fill_and_take(4)
    flow.fill_and_take(4)
    await asyncio.sleep(5)
    flow.guards.look()
    await asyncio.sleep(5)
    assert flow.client.ids("all.") == [f"e{n}" for n in range(8)]
    assert flow.client.ids("later.") == ["e5", "e6", "e7"]


async def test_a_start_ahead_of_the_router_outlives_a_crash_and_nobody_reads_for_it_meanwhile(make_flow):
    flow = make_flow(hook("later", startAt=A_TIME), sources=FROM_THE_BEGINNING)
    await flow.assign()
    assert flow.group.checkpoint().lanes["later"].cursor == 5
    flow.fill_and_take(2)
    await asyncio.sleep(5)
    await flow.keeper.save()
    assert flow.readers == {}
    again = make_flow(hook("later"), log=flow.log, group=flow.group)
    await again.assign()
    again.fill_and_take(6)
    await asyncio.sleep(1)
    again.guards.look()
    await asyncio.sleep(5)
    assert again.client.ids() == ["e5", "e6", "e7"]
