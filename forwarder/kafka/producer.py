"""Writes records that are not checkpoints: dead letters, ledger entries. One producer per topic, started when it is first needed.

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
from forwarder.kafka.private.producing import GivenUp, give_up
from forwarder.kafka.remedies import remedy
from forwarder.model.event import Headers
from forwarder.settings.kafka import Kafka

ANSWER_SECONDS = 10.0
MAX_REQUEST_BYTES = 96 * 1024 * 1024
"""Whether a record is too large is for the topic to say (`max.message.bytes`, which counts after compression). A broker takes
no request of more than 100 MiB (`socket.request.max.bytes`) unless told so."""

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
    """Not acknowledged; `text` says why, and what an operator can do. Trying again may write it twice, never lose it.

    `collateral`: nothing was wrong with it, another record to the same topic failed.
    """

    text: str
    collateral: bool = False


class RecordProducer:
    """`acks=all`, in order, and without duplicates from its own retries where the broker can do that. Lives through outages.

    A topic that refuses hinders no other topic, and one record that is refused no other record for long.
    """

    def __init__(self, kafka: Kafka, *, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._kafka = kafka
        self._answer_seconds = answer_seconds
        self._topics: dict[str, _TopicProducer] = {}

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
        if topic not in self._topics:
            self._topics[topic] = _TopicProducer(self._kafka, topic, self._answer_seconds)
        return await self._topics[topic].produce(record)

    async def close(self) -> None:
        """Disconnect; what is not acknowledged by then has failed."""
        topics, self._topics = list(self._topics.values()), {}
        await asyncio.gather(*(topic.close() for topic in topics))


class _TopicProducer:
    """One topic. A producer that an answer is overdue from, or that had a record refused, is replaced: it would retry without
    end what nobody waits for any more, and its sequence numbers have a hole that makes the broker refuse all that follows."""

    def __init__(self, kafka: Kafka, topic: str, answer_seconds: float) -> None:
        self._kafka = kafka
        self._topic = topic
        self._answer_seconds = answer_seconds
        self._producer: Any = None
        self._idempotent = True
        self._starting = asyncio.Lock()
        self._leaving: set[asyncio.Task[None]] = set()

    async def produce(self, record: dict[str, Any]) -> Produced | ProduceFailed:
        sending = asyncio.ensure_future(self._send(record))
        try:
            done, _ = await asyncio.wait({sending}, timeout=self._answer_seconds)
        except asyncio.CancelledError:
            sending.cancel()
            raise
        if done:
            return sending.result()
        used = self._producer
        sending.cancel()
        self._replace(used)
        return ProduceFailed(f"no answer from Kafka within {self._answer_seconds:.0f} s; {remedy(None, self._topic)}")

    async def close(self) -> None:
        async with self._starting:
            self._replace(self._producer)
        if self._leaving:
            await asyncio.wait(self._leaving)

    async def _send(self, record: dict[str, Any]) -> Produced | ProduceFailed:
        producer: Any = None
        try:
            producer = await self._started()
            acknowledged = await producer.send(self._topic, **record)
        except _NO_PRODUCER_IDS as error:
            if not self._idempotent:
                return self._failed(error)
            self._idempotent = False
            return await self._send(record)
        except KafkaError as error:
            if producer is not None and producer._sender.sender_task.done():
                self._replace(producer)
            return self._failed(error)
        try:
            where = await acknowledged
        except KafkaError as error:
            self._replace(producer)
            return self._failed(error)
        return Produced(where.topic, where.partition, where.offset)

    def _failed(self, error: KafkaError) -> ProduceFailed:
        text = f"{type(error).__name__}: {error}"
        return ProduceFailed(f"{text}; {remedy(error, self._topic)}", isinstance(error, GivenUp))

    async def _started(self) -> Any:
        async with self._starting:
            if self._producer is None:
                producer = self._new()
                try:
                    await producer.start()
                except BaseException:
                    with suppress(KafkaError):
                        await producer.stop()
                    raise
                self._producer = producer
            return self._producer

    def _replace(self, producer: Any) -> None:
        """The next record gets another one. Does nothing when somebody else has replaced it already."""
        if producer is None or producer is not self._producer:
            return
        self._producer = None
        task = asyncio.get_running_loop().create_task(give_up(producer))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    def _new(self) -> Any:
        return AIOKafkaProducer(
            **client_options(self._kafka),
            acks="all",
            enable_idempotence=self._idempotent,
            compression_type="zstd",
            max_request_size=MAX_REQUEST_BYTES,
            request_timeout_ms=int(self._answer_seconds * 800),
        )
