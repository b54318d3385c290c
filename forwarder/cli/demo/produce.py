"""Produces the demo's events at a steady rate and notes where the broker put them. Knows nothing of receivers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from forwarder.cli.demo.events import make
from forwarder.cli.demo.record import Ledger
from forwarder.cli.demo.vendors import Place
from forwarder.clock import Clock
from forwarder.errors import ForwarderError
from forwarder.kafka.producer import Produced, RecordProducer
from forwarder.kafka.topics import CHECKPOINT_CONFIG, admin_client, checkpoint_topic, create_topic
from forwarder.settings.kafka import Kafka

_TICK_SECONDS = 0.05


async def create_topics(kafka: Kafka, topics: Mapping[str, int]) -> None:
    """Make the source topics (name -> partitions) and Forwarder's checkpoint topics.

    Forwarder makes its topics itself, but the embedded broker makes any topic that is only asked about, with 4 partitions.
    """
    async with admin_client(kafka) as client:
        for name, partitions in topics.items():
            await create_topic(client, name, partitions, {}, None)
            await create_topic(client, checkpoint_topic(kafka.group, name), partitions, CHECKPOINT_CONFIG, None)


class Factory:
    """`rate` is in events per second, all producers together."""

    def __init__(self, kafka: Kafka, rate: float, ledger: Ledger, clock: Clock) -> None:
        self._producer = RecordProducer(kafka)
        self._rate = rate
        self._ledger = ledger
        self._clock = clock
        self._made = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Produce until `stop`. Every event has its answer when this returns. Raises ForwarderError when the broker fails."""
        await self._one(0)  # alone: with it the producer finds out what this broker cannot do
        self._made = 1
        started = self._clock.monotonic()
        while not stop.is_set():
            due = max(0, int((self._clock.monotonic() - started) * self._rate) - self._made)
            await asyncio.gather(*(self._one(self._made + index) for index in range(due)))
            self._made += due
            await self._clock.sleep(_TICK_SECONDS)

    async def close(self) -> None:
        """Disconnect."""
        await self._producer.close()

    async def _one(self, number: int) -> None:
        now = self._clock.wall()
        made = make(number, now)
        answer = await self._producer.produce(made.topic, made.key, made.value, (), int(now * 1000))
        if not isinstance(answer, Produced):
            raise ForwarderError(f"the embedded broker took no event: {answer.text}")
        self._ledger.acknowledged(made, Place(answer.topic, answer.partition, answer.offset))
