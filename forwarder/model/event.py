"""One Kafka record seen through its envelope. Holds the record's own bytes, untouched; never parses them.

A struct without garbage-collector tracking: windows hold hundreds of thousands of these, and walking them costs more than
routing them.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

import msgspec

from forwarder.model.times import time_ns

EVENT_OVERHEAD_BYTES = 400
"""What an event costs in memory beyond its value (measured: struct, strings, offsets), charged to the byte budget."""

Headers = tuple[tuple[str, bytes], ...]


class TP(NamedTuple):
    """A Kafka topic and partition. Equal to and hashing like the client library's own named tuple."""

    topic: str
    partition: int


class Unreadable(Enum):
    """Why a record cannot be read as an event. The value is the dead letter's `reason` and a metric label."""

    NULL = "null_value"
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    NOT_AN_ENVELOPE = "not_an_envelope"
    TOO_DEEP = "too_deep"
    TOO_LARGE = "too_large"
    FILTER_ERROR = "filter_error"


class Event(msgspec.Struct, frozen=True, gc=False):
    """`id` is "" where the producer gave none. `when` is nanoseconds, or the
    producer's own text, which is read only when somebody asks for `time_ns`. `severity` is OCSF 0..6, 0 = unknown or missing.

    `problem` is set when the record cannot be read (or its filter failed and asks for a dead letter): such an event is never
    sent, it is dead-lettered in its place in the order. `detail` says more about the problem, for people.
    `text` marks a value that is not JSON but may be sent (as a JSON string).
    """

    tp: TP
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    id: str
    type: str
    when: int | str
    severity: int
    tenant: str
    size: int
    text: bool = False
    problem: Unreadable | None = None
    detail: str = ""

    @property
    def time_ns(self) -> int:
        """The event's time in nanoseconds since the Unix epoch, else that of its record; 0 where neither is known."""
        when = self.when
        if isinstance(when, int):
            return when
        return time_ns(when) or (self.timestamp_ms * 1_000_000 if self.timestamp_ms > 0 else 0)


def identity(event: Event, cluster: str) -> str:
    """`cluster/topic/partition/offset`: unique for ever, the same on every retry and after every restart."""
    return f"{cluster}/{event.tp.topic}/{event.tp.partition}/{event.offset}"


def event_id(event: Event, cluster: str) -> str:
    """The producer's id where the schema has one, else the identity."""
    return event.id or identity(event, cluster)
