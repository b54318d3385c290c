"""The Faust app, its chunk topics and its checkpoint tables, mended. Holds no state of ours and decides nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

import faust
from faust.types.settings import Settings as FaustSettings

from forwarder.kafka.private.consumer import ChunkScheduler, MendedTransport
from forwarder.kafka.private.place import Place
from forwarder.kafka.private.positions import Positions, install
from forwarder.model.event import TP

Order = tuple[int, int]
OrderOf = Callable[[bytes], Order]


@dataclass(frozen=True, slots=True)
class FetchOptions:
    """How the consumer fetches. `max_wait_ms` is how long the broker may wait for `min_bytes`. `partition_bytes` bounds a fetch and
    a chunk of one partition, `round_bytes` the chunks of all partitions that are handed over together."""

    isolation: str
    min_bytes: int
    max_wait_ms: int
    partition_bytes: int = 1024 * 1024
    round_bytes: int = 8 * 1024 * 1024


class MendedSettings(FaustSettings):  # type: ignore[misc]
    """Faust lets environment variables such as BROKER_URL or TIMEZONE override what a program sets; ours stands."""

    def getenv(self, env_name: str) -> Any:
        return None


class MendedApp(faust.App):  # type: ignore[misc]
    """Faust's app. `held` is awaited before a revoke that arrives while the app is stopping is answered. `place` is a static
    member's; set it before the start."""

    Settings = MendedSettings

    def __init__(
        self, group: str, *, fetch: FetchOptions, topics: Iterable[str], held: Callable[[], Awaitable[None]],
        **options: Any,
    ) -> None:  # fmt: skip
        install()
        self.fetch_options = fetch
        self.positions = Positions(frozenset(topics), fetch.partition_bytes)
        self.starts: dict[TP, int] = {}
        self.place: Place | None = None
        self._held = held
        super().__init__(group, ConsumerScheduler=lambda: ChunkScheduler(self.positions), **options)

    def _new_transport(self) -> Any:
        return MendedTransport(self.conf.broker_consumer, self)

    def _new_producer_transport(self) -> Any:
        return MendedTransport(self.conf.broker_producer, self)

    async def _on_partitions_revoked(self, revoked: set[Any]) -> None:
        """Faust answers a revoke at once while it stops: the partitions would move before the last checkpoint."""
        if self.should_stop:
            await self._held()
        await super()._on_partitions_revoked(revoked)

    def _on_rebalance_when_stopped(self) -> None:
        """Faust closes the consumer here, from the wrong thread; it is closed in order, leaving the group, a moment later."""


class ChunkSchema(faust.Schema):  # type: ignore[misc]
    """Passes the chunk through: no decoding, no model of the payload's choosing."""

    def loads_key(self, app: Any, message: Any, *, loads: Any = None, serializer: Any = None) -> None:
        return None

    def loads_value(self, app: Any, message: Any, *, loads: Any = None, serializer: Any = None) -> Any:
        return message.value


class CheckpointTable(faust.Table):  # type: ignore[misc]
    """One record per partition. The highest `(epoch, seq)` wins, not the last to arrive: a zombie's late write is ignored."""

    order_of: OrderOf

    def partition_for_key(self, key: bytes) -> int:
        return int(key)

    def apply_changelog_batch(self, batch: Iterable[Any]) -> None:
        """Faust swallows exceptions here, so a record that cannot be ordered is kept and reported when it is read."""
        for event in batch:
            current = self.data.get(event.key)
            if event.value is None or current is None or not self._older(event.value, current):
                super().apply_changelog_batch([event])

    def _older(self, record: bytes, current: bytes) -> bool:
        try:
            return self.order_of(record) < self.order_of(current)
        except Exception:
            return False

    def record(self, partition: int) -> bytes | None:
        """The newest record known for a partition."""
        value: bytes | None = self.data.get(str(partition).encode())
        return value

    async def write(self, partition: int, record: bytes) -> None:
        """Returns when the broker has acknowledged the record; the table takes it over then. Raises what Faust raises.

        Sent by the topic, not by the table: what fails in Faust's buffer ends the worker instead of the call.
        """
        key = str(partition).encode()
        topic = self.changelog_topic
        message = topic.as_future_message(
            key, record, partition=partition, key_serializer="raw", value_serializer="raw"
        )
        # `topic.send` comes back as soon as the record is queued, and nobody hears of a refusal.
        await topic.publish_message(message, wait=True)
        current = self.data.get(key)
        if current is None or not self._older(record, current):
            self.data[key] = record
