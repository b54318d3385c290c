"""How much of the memory budget may be fetched ahead."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from forwarder.kafka.worker import FETCH_SHARE, LEAST_FETCH_BYTES, MOST_FETCH_BYTES, partition_fetch_bytes

MIB = 2**20


def test_few_partitions_fetch_as_much_as_kafka_clients_do() -> None:
    assert partition_fetch_bytes(256 * MIB, 4) == MOST_FETCH_BYTES


@given(st.integers(1, 4096 * MIB), st.integers(0, 10_000))
def test_all_partitions_together_stay_within_their_part_of_the_budget(budget: int, partitions: int) -> None:
    each = partition_fetch_bytes(budget, partitions)
    assert LEAST_FETCH_BYTES <= each <= MOST_FETCH_BYTES
    assert each == LEAST_FETCH_BYTES or each * partitions <= budget / FETCH_SHARE
