"""The checkpoint of one partition as a record: codec and versions. Knows nothing of Kafka or of running lanes.

One record, so it is atomic: the router's position, for each lane that is not caught up (or not well) its mark, and the account
of every lane. JSON, because at night somebody may have to read one with a console consumer; docs/checkpoint.md describes it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from forwarder.errors import CheckpointError

VERSION = 2

_NOT_UNDERSTOOD = (msgspec.DecodeError, UnicodeDecodeError)
"""msgspec checks the encoding of a key only when it reads it, and then raises Python's own error."""

Runs = list[tuple[int, int]]


class Frozen(msgspec.Struct, omit_defaults=True, frozen=True):
    """A batch under way: its offsets in every partition (`topic/partition` -> inclusive runs), so that it can be sent again
    under the same id with the same bytes. For its dead letters: `earlier` attempts in batches that it was split from, and
    when the first and the last of all were (`first_ms`, `last_ms`)."""

    runs: dict[str, Runs]
    count: int
    attempts: int
    earlier: int = 0
    first_ms: int = 0
    last_ms: int = 0


class Mark(msgspec.Struct, omit_defaults=True, frozen=True):
    """Where a lane stands on this partition. `state` is "" unless the lane is disabled or paused; `fingerprint` is that of the
    webhook's configuration then: changing it switches the lane on again. `ahead`: needs nothing more although above the cursor."""

    cursor: int
    frozen: Frozen | None = None
    failures: int = 0
    refused: int = 0
    state: str = ""
    why: str = ""
    fingerprint: str = ""
    ahead: Runs = []


_KEYS = {
    "read": "r", "filtered": "f", "delivered": "d", "pending": "p", "discarded": "x", "dead_lettered": "l",
    "counted": "c", "doubtful": "s", "untold": "n",
}  # fmt: skip


class AccountRecord(msgspec.Struct, omit_defaults=True, frozen=True, gc=False, rename=_KEYS):
    """What became of the records of this partition for one webhook: read = filtered + delivered + pending + all that was
    discarded or dead-lettered, by reason. `counted`: every record below it is in `read`; None = up to the position."""

    read: int = 0
    filtered: int = 0
    delivered: int = 0
    pending: int = 0
    discarded: dict[str, int] | None = None
    dead_lettered: dict[str, int] | None = None
    counted: int | None = None
    doubtful: int = 0
    untold: dict[str, int] | None = None


class Checkpoint(msgspec.Struct, omit_defaults=True, frozen=True):
    """`books` holds every webhook that was configured: one that is not in it is new and starts at its `startAt`. `known` says
    that in records of version 1, and where a checkpoint was lost. `tail` is the offset and the timestamp (ms) of the last
    record that was routed: a topic that was made anew holds another one there."""

    epoch: int
    seq: int
    position: int
    lanes: dict[str, Mark] = {}
    known: list[str] = []
    version: int = msgspec.field(default_factory=lambda: VERSION)  # a factory: it is written although it is the default
    written_ms: int = 0
    tail: tuple[int, int] | None = None
    books: dict[str, AccountRecord] = {}

    def knows(self, name: str) -> bool:
        """Whether the webhook was there when the record was written."""
        return name in self.books or name in self.lanes or name in self.known


class _Head(msgspec.Struct):
    epoch: int
    seq: int
    version: int = 1


_NO_OFFSET = 2**63
_PARTITION = re.compile(r".+/\d{1,9}", re.ASCII)

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Checkpoint)
_head = msgspec.json.Decoder(_Head)


def encode(checkpoint: Checkpoint, max_bytes: int) -> bytes:
    """The record's bytes. Raises CheckpointError, naming the lanes, when it is larger than `max_bytes`."""
    record = _encoder.encode(checkpoint)
    if len(record) > max_bytes:
        raise CheckpointError(
            f"checkpoint of {len(record)} bytes is above checkpoint.maxBytes ({max_bytes}); "
            f"largest lanes: {', '.join(_largest(checkpoint.lanes))}"
        )
    return record


def decode(record: bytes) -> Checkpoint:
    """The checkpoint. Raises CheckpointError for a record that is broken or written by a newer Forwarder."""
    try:
        if _head.decode(record).version > VERSION:
            raise CheckpointError(
                "the checkpoint was written by a newer Forwarder; run that version, or delete the checkpoint topic "
                "to go on at the group's committed offset"
            )
        checkpoint = _decoder.decode(record)
    except _NOT_UNDERSTOOD as error:
        raise CheckpointError(f"the checkpoint record is not understood: {error}") from None
    _refuse_nonsense(checkpoint)
    return checkpoint


def order_of(record: bytes) -> tuple[int, int]:
    """`(epoch, seq)`: the highest wins at recovery, whatever arrived last. A broken record loses against any other."""
    try:
        head = _head.decode(record)
    except _NOT_UNDERSTOOD:
        return (-1, -1)
    return (head.epoch, head.seq)


def same_content(first: Checkpoint, second: Checkpoint) -> bool:
    """Whether writing `second` after `first` would say nothing new."""
    return (first.position, first.lanes, first.books) == (second.position, second.lanes, second.books)


def runs_of(offsets: set[int]) -> Runs:
    """Inclusive runs of consecutive offsets, ascending."""
    runs: Runs = []
    for offset in sorted(offsets):
        if runs and runs[-1][1] + 1 == offset:
            runs[-1] = (runs[-1][0], offset)
        else:
            runs.append((offset, offset))
    return runs


def _largest(lanes: Mapping[str, Mark]) -> list[str]:
    return sorted(lanes, key=lambda name: len(_encoder.encode(lanes[name])), reverse=True)[:5]


def _refuse_nonsense(checkpoint: Checkpoint) -> None:
    """Raises CheckpointError for what no Forwarder writes: it must not become an endless loop or a wrong cursor."""
    marks = checkpoint.lanes.values()
    frozen = [mark.frozen.runs for mark in marks if mark.frozen is not None]
    runs = [run for mark in marks for run in mark.ahead] + [
        run for by_tp in frozen for some in by_tp.values() for run in some
    ]
    offsets = [checkpoint.position, *(mark.cursor for mark in marks)]
    if not all(0 <= offset < _NO_OFFSET for offset in offsets) or not all(0 <= a <= b < _NO_OFFSET for a, b in runs):
        raise CheckpointError(
            "the checkpoint record is not understood: an offset is none, or a run ends before it begins"
        )
    if any(not _PARTITION.fullmatch(name) for by_tp in frozen for name in by_tp):
        raise CheckpointError("the checkpoint record is not understood: a batch of something that is no partition")
