"""A checkpoint that would be too large says less: what is left out is delivered again after a crash, never lost. Pure.

A lane's cursor stays; given up are, the largest first, what it has delivered above the cursor and the batch that was under way.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from forwarder.errors import CheckpointError
from forwarder.progress.checkpoint import Checkpoint, Mark, encode

_encoder = msgspec.json.Encoder()
_WITHOUT_LIMIT = 2**62


def fit(checkpoint: Checkpoint, max_bytes: int) -> tuple[bytes, tuple[str, ...]]:
    """The record, and the names of the lanes that were shortened to fit (none when it is small enough as it is).

    Raises CheckpointError, naming the lanes, when even the cursors are larger than `max_bytes`.
    """
    whole = encode(checkpoint, _WITHOUT_LIMIT)
    if len(whole) <= max_bytes:
        return whole, ()
    excess, shortened = len(whole) - max_bytes, set[str]()
    lanes = dict(checkpoint.lanes)
    for size, name, field in sorted(_luggage(lanes), reverse=True):
        if excess <= 0:
            break
        lanes[name] = msgspec.structs.replace(lanes[name], **{field: [] if field == "ahead" else None})
        shortened.add(name)
        excess -= size
    try:
        return encode(msgspec.structs.replace(checkpoint, lanes=lanes), max_bytes), tuple(sorted(shortened))
    except CheckpointError as error:
        raise CheckpointError(f"{error}; nothing more can be left out: raise checkpoint.maxBytes") from None


def _luggage(lanes: dict[str, Mark]) -> Iterator[tuple[int, str, str]]:
    """What can be left out: its size in bytes, the lane, the field."""
    for name, mark in lanes.items():
        if mark.ahead:
            yield len(_encoder.encode(mark.ahead)), name, "ahead"
        if mark.frozen is not None:
            yield len(_encoder.encode(mark.frozen)), name, "frozen"
