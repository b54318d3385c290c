"""The harness itself, against the real broker: what the other tests build on has to hold."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.kafka import ROOT, KafkaUnavailable, RealKafka, java_command

pytestmark = pytest.mark.kafka


async def test_records_come_back_with_keys_headers_and_offsets(kafka: RealKafka) -> None:
    topic = await kafka.topics.create(partitions=3)
    placed = await kafka.topics.produce(
        topic, [b"a", None, b"c"], partition=2, keys=[b"k", b"n", None], headers=[("h", b"1")], timestamp_ms=1_000
    )
    assert placed == [(2, 0), (2, 1), (2, 2)]
    records = await kafka.topics.read_all(topic)
    assert [(r.partition, r.offset, r.key, r.value) for r in records] == [
        (2, 0, b"k", b"a"),
        (2, 1, b"n", None),
        (2, 2, None, b"c"),
    ]
    assert records[0].headers == (("h", b"1"),)
    assert records[0].timestamp == 1_000
    assert await kafka.topics.end_offsets(topic) == {0: 0, 1: 0, 2: 3}


async def test_an_aborted_transaction_is_in_the_log_but_not_read_as_committed(kafka: RealKafka) -> None:
    topic = await kafka.topics.create()
    committed = await kafka.topics.transact(topic, [([b"a", b"b"], True), ([b"x"], False), ([b"c"], True)])
    assert committed == [0, 1, 5]
    assert [r.value for r in await kafka.topics.read_all(topic)] == [b"a", b"b", b"c"]
    assert [r.value for r in await kafka.topics.read_all(topic, committed=False)] == [b"a", b"b", b"x", b"c"]
    assert await kafka.topics.end_offsets(topic) == {0: 7}


async def test_bulk_records_are_all_there_in_order(kafka: RealKafka) -> None:
    topic = await kafka.topics.create()
    values = [b"%06d" % n + b"." * 494 for n in range(5_000)]
    assert await kafka.topics.produce_bulk(topic, 0, values) == 5_000
    assert [r.value for r in await kafka.topics.read_until(topic, 5_000)] == values


async def test_deleted_records_move_the_start(kafka: RealKafka) -> None:
    topic = await kafka.topics.create()
    await kafka.topics.produce(topic, [b"1", b"2", b"3"])
    await kafka.topics.delete_records(topic, {0: 2})
    assert await kafka.topics.start_offsets(topic) == {0: 2}
    assert [r.value for r in await kafka.topics.read_all(topic)] == [b"3"]


async def test_a_topic_grows_is_deleted_and_starts_anew(kafka: RealKafka) -> None:
    topic = await kafka.topics.create(configs={"retention.ms": "1000"})
    assert (await kafka.topics.config(topic))["retention.ms"] == "1000"
    await kafka.topics.grow(topic, 2)
    await kafka.topics.produce(topic, [b"1"], partition=1)
    await kafka.topics.delete(topic)
    assert topic not in await kafka.topics.names()
    await kafka.topics.create(topic, 2)
    assert await kafka.topics.end_offsets(topic) == {0: 0, 1: 0}


async def test_committed_group_offsets_are_seen(kafka: RealKafka) -> None:
    topic = await kafka.topics.create()
    group = kafka.topics.unique("group")
    await kafka.topics.produce(topic, [b"1", b"2"])
    async with kafka.topics.consumer(committed=True, group_id=group) as consumer:
        consumer.subscribe([topic])
        await consumer.getone()
        assert await kafka.topics.group_members(group) == 1
        await consumer.commit()
    assert await kafka.topics.group_offsets(group) == {(topic, 0): 1}
    assert await kafka.topics.group_members(group) == 0


async def test_a_killed_broker_comes_back_with_its_records_on_the_same_port(tmp_path: Path) -> None:
    broker = RealKafka(tmp_path, heap="384m")
    try:
        await asyncio.to_thread(broker.start)
        address = broker.bootstrap
        topic = await broker.topics.create()
        await broker.topics.produce(topic, [b"kept"])
        broker.kill()
        assert not broker.process.alive
        await asyncio.to_thread(broker.start)
        assert broker.bootstrap == address
        assert [r.value for r in await broker.topics.read_all(topic)] == [b"kept"]
        broker.pause()
        with pytest.raises(TimeoutError):
            await broker.topics.read_all(topic, timeout=1.0)
        broker.resume()
        assert [r.value for r in await broker.topics.read_all(topic)] == [b"kept"]
        await asyncio.to_thread(broker.stop)
        assert broker.process.exit_code in (0, 143)
    finally:
        broker.kill()


def test_a_broker_that_cannot_start_shows_its_log(tmp_path: Path) -> None:
    broker = RealKafka(tmp_path, overrides={"log.retention.check.interval.ms": "soon"})
    with pytest.raises(AssertionError, match=r"log\.retention\.check\.interval\.ms"):
        broker.start()


def test_the_broker_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    script = (
        "import sys, os, signal; from pathlib import Path; from tests.support.process import Child;"
        "c = Child('sleeper', ['sleep', '60'], Path(sys.argv[1])); c.start(); print(c.pid, flush=True);"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "log")]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=30, check=False)
    pid = int(done.stdout)
    deadline = time.monotonic() + 20
    while _runs(pid):
        assert time.monotonic() < deadline, f"process {pid} outlived its starter"
        time.sleep(0.02)


def test_missing_java_is_a_failure_with_the_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TESTS_KAFKA_LIBS", str(tmp_path))
    with pytest.raises(KafkaUnavailable, match="no Kafka jars in"):
        java_command()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(KafkaUnavailable, match="Java 17"):
        java_command()


def _runs(pid: int) -> bool:
    """False also for a zombie: it is dead, only nobody asked yet."""
    try:
        os.kill(pid, 0)
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (ProcessLookupError, FileNotFoundError):
        return False
