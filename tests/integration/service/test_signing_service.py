"""The whole service signs: two keys overlap, receivers with either are satisfied, public keys and metrics are told, keys are not."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from forwarder.cli.captures import read_captures
from forwarder.cli.receiver import Receiver
from forwarder.deliver.sign.schemes import SCHEMES
from forwarder.deliver.sign.verify import Verified, verify
from tests.integration.service.scenario import config_for, event, forwarder, until_received
from tests.support.kafka import RealKafka
from tests.unit.deliver.make import secret

pytestmark = pytest.mark.timeout(180)

PRIVATE = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
PUBLIC = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
SHARED = "whsec_aHVudGVyMi1odW50ZXIyLWh1bnRlcjItaHVudGVyMg=="
SCHEME = SCHEMES["standard-webhooks"]


async def test_keys_overlap_and_are_told_while_events_flow(kafka: RealKafka, tmp_path: Path) -> None:
    topic = await kafka.topics.create(kafka.topics.unique())
    await kafka.topics.produce(topic, [event(n, 0) for n in range(20)], partition=0)
    soon = (datetime.now(UTC) + timedelta(days=9)).isoformat()
    keys = [
        {"key": secret(PRIVATE), "id": "new", "notBefore": "2026-01-01T00:00:00Z"},
        {"key": secret(SHARED), "id": "old", "notAfter": soon},
    ]
    captured = tmp_path / "requests.jsonl"
    async with Receiver(capture=captured, keys=[SHARED], scheme="standard-webhooks") as receiver:
        hook = {
            "name": "siem", "url": receiver.url, "throttle": "50ms",
            "signature": {"scheme": "standard-webhooks", "keys": keys},
        }  # fmt: skip
        config = config_for(tmp_path, kafka, topic, [{"topic": topic, "startAt": "earliest"}], [hook])
        async with forwarder(config) as worker:
            assert (await until_received(receiver, range(20))).clean
            served = await asyncio.to_thread(worker.get, "/.well-known/jwks.json")
            metrics = await asyncio.to_thread(worker.metrics)
            warned = worker.logged("this key expires at")
            log = worker.process.output()
    assert receiver.tally.signatures == 0
    for request in read_captures(captured.read_bytes()):
        assert verify(SCHEME, [PUBLIC], request.headers, request.body, request.at or 0.0) == Verified(0)
    assert [(key["kid"], key["x"]) for key in json.loads(served[1])["keys"]] == [
        ("new", "1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4")
    ]
    assert metrics["forwarder_signature_keys", frozenset({("webhook", "siem"), ("state", "active")})] == 2
    ends = metrics[
        "forwarder_signature_key_not_after_timestamp_seconds", frozenset({("webhook", "siem"), ("key", "old")})
    ]
    assert ends == pytest.approx(datetime.fromisoformat(soon).timestamp())
    assert warned and warned[0]["level"] == "warning"
    assert PRIVATE[5:40] not in log + served[1] and "aHVudGVyMi" not in log + served[1]
