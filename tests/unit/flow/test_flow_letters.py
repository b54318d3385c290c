"""Dead letters and ledger entries: acknowledged or not, never twice where the broker has them; patient questions to Kafka."""

from __future__ import annotations

import asyncio
import json

import pytest

from forwarder.deliver.request import Exchange, Request
from forwarder.flow.insist import PatientLog
from forwarder.flow.letters import BATCH
from forwarder.flow.recorder import LAST_SECONDS, Recorder
from forwarder.kafka.reader import Unavailable
from forwarder.lane.flight import Fate, part_of
from forwarder.model.attempt import DeadLetterReason, DiscardReason, Response
from tests.unit.flow.flow_rig import P0, P1, hook, record
from tests.unit.lane.lane_rig import event, events, unreadable

pytestmark = pytest.mark.looptime


def doomed(*some, reason=DeadLetterReason.REFUSED):
    part = part_of(some, Fate.DEAD_LETTER)
    part.reason = reason
    return part


def values(flow, topic: str) -> list[bytes]:
    return [value for where, _, value, _ in flow.producer.written if where == topic]


async def test_a_part_is_written_when_the_broker_has_all_of_it(make_flow):
    flow = make_flow()
    part = doomed(*(event(n, value=b"%d" % n) for n in range(450)))
    assert await flow.dispatcher._letters.dead_letters("siem", part)
    assert sorted(values(flow, "logs.dead-letters"), key=int) == [b"%d" % n for n in range(450)]


async def test_after_a_failure_only_what_is_missing_is_written_again(make_flow):
    flow = make_flow()
    part = doomed(*(event(n, value=b"%d" % n) for n in range(10)))
    flow.producer.refuse = lambda topic, value: value in (b"3", b"7")
    assert not await flow.dispatcher._letters.dead_letters("siem", part)
    assert len(values(flow, "logs.dead-letters")) == 8
    flow.producer.refuse = lambda topic, value: False
    assert await flow.dispatcher._letters.dead_letters("siem", part)
    assert sorted(values(flow, "logs.dead-letters")) == [b"%d" % n for n in range(10)]


async def test_a_topic_that_is_down_is_not_flooded(make_flow):
    flow = make_flow()
    tried: list[bytes | None] = []
    flow.producer.refuse = lambda topic, value: bool(tried.append(value)) or True
    assert not await flow.dispatcher._letters.dead_letters("siem", doomed(*events(range(1000))))
    assert len(tried) == BATCH


async def test_records_that_nobody_could_read_name_no_webhook_and_each_its_own_problem(make_flow):
    flow = make_flow()
    part = doomed(unreadable(1), event(2, value=None, problem=unreadable(0).problem.__class__.NULL))
    part.reason = part.events[0].problem
    await flow.dispatcher._letters.dead_letters("~unreadable", part)
    told = [dict(headers) for *_, headers in flow.producer.written]
    assert all("forwarder-webhook" not in headers for headers in told)
    assert [headers["forwarder-reason"] for headers in told] == [b"not_json", b"null_value"]


async def test_discards_are_one_entry_per_partition(make_flow):
    flow = make_flow()
    part = doomed(*events([1, 2, 9], P0), *events([4], P1), reason=DiscardReason.EXPIRED)
    assert await flow.dispatcher._letters.discards("siem", part)
    assert len(values(flow, "forwarder-ledger")) == 2


async def test_an_entry_that_is_not_acknowledged_is_no_outcome(make_flow):
    flow = make_flow()
    flow.producer.refuse = lambda topic, value: True
    assert not await flow.dispatcher._letters.discards("siem", doomed(event(1), reason=DiscardReason.EXPIRED))


