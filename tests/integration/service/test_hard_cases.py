"""Poisoned records, aborted transactions, retention, brokers that are not there, changed configuration: each its own promise."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import yaml

from forwarder.cli.behaviour import Dead, Ok, Refuse, Status
from forwarder.cli.receiver import Receiver
from tests.integration.service.scenario import Stream, accepted, config_for, event, forwarder, judge, until_received
from tests.support.forwarder import ForwarderProcess, write_config
from tests.support.kafka import RealKafka


async def test_records_that_cannot_be_read_go_to_the_dead_letter_topic_with_all_they_had(
    kafka: RealKafka, tmp_path: Path
) -> None:
    topic = await kafka.topics.create(partitions=1)
    async with Receiver() as receiver:
        hook = {"name": "siem", "url": receiver.url, "throttle": "50ms"}
        config = config_for(tmp_path, kafka, topic, [topic], [hook])
        async with forwarder(config) as worker:
            bad = [b"no json", b'{"a":"\xff"}', None, b"[" * 5000, b'{"a": NaN}']
            await kafka.topics.produce(topic, [event(0, 0)], partition=0)
            await kafka.topics.produce(
                topic, bad, partition=0, keys=[b"k%d" % i for i in range(5)], headers=[("trace", b"\x00\x01")]
            )
            await kafka.topics.produce(topic, [event(1, 0)], partition=0)
            letters = await kafka.topics.read_until(f"{topic}.dead-letters", len(bad))
            assert (await until_received(receiver, [0, 1])).clean
            assert [letter.value for letter in letters] == bad
            assert [letter.key for letter in letters] == [b"k%d" % i for i in range(5)]
            headers = [dict(letter.headers) for letter in letters]
            assert all(found["trace"] == b"\x00\x01" for found in headers)
            assert [int(found["forwarder-offset"]) for found in headers] == [1, 2, 3, 4, 5]
            reasons = [found["forwarder-reason"].decode() for found in headers]
            assert reasons[:4] == ["not_json", "not_utf8", "null_value", "too_deep"]
            assert worker.metric("forwarder_events_unreadable_total", topic=topic) == len(bad)


async def test_one_refused_event_is_dead_lettered_and_the_rest_is_delivered(kafka: RealKafka, tmp_path: Path) -> None:
    topic = await kafka.topics.create(partitions=2)
    async with Receiver(behaviour=Refuse(b'"poison": true')) as receiver:
        hook = {"name": "siem", "url": receiver.url, "throttle": "300ms"}
        config = config_for(tmp_path, kafka, topic, [topic], [hook])
        async with forwarder(config) as worker:
            values = [event(n, n % 2, poison=n == 37) for n in range(100)]
            await asyncio.gather(*(kafka.topics.produce(topic, values[p::2], partition=p) for p in range(2)))
            letters = await kafka.topics.read_until(f"{topic}.dead-letters", 1)
            assert letters[0].value == values[37]
            found = dict(letters[0].headers)
            assert found["forwarder-webhook"] == b"siem" and found["forwarder-reason"] == b"refused"
            assert found["forwarder-status"] == b"400"
            findings = await until_received(receiver, [n for n in range(100) if n != 37])
            assert findings.clean, findings
            assert worker.metric("forwarder_events_dead_lettered_total", webhook="siem") == 1


async def test_an_endpoint_that_refuses_everything_pauses_instead_of_emptying_the_topic_into_dead_letters(
    kafka: RealKafka, tmp_path: Path
) -> None:
    topic = await kafka.topics.create(partitions=1)
    async with Receiver(behaviour=Status(400)) as receiver:
        hook = {"name": "siem", "url": receiver.url, "throttle": "50ms", "retry": {"base": "100ms", "cap": "500ms"}}
        config = config_for(tmp_path, kafka, topic, [topic], [hook])
        async with forwarder(config) as worker:
            await kafka.topics.produce(topic, [event(n, 0) for n in range(200)], partition=0)
            await asyncio.to_thread(
                worker.wait_metric, "forwarder_lane_state", lambda n: n == 1, 30.0, webhook="siem", state="paused"
            )
            assert worker.metric("forwarder_events_dead_lettered_total", webhook="siem") == 10
            await receiver.behave(Ok())
            findings = await until_received(receiver, list(range(10, 200)))
            assert not findings.lost and not findings.repeated, findings


async def test_aborted_transactions_are_never_delivered_and_markers_are_no_gaps(
    kafka: RealKafka, tmp_path: Path
) -> None:
    topic = await kafka.topics.create(partitions=1)
    async with Receiver() as receiver:
        hook = {"name": "siem", "url": receiver.url, "throttle": "50ms"}
        config = config_for(tmp_path, kafka, topic, [topic], [hook])
        async with forwarder(config) as worker:
            batches = [([event(n * 5 + i, 0) for i in range(5)], n % 3 != 1) for n in range(30)]
            await kafka.topics.transact(topic, batches)
            wanted = [n * 5 + i for n in range(30) if n % 3 != 1 for i in range(5)]
            findings = await until_received(receiver, wanted)
            assert findings.clean, findings
            await asyncio.sleep(2.5)
            assert worker.metric("forwarder_gaps_found_total", topic=topic) == 0
            assert judge(receiver, wanted).clean


async def test_events_lost_by_retention_are_counted_and_told(kafka: RealKafka, tmp_path: Path) -> None:
    topic = await kafka.topics.create(partitions=1)
    async with Receiver() as receiver:
        hook = {"name": "siem", "url": receiver.url, "throttle": "50ms", "discardAfter": "never"}
        config = config_for(tmp_path, kafka, topic, [topic], [hook])
        async with forwarder(config):
            await kafka.topics.produce(topic, [event(n, 0) for n in range(10)], partition=0)
            assert (await until_received(receiver, list(range(10)))).clean
        await kafka.topics.produce(topic, [event(n, 0) for n in range(10, 500)], partition=0)
        await kafka.topics.delete_records(topic, {0: 300})
        async with forwarder(config, "again") as worker:
            findings = await until_received(receiver, [*range(10), *range(300, 500)])
            assert findings.clean, findings
            lost = worker.metric("forwarder_events_discarded_total", webhook="siem", reason="retention")
            assert lost == 290
            assert worker.logged("events lost by retention")
        told = [a.headers.get("forwarder-discarded") for a in receiver.arrivals]
        assert "retention=290" in told


async def test_what_expires_while_the_endpoint_is_down_is_recorded_in_the_ledger(
    kafka: RealKafka, tmp_path: Path
) -> None:
    topic = await kafka.topics.create(partitions=1)
    async with Receiver(behaviour=Dead()) as receiver:
        retry = {"base": "100ms", "cap": "300ms"}
        hook = {"name": "siem", "url": receiver.url, "throttle": "50ms", "discardAfter": "1s", "retry": retry}
        config = config_for(tmp_path, kafka, topic, [topic], [hook])
        async with forwarder(config) as worker:
            await kafka.topics.produce(topic, [event(n, 0) for n in range(50)], partition=0)
            await asyncio.to_thread(
                worker.wait_metric, "forwarder_events_discarded_total", lambda n: n == 50, 20.0, reason="expired"
            )
            await receiver.behave(Ok())
            await kafka.topics.produce(topic, [event(n, 0) for n in range(50, 60)], partition=0)
            findings = await until_received(receiver, list(range(50, 60)))
            assert findings.clean, findings
            first = next(a for a in receiver.arrivals if a.status == 200)
            assert first.headers["forwarder-discarded"] == "expired=50"
            entries = [json.loads(r.value or b"") for r in await kafka.topics.read_all(f"{topic}-ledger")]
            offsets = {o for e in entries for first, last in e["runs"] for o in range(first, last + 1)}
            assert offsets == set(range(50)) and {e["reason"] for e in entries} == {"expired"}


async def test_a_wrong_broker_address_is_said_within_seconds_and_again_at_intervals_only(tmp_path: Path) -> None:
    hook = {"name": "siem", "url": "https://example.invalid/"}
    nowhere = "127.0.0.1:9"
    config = write_config(tmp_path, brokers=nowhere, group="nobody", sources=["events"], webhooks=[hook])
    async with forwarder(config, ready=False) as worker:
        while not worker.logged("127.0.0.1:9"):
            await asyncio.sleep(0.1)
        await asyncio.sleep(3.0)
        status, body = worker.get("/readyz")
        assert status == 503 and "127.0.0.1:9" in body
        assert worker.get("/livez")[0] == 200
        assert len(worker.logs()) < 20
        assert await asyncio.to_thread(worker.terminate) == 0


async def test_kafka_going_away_and_coming_back_loses_nothing_and_says_so_in_few_lines(tmp_path: Path) -> None:
    kafka = RealKafka(tmp_path / "kafka")
    await asyncio.to_thread(kafka.start)
    try:
        topic = await kafka.topics.create(partitions=2)
        async with Receiver() as receiver:
            hook = {"name": "siem", "url": receiver.url, "throttle": "50ms", "discardAfter": "never"}
            config = config_for(tmp_path, kafka, topic, [topic], [hook])
            async with forwarder(config) as worker:
                await kafka.topics.produce(topic, [event(n, 0) for n in range(50)], partition=0)
                assert (await until_received(receiver, list(range(50)))).clean
                await asyncio.to_thread(kafka.stop)
                await asyncio.sleep(6.0)
                await asyncio.to_thread(kafka.start)
                await kafka.topics.produce(topic, [event(n, 0) for n in range(50, 100)], partition=0)
                findings = await until_received(receiver, list(range(100)))
                assert not findings.lost, findings
                assert len(worker.logs()) < 400
    finally:
        await asyncio.to_thread(kafka.stop)


async def test_a_reload_applies_a_changed_field_and_a_broken_file_changes_nothing(
    kafka: RealKafka, tmp_path: Path
) -> None:
    topic = await kafka.topics.create(partitions=1)
    async with Receiver() as old, Receiver() as new:
        hook = {"name": "siem", "url": old.url, "throttle": "50ms", "allowPlainHttp": True}
        config = config_for(tmp_path, kafka, topic, [topic], [hook])
        async with forwarder(config) as worker:
            await kafka.topics.produce(topic, [event(0, 0)], partition=0)
            assert (await until_received(old, [0])).clean
            good = yaml.safe_load(config.read_text())
            config.write_text(yaml.safe_dump({**good, "webhooks": [{**hook, "thrtle": 1}]}))
            await _logged(worker, "ConfigRefused")
            await kafka.topics.produce(topic, [event(1, 0)], partition=0)
            assert (await until_received(old, [0, 1])).clean
            config.write_text(yaml.safe_dump({**good, "webhooks": [{**hook, "url": new.url}]}))
            await _logged(worker, "ConfigReloaded")
            await kafka.topics.produce(topic, [event(2, 0)], partition=0)
            assert (await until_received(new, [2])).clean
            assert [data["n"] for data in accepted(old)] == [0, 1]


async def _logged(worker: ForwarderProcess, text: str) -> None:
    async with asyncio.timeout(20.0):
        while not worker.logged(text):
            await asyncio.sleep(0.1)


async def test_a_missing_topic_is_named_and_found_once_it_is_created(kafka: RealKafka, tmp_path: Path) -> None:
    topic = kafka.topics.unique()
    async with Receiver() as receiver:
        hook = {"name": "siem", "url": receiver.url, "throttle": "50ms"}
        config = config_for(tmp_path, kafka, topic, [{"topic": topic, "startAt": "earliest"}], [hook])
        async with forwarder(config, ready=False) as worker:
            await _logged(worker, f"topic {topic} does not exist")
            await kafka.topics.create(topic, 2)
            async with Stream(kafka, topic, 2, 100) as stream:
                await asyncio.to_thread(worker.wait_ready, 60.0)
                numbers = await stream.stop()
            assert (await until_received(receiver, numbers)).clean
