"""The byte budget: who gives memory back when it is spent, and who is left alone."""

from __future__ import annotations

import asyncio

from tests.unit.flow.flow_rig import P0, hook


async def test_a_lane_that_is_well_and_within_its_share_keeps_its_window(make_flow):
    flow = make_flow(hook("siem", throttle=60), hook("dead", throttle=60), budget=100_000)
    await flow.assign(P0)
    flow.fill_and_take(1)
    await asyncio.sleep(1)
    flow.fill_and_take(3)
    flow.lane("dead").flights.failures = 1
    flow.budget.charge(100_000)
    flow.guards.look_at_budget()
    assert len(flow.lane("siem").window) == 3
    assert len(flow.lane("dead").window) == 0, "what cannot be sent goes back to Kafka"


async def test_reading_goes_on_however_much_dead_endpoints_hold_in_flight(make_flow):
    flow = make_flow(budget=100_000)
    await flow.assign(P0)
    flow.budget.charge(1_000_000)
    flow.guards.look_at_budget()
    assert not flow.guards.paused
    flow.fill_and_take(1)
    await asyncio.sleep(1)
    assert flow.client.ids() == ["e0"]
