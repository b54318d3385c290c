"""Dead letters and the ledger on a real Kafka: a topic that is gone stops one webhook only, and what is given up is noted exactly."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from forwarder import __version__
from forwarder.cli.behaviour import Dead, Ok, Refuse
from forwarder.cli.receiver import Receiver
from forwarder.kafka.topics import LETTER_ROOM_BYTES
from tests.integration.service.scenario import accepted, config_for, event, forwarder, judge, until_received
from tests.support.kafka import RealKafka


async def test_a_dead_letter_topic_that_is_deleted_stops_only_its_webhook_until_it_is_made_again(
    kafka: RealKafka, tmp_path: Path
) -> None:
    topic = await kafka.topics.create(partitions=1, configs={"max.message.bytes": "20000000"})
    letters = f"{topic}.dead-letters"
    async with Receiver(behaviour=Refuse(b'"poison": true')) as strict, Receiver() as easy:
        hooks = [
            {"name": "strict", "url": strict.url, "throttle": "300ms"},
            {"name": "easy", "url": easy.url, "throttle": "50ms"},
        ]
        config = config_for(tmp_path, kafka, topic, [topic], hooks)
        async with forwarder(config) as worker:
            made = (await kafka.topics.config(letters))["max.message.bytes"]
            assert int(made) == 20_000_000 + LETTER_ROOM_BYTES, "a letter is larger than its record by our headers"
            await kafka.topics.delete(letters)
            values = [event(n, 0, poison=n == 11) for n in range(40)]
            await kafka.topics.produce(topic, values, partition=0, keys=[b"k%d" % n for n in range(40)])
            blocked = "forwarder_dead_letters_blocked"
            await asyncio.to_thread(worker.wait_metric, blocked, lambda n: n == 1, 30.0, webhook="strict")
            assert worker.metric(blocked, webhook="easy") == 0
            (told, *_) = worker.logged("DeadLetterWriteFailed")
            assert (told["webhook"], told["target"]) == ("strict", letters)
            assert f"topic {letters}" in told["error"]
            await kafka.topics.produce(topic, [event(40, 0)], partition=0)
            assert (await until_received(easy, list(range(41)))).clean
            assert judge(strict, range(41)).lost, "it waits"
            await kafka.topics.create(letters)
            wanted = [n for n in range(41) if n != 11]
            assert (await until_received(strict, wanted)).clean
            (letter,) = await kafka.topics.read_until(letters, 1)
            assert (letter.value, letter.key) == (values[11], b"k11")
            _is_complete(dict(letter.headers), topic)
            await asyncio.to_thread(worker.wait_metric, blocked, lambda n: n == 0, 10.0, webhook="strict")
            assert worker.logged("DeadLettersTakenAgain")


def _is_complete(headers: dict[str, bytes], topic: str) -> None:
    told = {name.removeprefix("forwarder-"): value.decode() for name, value in headers.items()}
    fixed = {
        "webhook": "strict",
        "topic": topic,
        "partition": "0",
        "offset": "11",
        "reason": "refused",
        "status": "400",
    }
    assert fixed.items() <= told.items()
    assert told["version"] == __version__
    assert int(told["attempts"]) > 3, "the event was in every batch that was split to find it"
    assert 0 < float(told["first-attempt"]) < float(told["last-attempt"])


async def test_what_expires_in_an_outage_and_what_retention_takes_is_noted_in_the_ledger_exactly(
    kafka: RealKafka, tmp_path: Path
) -> None:
    topic, group = await kafka.topics.create(partitions=1), kafka.topics.unique("group")
    async with Receiver(behaviour=Dead()) as down, Receiver(behaviour=Dead()) as late:
        hooks = [
            {
                "name": "down", "url": down.url, "throttle": "20ms", "discardAfter": "1s", "maxEvents": 50,
                "retry": {"base": "100ms", "cap": "300ms"},
            },
            {
                "name": "late", "url": late.url, "throttle": "20ms", "discardAfter": "never", "maxEvents": 10,
                "retry": {"base": "100ms", "cap": "300ms"},
            },
        ]  # fmt: skip
        config = config_for(tmp_path, kafka, group, [topic], hooks)
        async with forwarder(config) as worker:
            await kafka.topics.produce(topic, [event(n, 0) for n in range(3000)], partition=0)
            discarded = "forwarder_events_discarded_total"
            await asyncio.to_thread(
                worker.wait_metric, discarded, lambda n: n == 3000, 30.0, webhook="down", reason="expired"
            )
            await kafka.topics.delete_records(topic, {0: 2500})
            await late.behave(Ok())
            lost = await asyncio.to_thread(
                worker.wait_metric, discarded, lambda n: n > 0, 30.0, webhook="late", reason="retention"
            )
            arrived = await until_received(late, range(3000 - 500, 3000))
            assert not arrived.lost and not arrived.repeated
        entries = [json.loads(record.value or b"") for record in await kafka.topics.read_all(f"{group}-ledger")]
    expired = [entry for entry in entries if entry["webhook"] == "down"]
    assert _offsets(expired) == list(range(3000))
    assert len(expired) <= 40, "few entries, however small the probes were"
    taken = _offsets([entry for entry in entries if (entry["webhook"], entry["reason"]) == ("late", "retention")])
    had = {data["n"] for data in accepted(late)}
    assert len(taken) == lost
    assert sorted({*taken, *had}) == list(range(3000)) and not had & set(taken)


def _offsets(entries: list[dict[str, Any]]) -> list[int]:
    runs = [run for entry in entries for run in entry["runs"]]
    found = sorted(offset for first, last in runs for offset in range(first, last + 1))
    assert len(found) == len(set(found)) == sum(entry["count"] for entry in entries)
    return found
