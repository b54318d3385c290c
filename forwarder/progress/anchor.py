"""What is kept beside the group's committed offset: enough to go on without loss when the checkpoint topic itself is lost.

Kafka keeps at most 4096 bytes there. Knows nothing of Kafka; anybody may have committed an offset, so any text is read.
"""

from __future__ import annotations

import msgspec

from forwarder.progress.checkpoint import Checkpoint

FIRST = "first"
"""The text beside an offset that was committed only to ask the group, before there was any checkpoint: it stands for no progress."""

Tail = tuple[int, int]
"""Offset and timestamp (milliseconds) of the last record that was routed: a topic made anew holds another one there."""


class Anchor(msgspec.Struct, omit_defaults=True, frozen=True):
    """`epoch` and `seq` of the checkpoint that the committed offset comes from; `cursor` is the lowest of its lanes that
    were switched on."""

    epoch: int
    seq: int
    cursor: int
    tail: Tail | None = None


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Anchor)


def anchor_of(checkpoint: Checkpoint) -> str:
    """The text for a commit of this checkpoint's position."""
    cursors = (mark.cursor for mark in checkpoint.lanes.values() if not mark.state)
    lowest = min((checkpoint.position, *cursors))
    return _encoder.encode(Anchor(checkpoint.epoch, checkpoint.seq, lowest, checkpoint.tail)).decode()


def read_anchor(text: str) -> Anchor | None:
    """None for a text that is not ours, such as that of an offset which an operator has set."""
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
