"""Writes records that are not checkpoints: dead letters. One producer, started when it is first needed.

Every answer is a type and comes within a bound; a record without an answer may still have been written.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from forwarder.kafka.connection import client_options
from forwarder.kafka.topics import MAX_RECORD_BYTES
from forwarder.model.event import Headers
from forwarder.settings.process import Kafka

ANSWER_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Produced:
    """The broker has it, at this place."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class ProduceFailed:
    """Not acknowledged; `text` says why. Trying again may write it twice, never lose it."""

    text: str


class RecordProducer:
    """`acks=all`, in order, without duplicates from its own retries. Lives through broker outages.

    `idempotent=False` is for brokers that do not know InitProducerId (the demo's): a lost answer may then write a record twice.
    """

    def __init__(self, kafka: Kafka, *, answer_seconds: float = ANSWER_SECONDS, idempotent: bool = True) -> None:
        self._kafka = kafka
        self._idempotent = idempotent
        self._answer_seconds = answer_seconds
        self._producer: Any = None
        self._starting = asyncio.Lock()

    async def produce(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Headers, timestamp_ms: int | None = None
    ) -> Produced | ProduceFailed:
        """Write one record and wait for the acknowledgement, at most `answer_seconds`.

        A record with neither key nor value gets an empty key: the client library writes no other.
        """
        sending = asyncio.ensure_future(self._send(topic, key, value, headers, timestamp_ms))
        done, _ = await asyncio.wait({sending}, timeout=self._answer_seconds)
        if not done:
            sending.cancel()
            return ProduceFailed(f"no answer from Kafka within {self._answer_seconds:.0f} s")
        return sending.result()

    async def close(self) -> None:
        """Disconnect; what is not acknowledged by then has failed."""
        async with self._starting:
            producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()

    async def _send(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Headers, timestamp_ms: int | None
    ) -> Produced | ProduceFailed:
        try:
            producer = await self._started()
            where = await producer.send_and_wait(
                topic,
                value,
                key=b"" if key is None and value is None else key,
                headers=list(headers),
                timestamp_ms=timestamp_ms,
            )
        except KafkaError as error:
            return ProduceFailed(f"{type(error).__name__}: {error}")
        return Produced(where.topic, where.partition, where.offset)

    async def _started(self) -> Any:
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    **client_options(self._kafka),
                    acks="all",
                    enable_idempotence=self._idempotent,
                    compression_type="zstd",
                    max_request_size=MAX_RECORD_BYTES,
                    request_timeout_ms=int(self._answer_seconds * 1000),
                )
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            return self._producer
