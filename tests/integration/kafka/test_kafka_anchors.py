"""What stands beside a committed offset, and whose record lies at an offset, asked on a real broker."""

from __future__ import annotations

import time

from forwarder.kafka.offsets import Offsets
from forwarder.model.event import TP
from forwarder.settings.kafka import Kafka
from tests.support.kafka import RealKafka


async def test_the_time_of_a_record_is_found_by_its_exact_offset_only(kafka: RealKafka) -> None:
    topic = await kafka.topics.create(partitions=3)
    now = int(time.time() * 1000)  # retention goes by these times
    await kafka.topics.produce(topic, [b"a", b"b", b"c"], partition=0, timestamp_ms=now - 1_000)
    await kafka.topics.produce(topic, [b"d"], partition=1, timestamp_ms=now)
    await kafka.topics.delete_records(topic, {0: 1})
    offsets = Offsets(Kafka(brokers=(kafka.bootstrap,)))
    assert await offsets.open() is None
    try:
        wanted = {TP(topic, 0): 2, TP(topic, 1): 0, TP(topic, 2): 0}
        assert await offsets.times_at(wanted) == {TP(topic, 0): now - 1_000, TP(topic, 1): now}
        below_the_start, beyond_the_end = {TP(topic, 0): 0}, {TP(topic, 1): 700}
        assert await offsets.times_at(below_the_start) == {}
        assert await offsets.times_at(beyond_the_end) == {}
        assert await offsets.stable_end(TP(topic, 0)) == 3, "other questions are still answered"
    finally:
        await offsets.close()
