"""Which partitions have come into being since the group began to read: nothing in them is old, whatever `startAt` says. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from forwarder.kafka.topics import ResolvedSource


def since_the_commit(source: ResolvedSource, committed: Mapping[Any, Any]) -> ResolvedSource:
    """A worker commits all its partitions together, so one without a commit beside others that have one was added later."""
    known = {tp.partition for tp, found in committed.items() if tp.topic == source.topic and found.offset >= 0}
    return _add(source, frozenset(range(source.partitions)) - known if known else frozenset())


def beyond(source: ResolvedSource, had: int) -> ResolvedSource:
    """The same where the group's offsets have expired: what its checkpoint topic with `had` partitions lacks was added later."""
    return _add(source, frozenset(range(had, source.partitions)) if had else frozenset())


def awaited(source: ResolvedSource, missing: Collection[str]) -> ResolvedSource:
    """A topic that we waited for is new as a whole."""
    return _add(source, frozenset(range(source.partitions)) if source.topic in missing else frozenset())


def _add(source: ResolvedSource, appeared: frozenset[int]) -> ResolvedSource:
    return replace(source, appeared=source.appeared | appeared)
