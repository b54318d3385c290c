"""Asks Kafka anew, with a connection of its own, where logs end: for whoever suspects that the shared read says nothing any more.

Nothing is kept open between two questions.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from forwarder.kafka.offsets import Offsets
from forwarder.kafka.private.closing import stop_consumer
from forwarder.kafka.reader import Unavailable, open_consumer
from forwarder.model.event import TP
from forwarder.settings.kafka import Kafka

ANSWER_SECONDS = 5.0
_BYTES = 1024
_MOST = 20
"""Partitions looked at closely per question: one that is stuck is enough, and each costs a fetch."""


class Ends:
    """One per worker; one question at a time."""

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka

    async def beyond(self, positions: Mapping[TP, int]) -> Mapping[TP, int] | None:
        """The end of each of these logs that holds something readable from its position on; None when Kafka does not answer."""
        named = await self._named(positions)
        if named is None:
            return None
        longer = [tp for tp, end in named.items() if end > positions[tp]][:_MOST]
        if not longer:
            return {}
        offsets = Offsets(self._kafka, request_timeout=ANSWER_SECONDS)
        if await offsets.open() is not None:
            return None
        try:
            found = {tp: await offsets.stable_end(tp) for tp in longer}
        finally:
            await offsets.close()
        return {tp: end for tp, end in found.items() if not isinstance(end, Unavailable) and end > positions[tp]}

    async def _named(self, positions: Mapping[TP, int]) -> dict[TP, int] | None:
        """What the brokers call the end: it may count what no reader gets, such as an open transaction."""
        consumer = open_consumer(self._kafka, _BYTES, ANSWER_SECONDS)
        try:
            async with asyncio.timeout(2 * ANSWER_SECONDS):
                await consumer.start()
                found = await consumer.end_offsets([TopicPartition(*tp) for tp in positions])
        except (KafkaError, TimeoutError):
            return None
        finally:
            await stop_consumer(consumer)
        return {TP(key.topic, key.partition): end for key, end in found.items()}
