"""A receiver that answers item by item, under kill -9: every document once, the poison in the dead-letter topic."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from tests.integration.service.scenario import Stream, config_for, forwarder
from tests.support.forwarder import ForwarderProcess
from tests.support.kafka import RealKafka

RATE = 400
POISON = 97
"""Each event whose number is a multiple of this is refused for ever."""


class Index:
    """An index that is busy for one document in five, refuses the poisoned ones, and knows what it holds by its id."""

    def __init__(self, seed: int = 1) -> None:
        self.documents: dict[str, int] = {}
        self.answered = Counter[int]()
        self.url = ""
        self._dice = random.Random(seed)

    async def bulk(self, request: web.Request) -> web.Response:
        if self._dice.random() < 0.05:
            return web.Response(status=503)
        lines = [json.loads(line) for line in (await request.read()).splitlines()]
        pairs = zip(lines[::2], lines[1::2], strict=True)
        items = [self._take(action["create"]["_id"], document["data"]["n"]) for action, document in pairs]
        self.answered.update(item["status"] for item in items)
        errors = any(item["status"] != 201 for item in items)
        return web.json_response({"errors": errors, "items": [{"create": item} for item in items]})

    def _take(self, key: str, number: int) -> dict[str, object]:
        if key in self.documents:
            return {"status": 409, "error": {"type": "version_conflict_engine_exception", "reason": "already there"}}
        if self._dice.random() < 0.2:
            return {"status": 429, "error": {"type": "es_rejected_execution_exception", "reason": "queue full"}}
        if number % POISON == 0:
            return {"status": 400, "error": {"type": "document_parsing_exception", "reason": "no such field"}}
        self.documents[key] = number
        return {"status": 201}


@asynccontextmanager
async def serving(index: Index) -> AsyncIterator[Index]:
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_post("/_bulk", index.bulk)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    index.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield index
    finally:
        await runner.cleanup()


async def test_a_bulk_receiver_gets_every_document_once_whatever_it_says_of_single_ones(
    kafka: RealKafka, tmp_path: Path
) -> None:
    topic = await kafka.topics.create(partitions=3)
    async with serving(Index()) as index:
        hook = {
            "name": "search", "url": index.url, "throttle": "50ms", "maxEvents": 60, "discardAfter": "never",
            "payload": {"format": "elastic", "index": "events"}, "retry": {"base": "50ms", "cap": "500ms"},
            "deadLetterLimit": {"inARow": 1000, "ratio": 0.5},
        }  # fmt: skip
        config = config_for(tmp_path, kafka, topic, [{"topic": topic, "startAt": "earliest"}], [hook])
        async with Stream(kafka, topic, 3, RATE) as stream:
            worker = ForwarderProcess(config)
            await asyncio.to_thread(worker.start)
            await asyncio.to_thread(worker.wait_ready)
            await asyncio.sleep(3.0)
            await asyncio.to_thread(worker.kill)
            numbers = await stream.stop()
        async with forwarder(config, "last") as worker:
            wanted = {number for number in numbers if number % POISON}
            poisoned = {number for number in numbers if number % POISON == 0}
            for _ in range(300):
                if len(index.documents) >= len(wanted):
                    break
                await asyncio.sleep(0.2)
            assert Counter(index.documents.values()) == Counter(wanted), "each document once, under its own id"
            letters = await kafka.topics.read_until(f"{topic}.dead-letters", len(poisoned))
            found = [json.loads(letter.value or b"")["data"]["n"] for letter in letters]
            assert set(found) == poisoned
            reasons = {dict(letter.headers)["forwarder-reason"] for letter in letters}
            assert reasons == {b"refused"}
            said = {dict(letter.headers)["forwarder-response"].decode() for letter in letters}
            assert all("document_parsing_exception" in text for text in said), said
            await asyncio.to_thread(
                worker.wait_metric, "forwarder_events_pending", lambda n: n == 0, 20.0, webhook="search"
            )
            assert worker.metric("forwarder_books_imbalance", webhook="search") == 0
    assert index.answered[429] > 50
    assert index.answered[400] >= len(poisoned)
