"""Faust's consumer and producer, mended: isolation and fetch settings, an exact seek, pauses that lose nothing.

Every override names its reason. Decides nothing about events.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

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

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        options = self.app.fetch_options
        consumer._isolation_level = options.isolation
        consumer._fetch_min_bytes = options.min_bytes
        consumer._fetch_max_wait_ms = options.max_wait_ms
        self.app.positions.attach(consumer)
        return consumer

    async def on_thread_stop(self) -> None:
        """Faust's thread would die of the stray cancellation, and the stop would wait for it for a minute."""
        await super(AIOKafkaConsumerThread, self).on_thread_stop()
        if self._consumer is not None:
            await stop_consumer(self._consumer)

    async def seek_exactly(self, offsets: Mapping[Any, int]) -> None:
        """Runs in the thread. What was fetched before the seek is told apart by its number, and dropped."""
        consumer = self._ensure_consumer()
        self.app.positions.seeks += 1
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

    async def commit_offsets(self, offsets: Mapping[Any, int]) -> bool:
        """False: the group has moved on. Does not answer while the broker is away."""
        committed: bool = await self._commit(offsets)
        return committed

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
