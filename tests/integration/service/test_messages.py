"""Digests and handshakes in the whole service: a chat that is often busy, and a target that gives its permission late."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from forwarder.cli.arrivals import parse_offsets
from tests.integration.service.scenario import Stream, config_for, forwarder
from tests.support.kafka import RealKafka
from tests.support.receivers.cloudevents import CloudEventsDouble
from tests.support.receivers.double import Asked, Said, served
from tests.support.receivers.slack import SlackDouble

RATE = 300
LATE = 4
"""How often the target is asked before it permits anything."""


@dataclass
class BusySlack(SlackDouble):
    """Turns every third message away; remembers of the others which events they are about."""

    asked: int = 0
    taken: Counter[tuple[str, int, int]] = field(default_factory=Counter)

    def answer(self, asked: Asked) -> Said:
        self.asked += 1
        if self.asked % 3 == 0:
            return Said(503)
        answer = super().answer(asked)
        if answer.status == 200:
            offsets = parse_offsets(asked.headers["Forwarder-Offsets"])
            places = [
                (topic, partition, offset)
                for (topic, partition), runs in offsets.runs.items()
                for first, last in runs
                for offset in range(first, last + 1)
            ]
            count = len(places)
            assert offsets.exact and asked.headers["Forwarder-Events"] == str(count)
            assert count == 1 or f"{count} events" in self.messages[-1]["text"]
            self.taken.update(places)
        return answer


@dataclass
class LateTarget(CloudEventsDouble):
    """Permits nothing at first."""

    origin: str | None = None

    def answer(self, asked: Asked) -> Said:
        if sum(each.method == "OPTIONS" for each in self.asked) >= LATE:
            self.origin = "forwarder.example"
        return super().answer(asked)


async def test_every_event_is_in_one_digest_and_none_is_sent_without_permission(
    kafka: RealKafka, tmp_path: Path
) -> None:
    topic = await kafka.topics.create(partitions=3)
    slack, target = BusySlack(), LateTarget()
    async with served(slack) as chat_url, served(target) as target_url:
        common = {"discardAfter": "never", "retry": {"base": "20ms", "cap": "300ms"}}
        handshake = {"handshake": True, "origin": "forwarder.example"}
        hooks = [
            {"name": "chat", "url": chat_url, "throttle": "200ms", "payload": {"format": "slack"}, **common},
            {"name": "target", "url": target_url, "throttle": "50ms", **common,
             "payload": {"format": "cloudevents", "mode": "batch", **handshake}},
        ]  # fmt: skip
        config = config_for(tmp_path, kafka, topic, [{"topic": topic, "startAt": "earliest"}], hooks)
        async with forwarder(config), Stream(kafka, topic, 3, RATE) as stream:
            await asyncio.sleep(2.0)
            numbers = await stream.stop()
            for _ in range(300):
                if len(target.events) >= len(numbers) and slack.taken.total() >= len(numbers):
                    break
                await asyncio.sleep(0.1)
    assert sorted(each["data"]["data"]["n"] for each in target.events) == sorted(numbers)
    assert len(slack.taken) == slack.taken.total() == len(numbers)
    methods = [each.method for each in target.asked]
    assert methods[: LATE + 1] == ["OPTIONS"] * (LATE + 1) and set(methods[LATE + 1 :]) == {"POST"}
    assert all(json.loads(each.body) for each in target.asked if each.method == "POST")
