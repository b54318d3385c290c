"""The checkpoint of one partition as a record: codec and versions. Knows nothing of Kafka or of running lanes.

One record, so it is atomic: the router's position, and for each lane that is not caught up (or not well) its mark. JSON, because
at night somebody may have to read one with a console consumer; the producer compresses it.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from forwarder.errors import CheckpointError

VERSION = 1

Runs = list[tuple[int, int]]


class Frozen(msgspec.Struct, omit_defaults=True, frozen=True):
    """A batch under way: its offsets in every partition (`topic/partition` -> inclusive runs), so that it can be sent again
    under the same id with the same bytes."""

    runs: dict[str, Runs]
    count: int
    attempts: int


class Mark(msgspec.Struct, omit_defaults=True, frozen=True):
    """Where a lane stands on this partition. `state` is "" unless the lane is disabled or paused; `fingerprint` is that of the
    webhook's configuration then: changing it switches the lane on again. `ahead`: delivered although above the cursor."""

    cursor: int
    frozen: Frozen | None = None
    failures: int = 0
    refused: int = 0
    state: str = ""
    why: str = ""
    fingerprint: str = ""
    ahead: Runs = []


class Checkpoint(msgspec.Struct, omit_defaults=True, frozen=True):
    """`known` are the webhooks that were configured: one that is not in it is new and starts at its `startAt`."""

    epoch: int
    seq: int
    position: int
    lanes: dict[str, Mark] = {}
    known: list[str] = []
    version: int = VERSION
    written_ms: int = 0


class _Head(msgspec.Struct):
    epoch: int
    seq: int
    version: int = VERSION


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
                "to start from startAt"
            )
        return _decoder.decode(record)
    except msgspec.DecodeError as error:
        raise CheckpointError(f"the checkpoint record is not understood: {error}") from None


def order_of(record: bytes) -> tuple[int, int]:
    """`(epoch, seq)`: the highest wins at recovery, whatever arrived last. A broken record loses against any other."""
    try:
        head = _head.decode(record)
    except msgspec.DecodeError:
        return (-1, -1)
    return (head.epoch, head.seq)


def same_content(first: Checkpoint, second: Checkpoint) -> bool:
    """Whether writing `second` after `first` would say nothing new."""
    return (first.position, first.lanes, first.known) == (second.position, second.lanes, second.known)


def runs_of(offsets: set[int]) -> Runs:
    """Inclusive runs of consecutive offsets, ascending."""
    runs: Runs = []
    for offset in sorted(offsets):
        if runs and runs[-1][1] + 1 == offset:
            runs[-1] = (runs[-1][0], offset)
        else:
            runs.append((offset, offset))
    return runs


def offsets_of(runs: Runs) -> set[int]:
    """The reverse of `runs_of`."""
    return {offset for first, last in runs for offset in range(first, last + 1)}


def _largest(lanes: Mapping[str, Mark]) -> list[str]:
    return sorted(lanes, key=lambda name: len(_encoder.encode(lanes[name])), reverse=True)[:5]
