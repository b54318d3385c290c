"""Templates on a real Kafka: bodies as they were written, a dead letter for each event that cannot be rendered."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from forwarder.cli.receiver import Receiver
from tests.integration.service.scenario import config_for, event, forwarder
from tests.support.kafka import RealKafka

BODY = '{"n": {{.data.data.n}}, "user": "{{.data.data.user}}", "state": "{{if eq .Status "resolved"}}green{{else}}red{{end}}"}'
DIGEST = (
    '{"count": {{ count }}, "users": '
    '[{% for e in events %}"{{ e.data.data.user }}"{% if not loop.last %},{% endif %}{% endfor %}]}'
)
EVIL = 'a", "admin": true, "b": "\\'


async def test_events_are_rendered_and_those_that_lack_something_are_dead_lettered_with_the_place(
    kafka: RealKafka, tmp_path: Path
) -> None:
    topic = await kafka.topics.create(partitions=1)
    async with Receiver() as single, Receiver() as batched:
        hooks = [
            {"name": "single", "url": single.url, "throttle": "10ms", "payload": {"format": "template", "body": BODY}},
            {
                "name": "batched",
                "url": batched.url,
                "throttle": "500ms",
                "payload": {"format": "template", "body": DIGEST},
            },
        ]
        config = config_for(tmp_path, kafka, topic, [topic], hooks)
        async with forwarder(config):
            values = [event(n, 0, user=EVIL, status="resolved") for n in range(6)]
            values[3] = event(3, 0)
            await kafka.topics.produce(topic, values, partition=0)
            letters = await kafka.topics.read_until(f"{topic}.dead-letters", 2)
            async with asyncio.timeout(30):
                while len(single.arrivals) < 5 or _users(batched) < 5:
                    await asyncio.sleep(0.05)
    bodies = [json.loads(arrival.body) for arrival in single.arrivals]
    assert bodies == [{"n": n, "user": EVIL, "state": "green"} for n in (0, 1, 2, 4, 5)]
    digests = [json.loads(arrival.body) for arrival in batched.arrivals]
    assert [user for one in digests for user in one["users"]] == [EVIL] * 5
    assert all(one["count"] == len(one["users"]) for one in digests)
    told = {}
    for letter in letters:
        headers = {name: value.decode() for name, value in letter.headers}
        assert (letter.value, headers["forwarder-reason"]) == (values[3], "unrenderable")
        told[headers["forwarder-webhook"]] = headers["forwarder-response"]
        assert headers["forwarder-detail"] == headers["forwarder-response"]
    assert told["single"].startswith("template: 1:46: data.data.user is missing")
    assert told["batched"].startswith("template: 1:70: e.data.data.user is missing")


def _users(receiver: Receiver) -> int:
    return sum(json.loads(arrival.body)["count"] for arrival in receiver.arrivals)
