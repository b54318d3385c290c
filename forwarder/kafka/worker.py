"""Builds the Faust worker of one group and runs it in the caller's event loop until it stops or crashes.

Reads no events and keeps no progress: chunks and rebalances go to the handler.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import Callable, Sequence
from typing import Any

from aiokafka.errors import KafkaError

from forwarder.errors import LeftGroupError, StartAgain
from forwarder.kafka import connection
from forwarder.kafka.group import Group
from forwarder.kafka.membership import Handler, Membership
from forwarder.kafka.private.app import CheckpointTable, ChunkSchema, FetchOptions, MendedApp, OrderOf
from forwarder.kafka.private.place import Place
from forwarder.kafka.private.recovery import RecoveryWatch
from forwarder.kafka.refusals import Refusals
from forwarder.kafka.shutdown import Shutdown
from forwarder.kafka.topics import ResolvedSource
from forwarder.kafka.upkeep import Upkeep
from forwarder.model.event import TP
from forwarder.settings.kafka import Kafka
from forwarder.settings.process import Settings

_log = logging.getLogger(__name__)

MAX_REQUEST_BYTES = 8 * 1024 * 1024
MAX_POLL_RECORDS = 2000
REVOKE_MARGIN_SECONDS = 5.0

MOST_FETCH_BYTES, LEAST_FETCH_BYTES = 1024 * 1024, 32 * 1024
"""Of one partition in one fetch. A record that is larger arrives all the same, alone."""

FETCH_SHARE = 16
"""The fetched records of all partitions together, and again those on their way to the lanes, are this part of the memory budget."""


class Worker:
    """One member of the group. `make_handler` gets the group and gives the pipeline that it drives."""

    def __init__(
        self, settings: Settings, sources: Sequence[ResolvedSource], make_handler: Callable[[Group], Handler], *,
        order_of: OrderOf, datadir: str,
    ) -> None:  # fmt: skip
        self._partitions = {source.topic: source.partitions for source in sources}
        self._app = _app(settings, self._partitions, datadir, self._hold)
        tables = {topic: self._table(topic, order_of) for topic in self._partitions}
        self._upkeep = Upkeep(settings.kafka, sources)
        self._app.place = _place(self._app, settings.kafka)
        self._group = Group(self._app, tables, upkeep=self._upkeep)
        self._handler = make_handler(self._group)
        self._membership = Membership(
            self._group,
            self._handler,
            revoke_limit=max(1.0, settings.kafka.rebalance_timeout - REVOKE_MARGIN_SECONDS),
            drain_limit=settings.shutdown.drain + REVOKE_MARGIN_SECONDS,
        )
        self._drain_failure: Exception | None = None
        self._outgrown = asyncio.Event()
        self._joined = False
        for topic in self._partitions:
            self._read(topic)
        self._connect_signals()

    async def run(self, shutdown: Shutdown) -> int:
        """Until `shutdown` is requested (0) or something crashes (1). Leaves the group, unless its membership is static.

        Raises StartAgain when a source has got more partitions than we know, or when Kafka went away before the group was joined.
        """
        running = asyncio.ensure_future(self._run_app())
        watch = asyncio.ensure_future(RecoveryWatch(self._app).run())
        ends = {asyncio.ensure_future(event.wait()) for event in (shutdown.requested, self._outgrown)}
        await asyncio.wait({running, *ends}, return_when=asyncio.FIRST_COMPLETED)
        shutdown.arm()
        stopping = asyncio.ensure_future(self._app.stop())
        stopping.add_done_callback(lambda _: self._upkeep.stop())
        await asyncio.wait({stopping})
        for task in (running, watch, *ends):
            task.cancel()
        await asyncio.wait({running, watch, *ends})
        crash = self._app.crash_reason or self._drain_failure or _failure(running) or _failure(stopping)
        return self._end(crash, stopping=shutdown.requested.is_set())

    def _end(self, crash: BaseException | None, *, stopping: bool) -> int:
        """The exit code. Who is asked to stop anyway does not start again."""
        if crash is not None and (self._joined or not may_pass(crash)):
            _log.critical("the Kafka worker crashed: %s: %s", type(crash).__name__, crash)
            return 1
        if not stopping and crash is not None:
            raise StartAgain(f"Kafka went away before the group was joined: {crash}")
        if not stopping and self._outgrown.is_set():
            raise StartAgain("a source topic has grown")
        return 0

    async def _run_app(self) -> None:
        await self._app.start()
        await self._app.wait_until_stopped()

    async def _hold(self) -> None:
        await self._membership.hold()

    def _table(self, topic: str, order_of: OrderOf) -> CheckpointTable:
        table = CheckpointTable(
            self._app, name=f"checkpoint-{topic}", partitions=self._partitions[topic], key_type=bytes, value_type=bytes
        )
        table.order_of = order_of
        self._app.tables.add(table)
        return table

    def _read(self, topic: str) -> None:
        channel = self._app.topic(
            topic, schema=ChunkSchema(), acks=False, maxsize=5 * self._partitions[topic] + 8,
            key_type=bytes, value_type=bytes, value_serializer="raw",
        )  # fmt: skip

        async def read(stream: Any) -> None:
            async for chunk in stream:
                if self._group.admits(chunk):
                    self._handler.on_chunk(chunk.tp, chunk)

        self._app.agent(channel, name=f"read-{topic}")(read)

    def _connect_signals(self) -> None:
        self._app.on_rebalance_complete.connect(self._on_rebalance_complete, weak=False)
        self._app.on_partitions_revoked.connect(self._on_partitions_revoked, weak=False)
        self._app.on_before_shutdown.connect(self._on_before_shutdown, weak=False)

    async def _on_rebalance_complete(self, app: Any, **_: Any) -> None:
        self._joined = True
        owned = self._sources(app.consumer.assignment())
        for tp in owned:
            if tp.partition >= self._partitions[tp.topic]:
                _log.warning("topic %s has grown beyond %d partitions", tp.topic, self._partitions[tp.topic])
                self._outgrown.set()
                # Faust would resume the flow when this returns; the stop that follows cancels it.
                await asyncio.Event().wait()
        await self._membership.assigned(owned, self._group.generation)
        # Faust resumes both right after the seek that follows. Until then nothing may be fetched: it would be thrown away.
        app.consumer.stop_flow()
        app.flow_control.suspend()

    async def _on_partitions_revoked(self, app: Any, revoked: Any, **_: Any) -> None:
        await self._membership.revoked(self._sources(revoked))

    async def _on_before_shutdown(self, app: Any, **_: Any) -> None:
        """An exception must not get in the way of what follows: closing the connections and leaving the group."""
        try:
            await self._membership.stopping(crashed=app.crashed)
        except Exception as error:
            _log.exception("the drain at shutdown failed")
            self._drain_failure = error

    def _sources(self, tps: Any) -> frozenset[TP]:
        return frozenset(TP(tp.topic, tp.partition) for tp in tps if tp.topic in self._partitions)


async def run_worker(
    settings: Settings,
    sources: Sequence[ResolvedSource],
    make_handler: Callable[[Group], Handler],
    *,
    order_of: OrderOf,
    shutdown: Shutdown,
) -> int:
    """Join the group and drive the handler until `shutdown` is requested; returns the process's exit code.

    `order_of` gives a checkpoint record's `(epoch, seq)`. The caller has checked Kafka and made the checkpoint topics.
    Raises StartupError for settings that cannot be used, StartAgain when the process has to begin anew.
    """
    with tempfile.TemporaryDirectory(prefix="forwarder-") as datadir:
        worker = Worker(settings, sources, make_handler, order_of=order_of, datadir=datadir)
        return await worker.run(shutdown)


def partition_fetch_bytes(budget: int, partitions: int) -> int:
    """The size of one partition's fetch, so that those of all partitions together stay a small part of the memory budget."""
    return max(LEAST_FETCH_BYTES, min(MOST_FETCH_BYTES, budget // FETCH_SHARE // max(1, partitions)))


def may_pass(crash: BaseException) -> bool:
    """Whether waiting for Kafka, as a start does, can mend what ended a worker that had not joined its group yet."""
    return isinstance(crash, OSError) or (isinstance(crash, KafkaError) and bool(crash.retriable))


def _place(app: MendedApp, kafka: Kafka) -> Place | None:
    """For a static member. A twin hears of a loss with its next heartbeat, drains for as long as a rebalance may take, and joins;
    we hear of it with our next heartbeat: twice that, for a busy machine."""
    if kafka.instance_id is None:
        return None
    loop = asyncio.get_running_loop()
    text = "the place in the group is lost again and again: does another process use the same kafka.instanceId?"

    def shut() -> None:
        asyncio.run_coroutine_threadsafe(app.crash(LeftGroupError(text)), loop)

    fight = 4 * kafka.heartbeat_interval + kafka.rebalance_timeout
    return Place(Refusals(session=kafka.session_timeout, fight=fight), shut)


def _failure(task: asyncio.Task[None]) -> BaseException | None:
    return None if task.cancelled() else task.exception()


def _app(settings: Settings, topics: Any, datadir: str, held: Any) -> MendedApp:
    kafka = settings.kafka
    balanced = kafka.fetch == "balanced"
    fetch = FetchOptions(
        isolation="read_committed" if kafka.isolation == "readCommitted" else "read_uncommitted",
        min_bytes=64 * 1024 if balanced else 1,
        max_wait_ms=25 if balanced else 100,
        partition_bytes=partition_fetch_bytes(settings.memory.budget, sum(topics.values())),
        round_bytes=max(MOST_FETCH_BYTES, settings.memory.budget // FETCH_SHARE),
    )
    return MendedApp(kafka.group, fetch=fetch, topics=topics, held=held, datadir=datadir, **_faust_options(settings))


def _faust_options(settings: Settings) -> dict[str, Any]:
    kafka = settings.kafka
    return {
        "broker": connection.faust_brokers(kafka),
        "broker_credentials": connection.faust_credentials(kafka),
        "broker_client_id": connection.CLIENT_ID,
        "broker_session_timeout": kafka.session_timeout,
        "broker_heartbeat_interval": kafka.heartbeat_interval,
        "broker_rebalance_timeout": kafka.rebalance_timeout,
        "broker_request_timeout": max(90.0, kafka.rebalance_timeout + 30.0),
        "broker_max_poll_records": MAX_POLL_RECORDS,
        "consumer_auto_offset_reset": "earliest",
        "consumer_group_instance_id": kafka.instance_id,
        "consumer_metadata_max_age_ms": 20_000,
        "producer_compression_type": "zstd",
        "producer_max_request_size": MAX_REQUEST_BYTES,
        "producer_request_timeout": 30.0,
        "agent_supervisor": "mode.CrashingSupervisor",
        "stream_wait_empty": False,
        "table_standby_replicas": 0,
        "topic_disable_leader": True,
        "store": "memory://",
        "web_enabled": False,
    }
