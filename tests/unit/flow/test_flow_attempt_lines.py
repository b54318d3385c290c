"""The one line per attempt says in words what went wrong, also where the status alone does not tell."""

from __future__ import annotations

import asyncio

import pytest

from forwarder.deliver.request import Exchange
from forwarder.model.attempt import Failure, Fault, Response
from tests.unit.flow.flow_rig import hook

pytestmark = pytest.mark.looptime

PARTLY = b'{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"no such field"}}'


@pytest.mark.parametrize(
    ("answer", "verdict", "error"),
    [
        (Response(200), "delivered", ""),
        (Response(200, {}, PARTLY), "partial", "1 of 3 log records rejected: no such field"),
        (Response(503), "retry", "status 503"),
        (Failure(Fault.RESET, "the peer hung up"), "retry", "the peer hung up"),
    ],
)
async def test_an_attempt_says_what_went_wrong(make_flow, answer, verdict, error):
    flow = make_flow(hook(payload={"format": "otlp"}))

    async def post(request):
        return Exchange(answer)

    flow.client.answer = post
    await flow.assign()
    flow.fill_and_take(3)
    await asyncio.sleep(1.5)
    line = flow.lines.told("attempt finished")[0]
    assert (line["verdict"], line.get("error", "")) == (verdict, error)


async def test_a_dead_letter_is_told_with_what_was_said_of_it_not_with_a_later_trouble(make_flow):
    flow = make_flow(hook(maxEvents=1, throttle="10ms"))
    answers = [Response(200), Response(400), Response(503)]

    async def post(request):
        return Exchange(answers.pop(0) if answers else Response(503))

    flow.client.answer = post
    await flow.assign()
    flow.fill_and_take(3)
    await asyncio.sleep(1.5)
    flow.tally.sync_all()
    told = flow.lines.told("events dead-lettered")[0]
    assert (told["reason"], told["detail"]) == ("refused", "status 400 for 1 event")
