"""Many webhooks behind at different places of a topic, on real Kafka: each gets what it missed, once and in order, by few reads."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from forwarder.cli.receiver import Receiver
from forwarder.kafka.topics import CHECKPOINT_CONFIG, checkpoint_topic
from tests.integration.service.scenario import accepted, config_for, forwarder
from tests.support.kafka import RealKafka

RECORDS, LANES, PARTITIONS = 10_000, 20, 2


async def leave_behind(kafka: RealKafka, topic: str) -> None:
    """A checkpoint with the webhooks evenly spread over each partition, and the router at its end."""
    changelog = checkpoint_topic(topic, topic)
    await kafka.topics.create(changelog, PARTITIONS, dict(CHECKPOINT_CONFIG))
    lanes = {f"w{n}": {"cursor": RECORDS * n // LANES} for n in range(LANES)}
    record = {"epoch": 1, "seq": 1, "position": RECORDS, "lanes": lanes, "known": list(lanes), "version": 1}
    for partition in range(PARTITIONS):
        value, key = json.dumps(record).encode(), str(partition).encode()
        await kafka.topics.produce(changelog, [value], partition=partition, keys=[key])


def value(n: int, partition: int) -> bytes:
    return b'{"type":"k.%d","id":"e%d","data":{"n":%d,"p":%d}}' % (n % LANES, n, n, partition)


def missed(lane: int) -> list[int]:
    return [n for n in range(RECORDS * lane // LANES, RECORDS) if n % LANES == lane]


async def test_webhooks_behind_all_over_a_topic_get_what_they_missed_with_few_reads(
    kafka: RealKafka, tmp_path: Path
) -> None:
    topic = await kafka.topics.create(partitions=PARTITIONS)
    for partition in range(PARTITIONS):
        await kafka.topics.produce_bulk(topic, partition, (value(n, partition) for n in range(RECORDS)))
    await leave_behind(kafka, topic)
    async with Receiver() as receiver:
        calm = {"url": receiver.url, "throttle": "100ms", "eventsPolicy": "include", "discardAfter": "never"}
        hooks = [{"name": f"w{n}", "events": [f"k.{n}"], **calm} for n in range(LANES)]
        config = config_for(tmp_path, kafka, topic, [{"topic": topic, "preset": "standard-webhooks"}], hooks)
        async with forwarder(config) as worker:
            await asyncio.to_thread(worker.wait_metric, "forwarder_lane_behind_partitions", lambda n: n == 0, 60.0)
            total = PARTITIONS * sum(len(missed(lane)) for lane in range(LANES))
            await asyncio.to_thread(worker.wait_metric, "forwarder_events_delivered_total", lambda n: n >= total, 60.0)
            read = worker.metric("forwarder_catchup_records_read_total")
            fed = worker.metric("forwarder_events_caught_up_total")
        found: dict[tuple[int, int], list[int]] = {}
        for data in accepted(receiver):
            found.setdefault((data["n"] % LANES, data["p"]), []).append(data["n"])
    assert found == {(lane, p): missed(lane) for lane in range(LANES) for p in range(PARTITIONS) if missed(lane)}
    assert fed == total
    assert read <= 3 * fed
