"""Writes records that are not checkpoints: dead letters. One producer, started when it is first needed.

Every answer is a type and comes within a bound; a record without an answer may still have been written.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import ClusterAuthorizationFailedError, KafkaError, UnknownError, UnsupportedVersionError

from forwarder.kafka.connection import client_options
from forwarder.kafka.topics import MAX_RECORD_BYTES
from forwarder.model.event import Headers
from forwarder.settings.process import Kafka

ANSWER_SECONDS = 10.0
_NO_PRODUCER_IDS = (UnknownError, UnsupportedVersionError, ClusterAuthorizationFailedError)
"""What a broker answers that hands out no producer ids, or not to this login."""


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
    """`acks=all`, in order, and without duplicates from its own retries where the broker can do that. Lives through outages."""

    def __init__(self, kafka: Kafka, *, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._kafka = kafka
        self._answer_seconds = answer_seconds
        self._producer: Any = None
        self._idempotent = True
        self._starting = asyncio.Lock()

    async def produce(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Headers, timestamp_ms: int | None = None
    ) -> Produced | ProduceFailed:
        """Write one record and wait for the acknowledgement, at most `answer_seconds`.

        A record with neither key nor value gets an empty key: the client library writes no other.
        """
        record = {
            "value": value,
            "key": b"" if key is None and value is None else key,
            "headers": list(headers),
            "timestamp_ms": timestamp_ms,
        }
        sending = asyncio.ensure_future(self._send(topic, record))
        done, _ = await asyncio.wait({sending}, timeout=self._answer_seconds)
        if not done:
            sending.cancel()
            return ProduceFailed(f"no answer from Kafka within {self._answer_seconds:.0f} s")
        return sending.result()

    async def close(self) -> None:
        """Disconnect; what is not acknowledged by then has failed."""
        async with self._starting:
            await self._stop()

    async def _send(self, topic: str, record: dict[str, Any]) -> Produced | ProduceFailed:
        try:
            where = await (await self._started()).send_and_wait(topic, **record)
        except _NO_PRODUCER_IDS as error:
            if not self._idempotent:
                return ProduceFailed(f"{type(error).__name__}: {error}")
            await self._go_on_without_producer_id()
            return await self._send(topic, record)
        except KafkaError as error:
            return ProduceFailed(f"{type(error).__name__}: {error}")
        return Produced(where.topic, where.partition, where.offset)

    async def _go_on_without_producer_id(self) -> None:
        async with self._starting:
            self._idempotent = False
            await self._stop()

    async def _started(self) -> Any:
        async with self._starting:
            if self._producer is None:
                producer = self._new()
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            return self._producer

    async def _stop(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(KafkaError):
                await producer.stop()

    def _new(self) -> Any:
        return AIOKafkaProducer(
            **client_options(self._kafka),
            acks="all",
            enable_idempotence=self._idempotent,
            compression_type="zstd",
            max_request_size=MAX_RECORD_BYTES,
            request_timeout_ms=int(self._answer_seconds * 1000),
        )
