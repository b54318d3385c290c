"""What a test does to a Kafka cluster through ordinary clients: topics, records, transactions, offsets.

Every call makes its own short-lived client, so it works in any event loop and across restarts of the broker.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.errors import for_code

Header = tuple[str, bytes]


class Topics:
    """The cluster at `bootstrap` (`host:port`). Offsets are by partition number."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap

    @staticmethod
    def unique(prefix: str = "events") -> str:
        """A topic (or group) name that no other test has."""
        return f"{prefix}-{uuid.uuid4().hex[:10]}"

    # -- topics

    async def create(self, name: str = "", partitions: int = 1, configs: Mapping[str, str] | None = None) -> str:
        """The new topic's name (made up when empty), once all its partitions have a leader."""
        name = name or self.unique()
        async with self.admin() as admin:
            new = NewTopic(name, partitions, 1, topic_configs=dict(configs or {}))
            _check((await admin.create_topics([new])).topic_errors)
            await self._wait_for(admin, name, partitions)
        return name

    async def delete(self, name: str) -> None:
        """Deleted, and gone from the metadata (so that it can be created anew)."""
        async with self.admin() as admin:
            _check((await admin.delete_topics([name])).topic_error_codes)
            await self._wait_for(admin, name, 0)

    async def grow(self, name: str, partitions: int) -> None:
        """Raises the topic's partition count to `partitions`."""
        async with self.admin() as admin:
            _check((await admin.create_partitions({name: NewPartitions(partitions)})).topic_errors)
            await self._wait_for(admin, name, partitions)

    async def delete_records(self, name: str, before: Mapping[int, int]) -> None:
        """Moves the log's start as retention would: offsets below `before[partition]` are gone at once."""
        async with self.admin() as admin:
            await admin.delete_records({TopicPartition(name, p): RecordsToDelete(o) for p, o in before.items()})

    async def names(self) -> set[str]:
        async with self.admin() as admin:
            return set(await admin.list_topics())

    async def config(self, name: str) -> dict[str, str]:
        async with self.admin() as admin:
            responses = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
            entries = responses[0].to_object()["resources"][0]["config_entries"]
            return {entry["config_names"]: entry["config_value"] for entry in entries}

    # -- records

    async def produce(
        self, topic: str, values: Iterable[bytes | None], *, partition: int | None = None,
        keys: Sequence[bytes | None] | None = None, headers: Sequence[Header] = (), timestamp_ms: int | None = None,
    ) -> list[tuple[int, int]]:  # fmt: skip
        """`(partition, offset)` of each record, in the order of `values`. One key for each value, when given."""
        async with self.producer() as producer:
            futures = []
            for index, value in enumerate(values):
                key = keys[index] if keys is not None else None
                futures.append(
                    await producer.send(
                        topic, value, key=key, partition=partition, headers=list(headers), timestamp_ms=timestamp_ms
                    )
                )
            sent = await asyncio.gather(*futures)
        return [(record.partition, record.offset) for record in sent]

    async def produce_bulk(self, topic: str, partition: int, values: Iterable[bytes]) -> int:
        """Writes whole record batches, for load; the number of records written."""
        async with self.producer(max_batch_size=512 * 1024) as producer:
            batch, count, waiting = producer.create_batch(), 0, set()
            for value in values:
                if batch.append(key=None, value=value, timestamp=None) is None:
                    waiting.add(await producer.send_batch(batch, topic, partition=partition))
                    batch = producer.create_batch()
                    batch.append(key=None, value=value, timestamp=None)
                count += 1
            waiting.add(await producer.send_batch(batch, topic, partition=partition))
            await asyncio.gather(*waiting)
        return count

    async def transact(
        self, topic: str, transactions: Iterable[tuple[Sequence[bytes], bool]], *, partition: int = 0
    ) -> list[int]:
        """One transaction per `(values, commit)`; each also leaves a marker in the log. The offsets of committed values."""
        committed: list[int] = []
        async with self.producer(transactional_id=self.unique("tx")) as producer:
            for values, commit in transactions:
                await producer.begin_transaction()
                # one by one: an abort drops what was not sent yet, and aborted records have to be in the log
                sent = [await producer.send_and_wait(topic, value, partition=partition) for value in values]
                if commit:
                    await producer.commit_transaction()
                    committed += [record.offset for record in sent]
                else:
                    await producer.abort_transaction()
        return committed

    async def read_all(
        self, topic: str, *, committed: bool = True, timeout: float = 30.0
    ) -> list[ConsumerRecord[bytes | None, bytes | None]]:
        """Every record there is now, by partition and offset. Raises TimeoutError."""
        async with asyncio.timeout(timeout), self.consumer(committed=committed) as consumer:
            ends = await self._ends(consumer, topic)
            starts = await consumer.beginning_offsets(list(ends))
            consumer.assign(list(ends))
            for tp, start in starts.items():
                consumer.seek(tp, start)
            records: list[ConsumerRecord[bytes | None, bytes | None]] = []
            while [tp for tp, end in ends.items() if await consumer.position(tp) < end]:
                for got in (await consumer.getmany(timeout_ms=200)).values():
                    records += got
        return sorted(records, key=lambda r: (r.partition, r.offset))

    async def read_until(
        self, topic: str, count: int, *, committed: bool = True, timeout: float = 30.0
    ) -> list[ConsumerRecord[bytes | None, bytes | None]]:
        """As `read_all`, as soon as the topic holds `count` records. Raises TimeoutError that says how many came."""
        deadline = time.monotonic() + timeout
        while True:
            records = await self.read_all(topic, committed=committed, timeout=timeout)
            if len(records) >= count:
                return records
            if time.monotonic() > deadline:
                raise TimeoutError(f"{topic} holds {len(records)} of {count} records after {timeout:g} s")
            await asyncio.sleep(0.1)

    # -- offsets

    async def end_offsets(self, topic: str, *, committed: bool = True) -> dict[int, int]:
        """The last stable offset (`committed`) or the high watermark."""
        async with self.consumer(committed=committed) as consumer:
            return {tp.partition: end for tp, end in (await self._ends(consumer, topic)).items()}

    async def start_offsets(self, topic: str) -> dict[int, int]:
        async with self.consumer(committed=True) as consumer:
            found = await consumer.beginning_offsets(list(await self._ends(consumer, topic)))
            return {tp.partition: start for tp, start in found.items()}

    async def group_offsets(self, group: str) -> dict[tuple[str, int], int]:
        """The offsets that the group has committed, by `(topic, partition)`."""
        async with self.admin() as admin:
            found = await admin.list_consumer_group_offsets(group)
            return {(tp.topic, tp.partition): meta.offset for tp, meta in found.items() if meta.offset >= 0}

    async def group_members(self, group: str) -> int:
        """How many members the group has; 0 also when there is no such group."""
        async with self.admin() as admin:
            described = (await admin.describe_consumer_groups([group]))[0].to_object()["groups"][0]
            return len(described["members"])

    # -- clients

    @asynccontextmanager
    async def admin(self) -> AsyncIterator[AIOKafkaAdminClient]:
        client = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap, request_timeout_ms=15_000)
        try:
            await client.start()
            yield client
        finally:
            await client.close()

    @asynccontextmanager
    async def producer(self, **options: Any) -> AsyncIterator[AIOKafkaProducer]:
        options = {"acks": "all", "linger_ms": 2, "request_timeout_ms": 15_000} | options
        client = AIOKafkaProducer(bootstrap_servers=self.bootstrap, **options)
        try:
            await client.start()
            yield client
        finally:
            await client.stop()

    @asynccontextmanager
    async def consumer(self, *, committed: bool, **options: Any) -> AsyncIterator[AIOKafkaConsumer]:
        options = {"isolation_level": "read_committed" if committed else "read_uncommitted"} | options
        options = {"enable_auto_commit": False, "auto_offset_reset": "earliest"} | options
        client = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, **options)
        try:
            await client.start()
            yield client
        finally:
            await client.stop()

    async def _ends(self, consumer: AIOKafkaConsumer, topic: str) -> dict[TopicPartition, int]:
        async with self.admin() as admin:
            partitions = [p["partition"] for p in (await admin.describe_topics([topic]))[0]["partitions"]]
        assert partitions, f"there is no topic {topic}"
        found: dict[TopicPartition, int] = await consumer.end_offsets([TopicPartition(topic, p) for p in partitions])
        return found

    async def _wait_for(self, admin: AIOKafkaAdminClient, name: str, partitions: int) -> None:
        """Until the metadata shows `partitions` partitions with a leader; 0 waits until the topic is gone."""
        async with asyncio.timeout(20.0):
            while True:
                known = [t for t in await admin.describe_topics() if t["topic"] == name]
                led = [p for topic in known for p in topic["partitions"] if p["leader"] >= 0]
                if len(led) == partitions and (partitions or not known):
                    return
                await asyncio.sleep(0.02)


def _check(errors: Iterable[Sequence[Any]]) -> None:
    """Raises the first error of an admin answer: `(topic, code, ...)` per topic."""
    for topic, code, *_ in errors:
        if code:
            raise for_code(code)(topic)
