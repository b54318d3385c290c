"""A changed configuration while it runs: by difference, every field from the next batch, nothing lost, nothing repeated."""

from __future__ import annotations

import asyncio
import json

import pytest

from forwarder.deliver.request import Exchange
from forwarder.lane.states import LaneState
from forwarder.model.attempt import Response
from tests.unit.flow.flow_endpoints import BUSY, WELL, answering
from tests.unit.flow.flow_rig import P0, P1, hook

pytestmark = pytest.mark.looptime


def names(first: int, end: int) -> list[str]:
    return [f"e{n}" for n in range(first, end)]


async def test_an_unchanged_lane_is_not_touched(make_flow):
    flow = make_flow(hook("one"), hook("two"))
    await flow.assign()
    one = flow.lane("one")
    assert await flow.apply(hook("one"), hook("two", timeout="10s"))
    assert flow.lane("one") is one
    assert one.behind == {}


async def test_an_added_webhook_starts_at_its_start(make_flow):
    flow = make_flow()
    await flow.assign()
    flow.fill_and_take(10)
    await asyncio.sleep(1)
    told = await flow.apply(hook(), hook("late"), hook("all", startAt="earliest"))
    flow.fill_and_take(5)
    await asyncio.sleep(5)
    assert flow.client.ids("late") == names(10, 15)
    assert flow.client.ids("all") == names(0, 15)
    assert "late: added" in told


async def test_a_removed_webhook_gets_nothing_more(make_flow):
    flow = make_flow(hook(), hook("gone"))
    await flow.assign()
    flow.fill_and_take(5)
    await asyncio.sleep(1)
    told = await flow.apply(hook())
    flow.fill_and_take(5)
    await asyncio.sleep(5)
    assert flow.client.ids("gone") == names(0, 5)
    assert flow.client.ids("siem") == names(0, 10)
    assert "gone: removed" in told
    assert flow.sample("forwarder_events_delivered_total", webhook="gone") is None
    await flow.keeper.save()
    assert "gone" not in flow.group.checkpoint().books


@pytest.mark.parametrize("answer", [200, 400, 503])
async def test_removing_a_webhook_with_a_request_in_flight_does_not_end_the_worker(make_flow, answer):
    flow = make_flow(hook(), hook("gone"))

    async def slow(request):
        await asyncio.sleep(5)
        return Exchange(Response(answer if "gone" in request.url else 200))

    flow.client.answer = slow
    await flow.assign()
    flow.fill_and_take(5)
    await asyncio.sleep(1)
    await flow.apply(hook())
    await asyncio.sleep(60)
    assert flow.crashes == []
    assert flow.client.ids("siem") == names(0, 5)
    assert flow.budget.used == 0


async def test_removing_a_webhook_while_its_dead_letter_is_written_does_not_end_the_worker(make_flow):
    flow = make_flow(hook(), hook("gone"))
    written = asyncio.Event()
    produce = flow.producer.produce

    async def slow_produce(*args):
        await written.wait()
        return await produce(*args)

    async def refuse(request):
        return Exchange(Response(400 if "gone" in request.url else 200))

    flow.producer.produce, flow.client.answer = slow_produce, refuse
    await flow.assign()
    flow.fill_and_take(1)
    await asyncio.sleep(1)
    await flow.apply(hook())
    written.set()
    await asyncio.sleep(5)
    assert flow.crashes == []


@pytest.mark.parametrize(
    ("field", "value", "check"),
    [
        ("url", "https://other.example/x", lambda request: "other.example" in request.url),
        ("timeout", "7s", lambda request: request.timeout == 7),
        ("connectTimeout", "3s", lambda request: request.connect_timeout == 3),
        ("allowInvalidCerts", True, lambda request: request.allow_invalid_certs),
        ("httpHeaders", {"X-A": "b"}, lambda request: request.headers["X-A"] == "b"),
        ("compression", "gzip", lambda request: request.headers["Content-Encoding"] == "gzip"),
        ("maxEvents", 2, lambda request: len(json.loads(request.content)) == 2),
        ("maxBytes", 200, lambda request: len(request.content) <= 200),
        ("payload", {"format": "stalwart"}, lambda request: "events" in json.loads(request.content)),
        ("payload", {"format": "ndjson"}, lambda request: not request.content.startswith(b"[")),
        (
            "httpAuth",
            {"@type": "Bearer", "bearerToken": {"@type": "Value", "secret": "t"}},
            lambda request: request.headers["Authorization"] == "Bearer t",
        ),
        ("signatureKey", {"@type": "Value", "secret": "k"}, lambda request: "X-Signature" in request.headers),
    ],
)
async def test_a_changed_field_counts_from_the_next_batch(make_flow, field, value, check):
    flow = make_flow()
    await flow.assign()
    flow.fill_and_take(4)
    await asyncio.sleep(1)
    assert not _holds(check, flow.client.requests[-1])
    told = await flow.apply(hook(**{field: value}))
    flow.fill_and_take(4)
    await asyncio.sleep(1)
    assert all(_holds(check, request) for request in flow.client.requests[1:])
    assert any(field in line for line in told)


def _holds(check, request) -> bool:
    try:
        return bool(check(request))
    except (KeyError, ValueError, TypeError):
        return False


