"""The worker against a real Kafka, as processes: starts, stops, rebalances, kills. No event is lost, few come twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.kafka.fleet import ToyWorker, deliveries, in_order, values
from tests.support.kafka import RealKafka

PARTITIONS = 4


async def fill(kafka: RealKafka, topic: str, count: int, first: int = 0) -> set[str]:
    """`count` events over all partitions; their values."""
    numbers = range(first, first + count)
    for partition in range(PARTITIONS):
        mine = [f"e{n}".encode() for n in numbers if n % PARTITIONS == partition]
        await kafka.topics.produce_bulk(topic, partition, mine)
    return {f"e{n}" for n in numbers}


def all_delivered(worker: ToyWorker, *others: ToyWorker, count: int, timeout: float = 40.0) -> None:
    worker.wait_until(f"{count} events", lambda: len(deliveries(worker, *others)) >= count, timeout)


@pytest.mark.parametrize("start_at", [True, False], ids=["start_at", "committed_offset"])
async def test_a_backlog_at_a_start_with_offset_0_is_read_from_its_first_event(
    kafka: RealKafka, tmp_path: Path, start_at: bool
) -> None:
    """Faust alone skips it in most starts: a changelog to recover, committed offset 0, and events that wait."""
    for round_ in range(2):
        topic, group = await kafka.topics.create(partitions=PARTITIONS), kafka.topics.unique("group")
        worker = ToyWorker(f"w{round_}", kafka, group, topic, tmp_path, start_at=start_at)
        await kafka.topics.create(f"{group}-checkpoint-{topic}-changelog", PARTITIONS)
        for partition in range(PARTITIONS):
            record = b'{"epoch": 1, "seq": 1, "position": 0}'
            name = f"{group}-checkpoint-{topic}-changelog"
            keys = [str(partition).encode()] * 300
            await kafka.topics.produce(name, [record] * 300, partition=partition, keys=keys)
        expected = await fill(kafka, topic, 4000)
        worker.start()
        all_delivered(worker, count=4000)
        assert worker.terminate() == 0
        assert set(values(worker)) == expected
        assert max(values(worker).values()) == 1
        assert worker.lines("g") == []


async def test_a_graceful_restart_delivers_nothing_twice_and_does_not_wait_for_the_session(
    kafka: RealKafka, tmp_path: Path
) -> None:
    topic, group = await kafka.topics.create(partitions=PARTITIONS), kafka.topics.unique("group")
    await fill(kafka, topic, 2000)
    worker = ToyWorker("w", kafka, group, topic, tmp_path)
    worker.start()
    all_delivered(worker, count=2000)
    assert worker.terminate() == 0
    assert await kafka.topics.group_members(group) == 0
    await fill(kafka, topic, 2000, first=2000)
    worker.start()
    all_delivered(worker, count=4000)
    assert worker.terminate() == 0
    assert max(deliveries(worker).values()) == 1
    assert worker.lines("g") == []
    assert in_order(worker)


async def test_markers_and_aborted_batches_are_no_gaps(kafka: RealKafka, tmp_path: Path) -> None:
    topic, group = await kafka.topics.create(partitions=PARTITIONS), kafka.topics.unique("group")
    worker = ToyWorker("w", kafka, group, topic, tmp_path)
    worker.start()
    worker.wait_for("ready")
    transactions = [([f"t{n}-{i}".encode() for i in range(3)], n % 3 != 0) for n in range(40)]
    committed = {value.decode() for batch, commit in transactions if commit for value in batch}
    await kafka.topics.transact(topic, transactions, partition=1)
    all_delivered(worker, count=len(committed))
    assert worker.terminate() == 0
    assert set(values(worker)) == committed
    assert max(values(worker).values()) == 1
    assert worker.lines("g") == []


async def test_joining_and_leaving_workers_lose_and_repeat_nothing(kafka: RealKafka, tmp_path: Path) -> None:
    topic, group = await kafka.topics.create(partitions=PARTITIONS), kafka.topics.unique("group")
    one = ToyWorker("one", kafka, group, topic, tmp_path)
    two = ToyWorker("two", kafka, group, topic, tmp_path)
    one.start()
    one.wait_owning(PARTITIONS)
    count = 0
    for step in (two.start, lambda: two.wait_owning(2), one.terminate, lambda: two.wait_owning(PARTITIONS)):
        await fill(kafka, topic, 1000, first=count)
        count += 1000
        step()
    all_delivered(two, one, count=count)
    assert two.terminate() == 0
    assert max(deliveries(one, two).values()) == 1
    assert one.lines("g") == two.lines("g") == []
    assert in_order(one) and in_order(two)


async def test_a_rebalance_during_the_drain_waits_for_the_last_checkpoint(kafka: RealKafka, tmp_path: Path) -> None:
    """Without the hold the partitions move while the old worker drains, and all it delivered since is delivered again."""
    topic, group = await kafka.topics.create(partitions=PARTITIONS), kafka.topics.unique("group")
    await fill(kafka, topic, 2000)
    old = ToyWorker("old", kafka, group, topic, tmp_path, drain=4.0, period=3600.0)
    new = ToyWorker("new", kafka, group, topic, tmp_path)
    old.start()
    all_delivered(old, count=2000)
    new.start()
    new.wait_until("joining", lambda: "(Re-)joining group" in new.output(), 20.0)
    old.signal(15)
    assert old.wait(30.0) == 0
    new.wait_owning(PARTITIONS)
    await fill(kafka, topic, 400, first=2000)
    all_delivered(new, old, count=2400)
    assert new.terminate() == 0
    assert max(deliveries(old, new).values()) == 1
    assert old.lines("stopped")


async def test_a_stop_before_a_join_holds_the_partitions_too(kafka: RealKafka, tmp_path: Path) -> None:
    topic, group = await kafka.topics.create(partitions=PARTITIONS), kafka.topics.unique("group")
    await fill(kafka, topic, 2000)
    old = ToyWorker("old", kafka, group, topic, tmp_path, drain=6.0, period=3600.0)
    new = ToyWorker("new", kafka, group, topic, tmp_path)
    old.start()
    all_delivered(old, count=2000)
    old.signal(15)
    old.wait_for("stopping")
    new.start()
    assert old.wait(30.0) == 0
    new.wait_owning(PARTITIONS)
    await fill(kafka, topic, 400, first=2000)
    all_delivered(new, old, count=2400)
    assert new.terminate() == 0
    assert max(deliveries(old, new).values()) == 1


async def test_after_kill_9_only_what_followed_the_last_checkpoint_comes_twice(
    kafka: RealKafka, tmp_path: Path
) -> None:
    topic, group = await kafka.topics.create(partitions=PARTITIONS), kafka.topics.unique("group")
    await fill(kafka, topic, 2000)
    victim = ToyWorker("victim", kafka, group, topic, tmp_path, period=0.5)
    victim.start()
    all_delivered(victim, count=2000)
    heir = ToyWorker("heir", kafka, group, topic, tmp_path)
    heir.start()
    victim.wait_owning(2)
    heir.wait_owning(2)
    victim.kill()
    await fill(kafka, topic, 400, first=2000)
    heir.wait_owning(PARTITIONS)
    all_delivered(heir, victim, count=2400)
    assert heir.terminate() == 0
    assert max(deliveries(victim, heir).values()) == 1, "everything was checkpointed before the kill"
    assert heir.lines("g") == []


async def test_an_exception_in_the_pipeline_ends_the_worker_with_exit_1(kafka: RealKafka, tmp_path: Path) -> None:
    topic, group = await kafka.topics.create(partitions=PARTITIONS), kafka.topics.unique("group")
    await fill(kafka, topic, 400)
    worker = ToyWorker("w", kafka, group, topic, tmp_path, crash_at=50)
    worker.start()
    assert worker.wait(40.0) == 1
    assert worker.lines("stopping") == [], "after a crash nothing is drained"
    assert await kafka.topics.group_members(group) == 0


async def test_a_drain_that_fails_ends_with_exit_1_and_still_leaves_the_group(kafka: RealKafka, tmp_path: Path) -> None:
    topic, group = await kafka.topics.create(partitions=PARTITIONS), kafka.topics.unique("group")
    worker = ToyWorker("w", kafka, group, topic, tmp_path, fail_drain=True)
    worker.start()
    worker.wait_for("ready")
    assert worker.terminate() == 1
    assert await kafka.topics.group_members(group) == 0
