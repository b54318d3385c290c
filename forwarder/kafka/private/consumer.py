"""Faust's consumer and producer, mended: isolation and fetch settings, an exact seek, pauses that lose nothing.

Every override names its reason. Decides nothing about events.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from typing import Any

from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Producer, Transport
from faust.transport.utils import DefaultSchedulingStrategy
from faust.types import TP as FaustTP
from faust.types import ConsumerMessage

from forwarder.kafka.private.closing import stop_consumer
from forwarder.kafka.private.positions import Positions
from forwarder.kafka.records import Chunk


class ChunkScheduler(DefaultSchedulingStrategy):  # type: ignore[misc]
    """Hands a source partition's records over as one chunk; every other topic keeps Faust's round robin."""

    def __init__(self, positions: Positions) -> None:
        self.positions = positions

    def iterate(self, records: Mapping[Any, list[Any]]) -> Iterator[tuple[Any, Any]]:
        rest = {}
        for tp, messages in records.items():
            if not isinstance(messages, Chunk):
                rest[tp] = messages
            elif self.positions.fresh(messages):
                yield tp, messages
        yield from super().iterate(rest)


class MendedThread(AIOKafkaConsumerThread):  # type: ignore[misc]
    """The consumer's thread: Faust offers no setting for isolation and for how long a fetch waits."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._asking: set[asyncio.Task[Any]] = set()

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        options = self.app.fetch_options
        consumer._isolation_level = options.isolation
        consumer._fetch_min_bytes = options.min_bytes
        consumer._fetch_max_wait_ms = options.max_wait_ms
        consumer._max_partition_fetch_bytes = options.partition_bytes
        self.app.positions.attach(consumer)
        return consumer

    async def on_start(self) -> None:
        """The coordinator exists from here on, and joins nothing before Faust subscribes."""
        await super().on_start()
        if self.app.place is not None:
            self.app.place.guard(self._consumer._coordinator)

    async def on_thread_stop(self) -> None:
        """Faust's thread would die of the stray cancellation, and the stop would wait for it for a minute."""
        for task in self._asking:
            task.cancel()
        await super(AIOKafkaConsumerThread, self).on_thread_stop()
        if self._consumer is not None:
            await stop_consumer(self._consumer)

    async def ask(self, question: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """Run in the thread, beside the queue of Faust's own calls: two that wait for a broker there stop the fetching."""
        if self.thread_loop.is_closed():
            raise RuntimeError("the consumer's thread has ended")
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._note(question), self.thread_loop))

    async def _note(self, question: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        task = asyncio.current_task()
        assert task is not None
        self._asking.add(task)
        try:
            return await question()
        finally:
            self._asking.discard(task)

    async def commit_with_notes(self, offsets: Mapping[Any, tuple[int, str]]) -> bool:
        """Runs in the thread. False: the group has moved on. Faust's own commits no text beside the offset."""
        noted = {TopicPartition(*tp): OffsetAndMetadata(*value) for tp, value in offsets.items()}
        try:
            await self._ensure_consumer().commit(noted)
        except (CommitFailedError, IllegalStateError):
            return False
        return True

    async def committed_with_notes(self, tps: Iterable[Any]) -> dict[Any, Any]:
        """Runs in the thread. What the group has committed with the text beside it, which aiokafka's `committed` drops."""
        keys = [TopicPartition(*tp) for tp in tps]
        found: dict[Any, Any] = await self._ensure_consumer()._coordinator.fetch_committed_offsets(keys)
        return found

    async def _fetch_records(self, *args: Any, **kwargs: Any) -> Any:
        """Each round takes so many bytes from all partitions together; what is left waits where it is, compressed."""
        self.app.positions.room = self.app.fetch_options.round_bytes
        return await super()._fetch_records(*args, **kwargs)

    async def seek_exactly(self, offsets: Mapping[Any, int]) -> None:
        """Runs in the thread. What was fetched before the seek is told apart by its number, and dropped."""
        consumer = self._ensure_consumer()
        self.app.positions.sought()
        for tp, offset in offsets.items():
            if consumer._subscription.is_assigned(tp):
                consumer._fetcher.seek_to(tp, offset)


class MendedConsumer(Consumer):  # type: ignore[misc]
    """The consumer in the main loop."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._held: set[Any] = set()
        super().__init__(*args, **kwargs)

    def _new_consumer_thread(self) -> MendedThread:
        return MendedThread(self, loop=self.loop, beacon=self.beacon)

    async def perform_seek(self) -> None:
        """To where the handler said, else to the committed offset, else to the beginning.

        Faust seeks only to committed offsets above 0: with 0 or none it goes on from wherever the fetcher stands, and the
        records that it fetched and threw away during recovery are skipped.
        """
        sources = {tp for tp in self.assignment() if tp.topic in self.app.positions.topics}
        starts = {tp: self.app.starts[tp] for tp in sources if tp in self.app.starts}
        if len(starts) < len(sources):
            await super().perform_seek()
            starts |= {tp: self._read_offset.get(tp) or 0 for tp in sources - starts.keys()}
        await self._thread.call_thread(self._thread.seek_exactly, starts)
        self._read_offset.update(starts)

    async def commit_offsets(self, offsets: Mapping[Any, int], notes: Mapping[Any, str]) -> bool:
        """False: the group has moved on. Does not answer while the broker is away. What cannot be mended ends the worker."""
        noted = {tp: (offset, notes.get(tp, "")) for tp, offset in offsets.items()}
        try:
            committed: bool = await self._thread.ask(lambda: self._thread.commit_with_notes(noted))
        except KafkaError as error:
            await self.crash(error)
            return False
        return committed

    async def committed(self, tps: Iterable[Any]) -> dict[Any, tuple[int, str]]:
        """What the group has committed, and the text beside it; partitions without a commit are left out."""
        keys = list(tps)
        found = await self._thread.ask(lambda: self._thread.committed_with_notes(keys))
        return {tuple(tp): (value.offset, value.metadata) for tp, value in found.items()}

    def hold(self, tps: Iterable[Any]) -> None:
        """Stop fetching. Faust's own pause drops what is fetched already; a full buffer's path keeps it."""
        for tp in (FaustTP(*tp) for tp in tps):
            self._held.add(tp)
            self.on_buffer_full(tp)

    def release(self, tps: Iterable[Any]) -> None:
        """Fetch again; takes up to a second, the length of a fetch that waits."""
        for tp in (FaustTP(*tp) for tp in tps):
            self._held.discard(tp)
            self.on_buffer_drop(tp)

    def on_buffer_drop(self, tp: Any) -> None:
        if tp not in self._held:
            super().on_buffer_drop(tp)

    def highwater(self, tp: Any) -> int:
        """For Faust's monitor. The one of aiokafka raises between two assignments, which would end the worker."""
        return self.readable_end(tp) or 0

    def readable_end(self, tp: Any) -> int | None:
        """The last stable offset, or the high watermark where isolation is off; from the newest fetch response."""
        assignment = getattr(self._thread._ensure_consumer()._subscription.subscription, "assignment", None)
        state = assignment.state_value(tp) if assignment is not None else None
        if state is None:
            return None
        end: int | None = state.highwater if state.lso is None or state.lso < 0 else state.lso
        return end

    def log_end(self, tp: Any) -> int | None:
        """The offset after the last record of any kind, from the newest fetch response. Unlike the last stable offset it never goes
        back while the topic lives: after a broker was killed, transactions that had ended count as open again for a while."""
        assignment = getattr(self._thread._ensure_consumer()._subscription.subscription, "assignment", None)
        state = assignment.state_value(tp) if assignment is not None else None
        end: int | None = None if state is None else state.highwater
        return end

    def fetch_position(self, tp: Any) -> int | None:
        """The next offset that the consumer will hand over; None before the first seek."""
        assignment = getattr(self._thread._ensure_consumer()._subscription.subscription, "assignment", None)
        state = assignment.state_value(tp) if assignment is not None else None
        return None if state is None or not state.has_valid_position else int(state._position)

    def knows_coordinator(self) -> bool:
        """False from the first heartbeat that nobody answers until the broker that leads the group is found again."""
        return getattr(self._thread._ensure_consumer()._coordinator, "coordinator_id", None) is not None

    async def on_partitions_revoked(self, revoked: set[Any]) -> None:
        await super().on_partitions_revoked(revoked)
        self._held.clear()
        self._buffered_partitions.clear()

    def _to_message(self, tp: Any, record: Any) -> Any:
        if not isinstance(record, Chunk):
            return super()._to_message(tp, record)
        return ConsumerMessage(
            tp.topic, tp.partition, record.end - 1, 0.0, 0, (), None, record, None, None, None, tp,
            generation_id=self.app.consumer_generation_id,
        )  # fmt: skip


class MendedProducer(Producer):  # type: ignore[misc]
    """Creates no topics: they are made, with the right settings, before Faust starts."""

    async def create_topic(self, *args: Any, **kwargs: Any) -> None:
        return None


class MendedTransport(Transport):  # type: ignore[misc]
    """Faust's transport with our consumer and producer."""

    Consumer = MendedConsumer
    Producer = MendedProducer
