"""Partitions that are new to the group are told from old ones that were never read."""

from __future__ import annotations

from aiokafka import TopicPartition
from aiokafka.structs import OffsetAndMetadata

from forwarder.kafka.appeared import awaited, beyond, since_the_commit
from forwarder.kafka.topics import ResolvedSource

SOURCE = ResolvedSource("logs", 4)


def committed(*offsets: int) -> dict[TopicPartition, OffsetAndMetadata]:
    return {TopicPartition("logs", n): OffsetAndMetadata(offset, "") for n, offset in enumerate(offsets)}


def test_a_partition_without_a_commit_beside_others_was_added_later() -> None:
    assert since_the_commit(SOURCE, committed(5, 0, -1, -1)).appeared == {2, 3}


def test_a_group_that_never_committed_has_nothing_new() -> None:
    assert since_the_commit(SOURCE, committed(-1, -1, -1, -1)).appeared == frozenset()
    assert since_the_commit(SOURCE, {TopicPartition("other", 0): OffsetAndMetadata(7, "")}).appeared == frozenset()


def test_what_the_checkpoint_topic_lacks_was_added_later_unless_it_was_only_just_made() -> None:
    assert beyond(SOURCE, 3).appeared == {3}
    assert beyond(SOURCE, 4).appeared == frozenset()
    assert beyond(SOURCE, 0).appeared == frozenset()
    assert beyond(since_the_commit(SOURCE, committed(5, -1)), 3).appeared == {1, 2, 3}


def test_a_topic_that_was_waited_for_is_new_as_a_whole() -> None:
    assert awaited(SOURCE, {"logs"}).appeared == {0, 1, 2, 3}
    assert awaited(SOURCE, {"other"}).appeared == frozenset()
