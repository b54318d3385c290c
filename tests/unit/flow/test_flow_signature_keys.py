"""Signature keys in the metrics: who signs now, who will, who did, and until when; also after a reload."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from tests.unit.flow.flow_doors import WALL
from tests.unit.flow.flow_rig import hook
from tests.unit.observe.support import sample

pytestmark = pytest.mark.looptime

END = "forwarder_signature_key_not_after_timestamp_seconds"


def at(offset: float) -> str:
    return datetime.fromtimestamp(WALL + offset, UTC).isoformat()


def key(name: str, **times: str):
    return {"key": {"@type": "Value", "secret": f"hunter2-{name}"}, "id": name, **times}


def states(flow) -> dict[str, float | None]:
    flow.metrics.refresh()
    words = ("upcoming", "active", "expired")
    return {state: sample(flow.metrics, "forwarder_signature_keys", webhook="siem", state=state) for state in words}


async def test_an_overlap_is_seen_to_begin_and_to_end(make_flow):
    keys = [key("new", notBefore=at(100)), key("old", notAfter=at(200))]
    flow = make_flow(hook(signature={"scheme": "stripe", "keys": keys}))
    assert states(flow) == {"upcoming": 1, "active": 1, "expired": 0}
    assert sample(flow.metrics, END, webhook="siem", key="old") == WALL + 200
    assert sample(flow.metrics, END, webhook="siem", key="new") is None
    await asyncio.sleep(100)
    assert states(flow) == {"upcoming": 0, "active": 2, "expired": 0}
    await asyncio.sleep(100)
    assert states(flow) == {"upcoming": 0, "active": 1, "expired": 1}


async def test_a_reload_takes_keys_away_and_brings_others(make_flow):
    flow = make_flow(hook(signature={"scheme": "stripe", "keys": [key("old", notAfter=at(200))]}))
    await flow.assign()
    assert states(flow)["active"] == 1
    await flow.apply(hook(signature={"scheme": "stripe", "keys": [key("new", notAfter=at(900))]}))
    assert states(flow)["active"] == 1
    assert sample(flow.metrics, END, webhook="siem", key="new") == WALL + 900
    assert sample(flow.metrics, END, webhook="siem", key="old") is None
    await flow.apply(hook())
    assert states(flow) == {"upcoming": 0, "active": 0, "expired": 0}
    assert sample(flow.metrics, END, webhook="siem", key="new") is None
    assert "hunter2" not in flow.metrics.expose()[0].decode()