async def test_a_topic_that_refuses_is_told_with_its_webhook_and_so_is_the_end_of_it(make_flow):
    flow = make_flow(hook("siem"), hook("other"))
    await flow.assign()
    flow.producer.refuse = lambda topic, value: topic == "logs.dead-letters"
    flow.client.answer = refusing_poison
    flow.log.fill(3)
    flow.log.records[P0][1] = record(1, id="poison")
    flow.take(3)
    await asyncio.sleep(5)
    assert flow.sample("forwarder_dead_letters_blocked", webhook="siem") == 1
    assert flow.sample("forwarder_dead_letters_blocked", webhook="other") == 0
    told = flow.lines.told("dead letter not written")[0]
    assert (told["webhook"], told["target"]) == ("siem", "logs.dead-letters")
    assert flow.client.ids("other") == ["e0", "poison", "e2"]
    flow.producer.refuse = lambda topic, value: False
    await asyncio.sleep(30)
    assert flow.sample("forwarder_dead_letters_blocked", webhook="siem") == 0
    assert flow.lines.told("dead letters are written again")[0]["webhook"] == "siem"
    assert len(values(flow, "logs.dead-letters")) == 1
    assert "e2" in flow.client.ids("siem")


async def refusing_poison(request: Request) -> Exchange:
    return Exchange(Response(400 if b"poison" in request.content and "siem" in request.url else 200))


async def test_a_write_that_failed_is_tried_again_within_half_a_minute_whatever_the_webhook_waits(make_flow):
    flow = make_flow(hook(retry={"base": "1h", "cap": "2h"}))
    await flow.assign()
    flow.producer.refuse = lambda topic, value: True
    flow.log.put(P0, b"no json")
    flow.take(1)
    await asyncio.sleep(1)
    flow.producer.refuse = lambda topic, value: False
    await asyncio.sleep(30)
    assert values(flow, "logs.dead-letters") == [b"no json"]


# --- what was given up outside a batch ---


def ledger(flow) -> list[tuple[str, list[list[int]], int]]:
    found = [json.loads(value) for value in values(flow, "forwarder-ledger")]
    return [(entry["reason"], entry["runs"], entry["count"]) for entry in found]


async def test_losses_are_written_together_and_kept_until_the_ledger_has_them(make_flow):
    flow = make_flow()
    recorder = Recorder(lambda: flow.roster, flow.dispatcher._letters, flow.clock)
    losses = flow.lane().holding.losses
    for offset in range(5):
        losses.note(DiscardReason.SHED, P0, [(offset, offset)])
    losses.note(DiscardReason.RETENTION, P0, [(7, 9)])
    flow.producer.refuse = lambda topic, value: b"retention" in (value or b"")
    await recorder.write()
    assert ledger(flow) == [("shed", [[0, 4]], 5)]
    flow.producer.refuse = lambda topic, value: False
    await recorder.write()
    assert ledger(flow)[1:] == [("retention", [[7, 9]], 3)]
    await recorder.write()
    assert len(ledger(flow)) == 2 and not losses.waiting


async def test_a_stop_does_not_wait_for_a_ledger_that_hangs(make_flow):
    flow = make_flow()
    recorder = Recorder(lambda: flow.roster, flow.dispatcher._letters, flow.clock)
    flow.lane().holding.losses.note(DiscardReason.SHED, P0, [(1, 1)])
    flow.producer.produce = lambda *_: asyncio.Event().wait()
    async with asyncio.timeout(LAST_SECONDS + 1):
        await recorder.write_last()
    assert flow.lane().holding.losses.waiting


# --- questions that must be answered ---


class Answers:
    """Kafka's offsets with a script: each question takes the next answer."""

    def __init__(self, *answers, opens=()):
        self.answers, self.opens = list(answers), list(opens)

    async def open(self):
        return self.opens.pop(0) if self.opens else None

    async def log_start(self, tp):
        return self.answers.pop(0)

    stable_end = log_start

    async def at_time(self, tp, ms):
        return self.answers.pop(0)


async def test_kafka_is_asked_until_it_answers_and_that_is_said(make_flow):
    flow = make_flow()
    before = asyncio.get_running_loop().time()
    offsets = Answers(Unavailable("no leader"), Unavailable("no leader"), 42, opens=[Unavailable("refused")])
    log = PatientLog(offsets, ("a:9092",), flow.observer, flow.clock)
    assert await log.log_start(P0) == 42
    assert asyncio.get_running_loop().time() - before == pytest.approx(3, abs=0.01)
    assert flow.lines.told("waiting for Kafka")[0]["error"] == "refused"


async def test_a_time_after_the_last_record_is_the_end(make_flow):
    flow = make_flow()
    log = PatientLog(Answers(None, 77), ("a:9092",), flow.observer, flow.clock)
    assert await log.offset_for_time(P0, 1) == 77