@pytest.mark.parametrize(
    "change",
    [
        {"level": "high"},
        {"events": ["login"], "eventsPolicy": "exclude"},
        {"filter": "event.type == 'none'"},
        {"sources": ["x"]},
    ],
)
async def test_a_changed_filter_judges_what_waits_anew(make_flow, change):
    flow = make_flow(hook(throttle=60, treatMissingSeverityAs="low"), sources=[
        {"topic": "logs", "preset": "cloudevents"}, {"topic": "x", "preset": "cloudevents"},
    ])  # fmt: skip
    await flow.assign()
    flow.fill_and_take(1)
    await asyncio.sleep(1)
    flow.fill_and_take(5)
    await flow.apply(hook(throttle=60, treatMissingSeverityAs="low", **change), sources=[
        {"topic": "logs", "preset": "cloudevents"}, {"topic": "x", "preset": "cloudevents"},
    ])  # fmt: skip
    flow.fill_and_take(5)
    await asyncio.sleep(200)
    assert flow.client.ids() == ["e0"]
    assert flow.lane().books.pending == 0
    assert flow.lane().behind == {}


async def test_what_waits_is_neither_lost_nor_repeated(make_flow):
    flow = make_flow(hook(throttle=5))
    await flow.assign()
    for n in range(10):
        flow.fill_and_take(7)
        await flow.apply(hook(throttle=5, timeout=f"{n + 1}s"))
        await asyncio.sleep(1)
    await asyncio.sleep(60)
    assert flow.client.ids() == names(0, 70)


async def test_a_frozen_batch_keeps_its_bytes_and_id_when_the_payload_changes(make_flow):
    flow = make_flow()
    flow.client.answer = answering(BUSY)
    await flow.assign()
    flow.fill_and_take(5)
    await asyncio.sleep(1)
    frozen = flow.client.requests[0]
    flow.client.answer = answering(WELL)
    await flow.apply(hook(payload={"format": "stalwart"}))
    flow.fill_and_take(5)
    await asyncio.sleep(5)
    again, after = flow.client.requests[-2:]
    assert again.content == frozen.content
    assert again.headers["Forwarder-Batch-Id"] == frozen.headers["Forwarder-Batch-Id"]
    assert "events" in json.loads(after.content)


async def test_a_frozen_batch_is_signed_with_the_new_key(make_flow):
    def key(secret: str):
        return {"@type": "Value", "secret": secret}

    flow = make_flow(hook(signatureKey=key("old")))
    flow.client.answer = answering(BUSY)
    await flow.assign()
    flow.fill_and_take(5)
    await asyncio.sleep(1)
    frozen = flow.client.requests[0]
    flow.client.answer = answering(WELL)
    told = await flow.apply(hook(signatureKey=key("new")))
    await asyncio.sleep(5)
    again = flow.client.requests[-1]
    assert again.content == frozen.content
    assert again.headers["X-Signature"] != frozen.headers["X-Signature"]
    assert not any(word in line for line in told for word in ("'old'", "'new'"))


@pytest.mark.parametrize(("on_enable", "sent"), [("continue", names(0, 9)), ("now", [*names(0, 3), *names(6, 9)])])
async def test_switching_off_and_on_continues_or_skips(make_flow, on_enable, sent):
    flow = make_flow(hook(onEnable=on_enable))
    await flow.assign()
    flow.fill_and_take(3)
    await asyncio.sleep(1)
    await flow.apply(hook(onEnable=on_enable, enable=False))
    flow.fill_and_take(3)
    await asyncio.sleep(5)
    assert flow.lane().state is LaneState.DISABLED
    assert flow.client.ids() == names(0, 3)
    await flow.apply(hook(onEnable=on_enable))
    flow.fill_and_take(3)
    await asyncio.sleep(5)
    assert flow.client.ids() == sent
    assert flow.lane().state is LaneState.LIVE


@pytest.mark.parametrize("status", [410, 400])
async def test_any_change_mends_a_lane_that_its_receiver_has_stopped(make_flow, status):
    flow = make_flow(hook(maxEvents=1))

    async def stop(request):
        return Exchange(Response(status))

    flow.client.answer = stop
    await flow.assign()
    flow.fill_and_take(15)
    await asyncio.sleep(1)
    assert flow.lane().state in (LaneState.DISABLED, LaneState.PAUSED)
    first = len(flow.client.requests)
    flow.client.answer = answering(WELL)
    await flow.apply(hook(maxEvents=1, timeout="20s"))
    await asyncio.sleep(5)
    assert flow.lane().state is LaneState.LIVE
    assert flow.client.ids()[first:] == names(15 - len(flow.client.ids()[first:]), 15)
    assert flow.lane().books.pending == 0


async def test_event_sets_count_without_any_webhook_changing(make_flow):
    hooks = [hook(eventSets=["s"], eventsPolicy="include")]
    flow = make_flow(*hooks, eventSets={"s": {"events": ["logout"]}})
    await flow.assign()
    flow.fill_and_take(3)
    await flow.apply(*hooks, eventSets={"s": {"events": ["login"]}})
    flow.fill_and_take(3)
    await asyncio.sleep(5)
    assert flow.client.ids() == names(3, 6)


async def test_a_setting_that_needs_a_restart_is_said_so(make_flow):
    flow = make_flow()
    await flow.assign()
    (line,) = await flow.apply(hook(), memory={"budget": "1MiB"})
    assert line.startswith("memory.budget")
    assert "after a restart" in line


async def test_partitions_taken_away_while_a_new_webhook_asks_kafka_are_not_given_to_it(make_flow):
    flow = make_flow()
    flow.log.fill(10)
    flow.log.fill(10, P1)
    await flow.assign(P0, P1)
    flow.log.hold = asyncio.Event()
    reloading = asyncio.ensure_future(flow.apply(hook(), hook("new", startAt="earliest")))
    await asyncio.sleep(1)
    await flow.revoke()
    flow.log.hold.set()
    await reloading
    assert flow.lane("new").owned == set()
    assert flow.lane("new").behind == {}
    await flow.assign(P0)
    await asyncio.sleep(5)
    assert flow.lane("new").owned == {P0}
    assert flow.client.ids("new") == names(0, 10)
