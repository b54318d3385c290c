"""The group's calls against a real Kafka, in this process: fence, checkpoints, order, pauses, ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from forwarder.kafka.group import Acknowledged, Failed, Fence, Group
from forwarder.kafka.preflight import preflight
from forwarder.kafka.records import Chunk
from forwarder.kafka.shutdown import Shutdown
from forwarder.kafka.topics import checkpoint_topic
from forwarder.kafka.worker import run_worker
from forwarder.model.event import TP
from forwarder.settings.process import Settings
from tests.support.kafka import RealKafka


def order_of(record: bytes) -> tuple[int, int]:
    """`b"epoch seq anything"`; raises ValueError for anything else."""
    epoch, seq, *_ = record.split()
    return int(epoch), int(seq)


class Probe:
    """A handler that only notes what it is told."""

    def __init__(self, group: Group) -> None:
        self.group = group
        self.offsets: dict[TP, list[int]] = {}
        self.expected: dict[TP, int] = {}
        self.gaps = 0
        self.owned = asyncio.Event()
        self.last: list[Fence] = []

    def on_chunk(self, tp: TP, chunk: Chunk) -> None:
        self.gaps += chunk.start > self.expected.get(tp, 0)
        self.offsets.setdefault(tp, []).extend(record.offset for record in chunk)
        self.expected[tp] = chunk.end

    async def on_assigned(self, owned: frozenset[TP], generation: int) -> None:
        self.owned.set()

    async def on_revoked(self, revoked: frozenset[TP]) -> None:
        self.owned.clear()

    async def on_stopping(self) -> None:
        for tp in self.group.assignment():
            self.last.append(await self.group.commit({tp: 9}))

    async def until(self, what: Callable[[], bool]) -> None:
        async with asyncio.timeout(20.0):
            while not what():
                await asyncio.sleep(0.02)


def settings(kafka: RealKafka, group: str, topic: str) -> Settings:
    return Settings.model_validate(
        {"kafka": {"brokers": kafka.bootstrap, "group": group}, "sources": [{"topic": topic}]}
    )


@asynccontextmanager
async def member(kafka: RealKafka, topic: str, group: str) -> AsyncIterator[Probe]:
    """A worker of one group, running in this loop; it must stop with 0."""
    wanted, probes = settings(kafka, group, topic), []
    ready, shutdown = await preflight(wanted), Shutdown(60.0)

    def build(joined: Group) -> Probe:
        probes.append(Probe(joined))
        return probes[0]

    running = asyncio.ensure_future(run_worker(wanted, ready.sources, build, order_of=order_of, shutdown=shutdown))
    try:
        while not probes:
            await asyncio.sleep(0)
        async with asyncio.timeout(30.0):
            await probes[0].owned.wait()
        yield probes[0]
    finally:
        shutdown.request()
        code = await running
        shutdown.finished()
    assert code == 0


async def test_a_commit_lands_and_one_for_somebody_elses_partition_is_refused(kafka: RealKafka) -> None:
    topic, group = await kafka.topics.create(partitions=2), kafka.topics.unique("g")
    async with member(kafka, topic, group) as probe:
        assert probe.group.assignment() == {TP(topic, 0), TP(topic, 1)}
        assert await probe.group.commit({TP(topic, 0): 5, TP(topic, 1): 6}) is Fence.OK
        assert await probe.group.commit({TP(topic, 0): 7, TP("other", 0): 1}) is Fence.REFUSED
        assert await kafka.topics.group_offsets(group) == {(topic, 0): 5, (topic, 1): 6}


async def test_a_commit_works_while_stopping(kafka: RealKafka) -> None:
    topic, group = await kafka.topics.create(), kafka.topics.unique("g")
    async with member(kafka, topic, group) as probe:
        pass
    assert probe.last == [Fence.OK]
    assert await kafka.topics.group_offsets(group) == {(topic, 0): 9}


async def test_a_checkpoint_survives_a_restart_and_the_highest_order_wins(kafka: RealKafka) -> None:
    topic, group = await kafka.topics.create(partitions=2), kafka.topics.unique("g")
    async with member(kafka, topic, group) as probe:
        assert probe.group.read_checkpoint(TP(topic, 1)) is None
        assert await probe.group.write_checkpoint(TP(topic, 1), b"7 1 mine") == Acknowledged()
        assert await probe.group.write_checkpoint(TP(topic, 1), b"7 2 newer") == Acknowledged()
        assert probe.group.read_checkpoint(TP(topic, 1)) == b"7 2 newer"
    changelog = checkpoint_topic(group, topic)
    stale = [b"6 99 a zombie's, landed late", b"7 1 repeated"]
    await kafka.topics.produce(changelog, stale, partition=1, keys=[b"1", b"1"])
    async with member(kafka, topic, group) as probe:
        assert probe.group.read_checkpoint(TP(topic, 1)) == b"7 2 newer"
        assert probe.group.read_checkpoint(TP(topic, 0)) is None
    await kafka.topics.produce(changelog, [b"8 1 a new owner's", None], partition=1, keys=[b"1", b"0"])
    async with member(kafka, topic, group) as probe:
        assert probe.group.read_checkpoint(TP(topic, 1)) == b"8 1 a new owner's"


async def test_a_checkpoint_that_nobody_understands_is_handed_over_not_hidden(kafka: RealKafka) -> None:
    topic, group = await kafka.topics.create(), kafka.topics.unique("g")
    async with member(kafka, topic, group) as probe:
        await probe.group.write_checkpoint(TP(topic, 0), b"7 1 mine")
    await kafka.topics.produce(checkpoint_topic(group, topic), [b"from the future"], partition=0, keys=[b"0"])
    async with member(kafka, topic, group) as probe:
        assert probe.group.read_checkpoint(TP(topic, 0)) == b"from the future"


async def test_a_large_checkpoint_passes_and_one_that_is_too_large_fails_without_a_crash(kafka: RealKafka) -> None:
    topic, group = await kafka.topics.create(), kafka.topics.unique("g")
    large = b"1 1 " + b"x" * (6 * 1024 * 1024)
    async with member(kafka, topic, group) as probe:
        assert await probe.group.write_checkpoint(TP(topic, 0), large) == Acknowledged()
        assert isinstance(await probe.group.write_checkpoint(TP(topic, 0), b"1 2 " + b"x" * 9_000_000), Failed)
        assert await probe.group.write_checkpoint(TP(topic, 0), b"1 3 small again") == Acknowledged()
    async with member(kafka, topic, group) as probe:
        assert probe.group.read_checkpoint(TP(topic, 0)) == b"1 3 small again"


async def test_a_pause_stops_a_partition_and_loses_nothing(kafka: RealKafka) -> None:
    topic, group = await kafka.topics.create(partitions=2), kafka.topics.unique("g")
    held, free = TP(topic, 0), TP(topic, 1)
    async with member(kafka, topic, group) as probe:
        await kafka.topics.produce(topic, [b"a"] * 3000, partition=0)
        await probe.until(lambda: held in probe.offsets)
        probe.group.pause([held])
        await kafka.topics.produce(topic, [b"b"] * 3000, partition=0)
        for _ in range(3):
            before = len(probe.offsets.get(free, []))
            await kafka.topics.produce(topic, [b"c"] * 10, partition=1)
            await probe.until(lambda before=before: len(probe.offsets.get(free, [])) >= before + 10)  # type: ignore[misc]
        paused_at = len(probe.offsets[held])
        assert paused_at < 6000
        probe.group.resume([held])
        await probe.until(lambda: len(probe.offsets[held]) == 6000)
        assert probe.gaps == 0
        assert probe.offsets[held] == list(range(6000))


async def test_the_stable_end_and_a_silent_tail_are_known_without_asking(kafka: RealKafka) -> None:
    topic, group = await kafka.topics.create(), kafka.topics.unique("g")
    tp = TP(topic, 0)
    async with member(kafka, topic, group) as probe:
        await kafka.topics.produce(topic, [b"a"])
        await probe.until(lambda: tp in probe.offsets)
        await kafka.topics.transact(topic, [([b"b", b"c"], False)])
        end = (await kafka.topics.end_offsets(topic))[0]
        await probe.until(lambda: probe.group.stable_end(tp) == end)
        await probe.until(lambda: (probe.group.passed(tp) or (0, 0))[1] == end)
        start, _ = probe.group.passed(tp) or (0, 0)
        assert start <= probe.expected[tp] < end, "the tail holds no event, only what was passed"
        assert probe.offsets[tp] == [0]
