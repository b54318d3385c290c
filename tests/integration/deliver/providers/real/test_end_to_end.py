"""The whole way: records in a real Kafka, a worker that is killed in between, real receivers; what they hold in the end is compared
with what was produced."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from tests.integration.service.scenario import config_for, event, forwarder
from tests.support.kafka import RealKafka
from tests.support.receivers.real import OpenSearch, OtelSink

COUNT, BAD = 200, {17, 100, 101, 199}


def number_of(identity: str) -> int:
    return int(identity.rpartition("/")[2])


async def test_opensearch_holds_each_good_event_once_although_the_worker_was_killed(
    kafka: RealKafka, opensearch: OpenSearch, tmp_path: Path
) -> None:
    fields: dict[str, Any] = {"n": {"type": "long"}, "p": {"type": "long"}}
    known = {name: {"type": "keyword"} for name in ("type", "timestamp", "id")}
    opensearch.make_index("end-to-end", {**known, "data": {"properties": fields, "dynamic": "strict"}})
    topic = await kafka.topics.create(partitions=1)
    payload = {"format": "opensearch", "index": "end-to-end"}
    hooks = [{"name": "search", "url": opensearch.url(), "throttle": "20ms", "maxEvents": 20, "payload": payload}]
    config = config_for(tmp_path, kafka, topic, [topic], hooks)
    values = [event(n, 0, **({"unknown": 1} if n in BAD else {})) for n in range(COUNT)]
    async with forwarder(config) as worker:
        await kafka.topics.produce(topic, values, partition=0)
        delivered = "forwarder_events_delivered_total"
        await asyncio.to_thread(worker.wait_metric, delivered, lambda n: n >= 50, 30.0, webhook="search")
        worker.process.kill()
    async with forwarder(config, name="next") as worker:
        documents = await _until(lambda: opensearch.documents("end-to-end"), COUNT - len(BAD))
        await asyncio.to_thread(
            worker.wait_metric, "forwarder_events_pending", lambda n: n == 0, 30.0, webhook="search"
        )
        letters = await _letters(kafka, topic)
    assert {number_of(key) for key in documents} == set(range(COUNT)) - BAD
    assert all(document["data"]["n"] == number_of(key) for key, document in documents.items())
    assert {json.loads(letter.value or b"")["data"]["n"] for letter in letters} == BAD
    assert all(b"strict_dynamic_mapping_exception" in b"".join(dict(letter.headers).values()) for letter in letters)


async def _letters(kafka: RealKafka, topic: str) -> list[Any]:
    """All of them, once the last bad event is among them: the worker that was killed may have indexed everything before."""
    for _ in range(150):
        letters = await kafka.topics.read_all(f"{topic}.dead-letters")
        if {json.loads(letter.value or b"")["data"]["n"] for letter in letters} >= BAD:
            break
        await asyncio.sleep(0.2)
    return list(letters)


async def test_collectors_get_every_event_in_order(kafka: RealKafka, otel: OtelSink, tmp_path: Path) -> None:
    topic = await kafka.topics.create(partitions=1)
    splunk = {"format": "splunk", "ack": True}
    hooks = [
        {"name": "hec", "url": otel.url("splunk_hec"), "throttle": "20ms", "payload": splunk, "compression": "gzip"},
        {"name": "otlp", "url": otel.url("otlp"), "throttle": "20ms", "payload": {"format": "otlp"}},
        {"name": "loki", "url": otel.url("loki"), "throttle": "20ms", "payload": {"format": "loki"}},
    ]
    async with forwarder(config_for(tmp_path, kafka, topic, [topic], hooks)):
        await kafka.topics.produce(topic, [event(n, 0) for n in range(COUNT)], partition=0)
        marks = {"splunk_hec": "event_identity", "otlp": "log.record.uid", "loki": "event_identity"}
        for name, mark in marks.items():
            records = await asyncio.to_thread(otel.received, name, COUNT, f"/{topic}/")
            found = [number_of(value) for record in records for value in _values(record, mark)]
            assert found == list(range(COUNT)), name


def _values(record: dict[str, Any], key: str) -> list[str]:
    return [each["value"]["stringValue"] for each in record["attributes"] if each["key"] == key]


async def _until(look: Any, count: int) -> dict[str, Any]:
    """What `look` finds once that is `count` things, or after half a minute."""
    for _ in range(150):
        found: dict[str, Any] = await asyncio.to_thread(look)
        if len(found) >= count:
            return found
        await asyncio.sleep(0.2)
    return found
