"""The topics that Forwarder owns: checkpoint and dead-letter topics. Makes them, grows them, sets what recovery needs.

Never touches a source topic.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from forwarder.kafka.connection import client_options
from forwarder.settings.kafka import Kafka

MAX_RECORD_BYTES = 8 * 1024 * 1024
NAME_LIMIT = 249
"""Characters of a topic's name (Kafka's own limit)."""
_BROKER_DEFAULT = -1
_SET_ON_TOPIC = 1

CHECKPOINT_CONFIG: Mapping[str, str] = {
    "cleanup.policy": "compact",
    "segment.ms": "600000",
    "segment.bytes": "16777216",
    "min.cleanable.dirty.ratio": "0.05",
    "max.message.bytes": str(MAX_RECORD_BYTES),
}
"""Kafka compacts all but the active segment: small segments keep the table's recovery to a second or two."""

DEAD_LETTER_CONFIG: Mapping[str, str] = {
    "cleanup.policy": "delete",
    "message.timestamp.type": "LogAppendTime",
    "max.message.bytes": str(MAX_RECORD_BYTES),
}
"""Retention counts from when the letter was written: with an old event's own time it would be deleted at once."""


LETTER_ROOM_BYTES = 64 * 1024
"""A dead letter is its record and our headers: it must fit where the largest record of its source fits."""


@dataclass(frozen=True, slots=True)
class ResolvedSource:
    """A source topic that exists, and how many partitions it and its checkpoint topic have.

    `appeared` are partitions that were added after the group had begun to read the topic: nothing in them is old.
    """

    topic: str
    partitions: int
    appeared: frozenset[int] = frozenset()


def ledger_topic(group: str) -> str:
    """Where the offset ranges of discarded events are written."""
    return f"{group}-ledger"


def checkpoint_topic(group: str, source: str) -> str:
    """The changelog topic of the checkpoint table of one source topic (Faust's naming)."""
    return f"{group}-checkpoint-{source}-changelog"


@asynccontextmanager
async def admin_client(kafka: Kafka, *, request_timeout: float = 10.0) -> AsyncIterator[Any]:
    """A started admin client, closed afterwards. `request_timeout` in seconds. Raises aiokafka's KafkaError."""
    client = AIOKafkaAdminClient(**client_options(kafka), request_timeout_ms=int(request_timeout * 1000))
    try:
        await client.start()
        yield client
    finally:
        await client.close()


async def create_topic(
    client: Any, name: str, partitions: int, config: Mapping[str, str], replication_factor: int | None
) -> bool:
    """Create a topic; it is fine if somebody else did (False). Raises aiokafka's KafkaError."""
    replicas = replication_factor or _BROKER_DEFAULT
    assignments: dict[int, list[int]] | None = {} if replicas == _BROKER_DEFAULT else None
    response = await client.create_topics([NewTopic(name, partitions, replicas, assignments, dict(config))])
    for _, code, *text in response.topic_errors:
        error: type[KafkaError] = for_code(code)
        if code and error is not TopicAlreadyExistsError:
            raise error(f"cannot create topic {name}: {text[0] if text else ''}")
    return not any(code for _, code, *_ in response.topic_errors)


async def grow_topic(client: Any, name: str, partitions: int) -> None:
    """Raise a topic's number of partitions. Raises aiokafka's KafkaError."""
    await client.create_partitions({name: NewPartitions(total_count=partitions)})


@dataclass(frozen=True, slots=True)
class TopicConfig:
    """A topic's settings: all that are in force, and those set on the topic itself."""

    in_force: Mapping[str, str]
    own: Mapping[str, str]

    def lacks(self, config: Mapping[str, str]) -> bool:
        """True unless all of `config` is in force."""
        return any(self.in_force.get(key) != value for key, value in config.items())


async def read_config(client: Any, name: str) -> TopicConfig:
    """A topic's settings. Raises aiokafka's KafkaError."""
    responses = await client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
    code, text, _, _, entries = responses[0].resources[0]
    if code:
        raise for_code(code)(f"cannot read the settings of topic {name}: {text}")
    in_force = {entry[0]: entry[1] for entry in entries if entry[1] is not None}
    return TopicConfig(in_force, {e[0]: e[1] for e in entries if e[3] == _SET_ON_TOPIC and e[1] is not None})


async def alter_config(client: Any, name: str, config: Mapping[str, str]) -> None:
    """Replace all settings of the topic's own (that is how AlterConfigs works). Raises aiokafka's KafkaError."""
    responses = await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, dict(config))])
    for code, text, *_ in responses[0].resources:
        if code:
            raise for_code(code)(f"cannot change the settings of topic {name}: {text}")


async def largest_record(client: Any, name: str) -> int:
    """The topic's `max.message.bytes`; 0 where it cannot be found out."""
    try:
        return int((await read_config(client, name)).in_force.get("max.message.bytes", 0))
    except (KafkaError, OSError, TimeoutError):
        return 0


async def letter_config(client: Any, source: str) -> Mapping[str, str]:
    """DEAD_LETTER_CONFIG with room for the largest record of `source`."""
    wanted = await largest_record(client, source) + LETTER_ROOM_BYTES if source else 0
    return {**DEAD_LETTER_CONFIG, "max.message.bytes": str(max(MAX_RECORD_BYTES, wanted))}


async def too_small_for_letters(client: Any, name: str, source: str) -> str:
    """A warning about a dead-letter topic that somebody else has made; "" when it is large enough, or nobody knows."""
    if not source:
        return ""
    has, needs = await largest_record(client, name), await largest_record(client, source) + LETTER_ROOM_BYTES
    if not has or has >= needs:
        return ""
    return (
        f"topic {name} takes records up to {has} bytes, {source} has up to {needs - LETTER_ROOM_BYTES}: dead letters that do not "
        f"fit would stop their webhook; raise its max.message.bytes to {needs} or more"
    )
