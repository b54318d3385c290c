"""How many workers of the group own partitions: what limits are divided by. Asks Kafka (DescribeGroups) on its own connection."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import KafkaError

from forwarder.errors import StartupError
from forwarder.kafka.topics import admin_client
from forwarder.settings.kafka import Kafka

ANSWER_SECONDS = 5.0
_STABLE = "Stable"


class Members:
    """One per worker; nothing is kept open between two questions."""

    def __init__(self, kafka: Kafka, topics: Iterable[str]) -> None:
        self._kafka = kafka
        self._topics = frozenset(topics)

    async def count(self) -> int | None:
        """Members that own a partition of the source topics. None: no answer, or the group is rebalancing."""
        try:
            async with (
                asyncio.timeout(ANSWER_SECONDS),
                admin_client(self._kafka, request_timeout=ANSWER_SECONDS) as client,
            ):
                answers = await client.describe_consumer_groups([self._kafka.group])
        except (KafkaError, StartupError, OSError, TimeoutError):
            return None
        return owners(answers[0].groups[0], self._topics)


def owners(group: Any, topics: frozenset[str]) -> int | None:
    """The owners in one group of a DescribeGroups response (Kafka protocol, key 15); None unless the group is at rest."""
    error, _name, state, _type, _protocol, members, *_ = group
    if error or state != _STABLE:
        return None
    return sum(_owns(member[-1], topics) for member in members)


def _owns(assignment: bytes, topics: frozenset[str]) -> bool:
    if not assignment:
        return False
    decoded: Any = ConsumerProtocolMemberAssignment.decode(assignment)
    return any(partitions for topic, partitions in decoded.assignment if topic in topics)
