"""How far each partition had come: by its checkpoint, or, where that is lost, by the group's committed offset.

Asks Kafka and decides; changes no lane. Loss is the thing to avoid: what is in doubt is delivered again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from forwarder.clock import Clock
from forwarder.flow.starts import Starts
from forwarder.kafka.group import Committed, Group
from forwarder.model.event import TP
from forwarder.observe.events import CheckpointLost, CheckpointUnknown
from forwarder.observe.observer import Observer
from forwarder.progress.anchor import FIRST, Anchor, Tail, read_anchor
from forwarder.progress.checkpoint import Checkpoint, decode

RETRY_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Progress:
    """`checkpoint` as stored, None where there is none; `resume` is where to go on without it, None where nothing was ever
    committed; `recreated`: the log holds another record than the last one that was routed; `epoch`: the highest ever seen."""

    checkpoint: Checkpoint | None
    resume: int | None = None
    tail: Tail | None = None
    recreated: bool = False
    epoch: int = 0


class Recall:
    """One per worker. `of` is asked whenever partitions come."""

    def __init__(self, group: Group, starts: Starts, observer: Observer, clock: Clock) -> None:
        self._group = group
        self._starts = starts
        self._observer = observer
        self._clock = clock

    async def of(self, owned: Iterable[TP]) -> dict[TP, Progress]:
        """The progress of each partition. Raises CheckpointError for a record that is not understood."""
        tps = sorted(owned)
        records = {tp: self._group.read_checkpoint(tp) for tp in tps}
        checkpoints = {tp: decode(record) for tp, record in records.items() if record is not None}
        committed = await self._committed(tps, needed=len(checkpoints) < len(tps))
        found = {tp: weigh(checkpoints.get(tp), committed.get(tp)) for tp in tps}
        differing = await self._starts.recreated({tp: p.tail for tp, p in found.items() if p.tail is not None})
        for tp, progress in found.items():
            progress = replace(progress, recreated=tp in differing)
            if progress.checkpoint is None and progress.resume is not None:
                progress = await self._resume(tp, progress, committed[tp])
            found[tp] = progress
        return found

    async def _committed(self, tps: list[TP], *, needed: bool) -> Mapping[TP, Committed]:
        """What the group has committed. Not `needed` where every partition has its checkpoint: then no answer will do."""
        while tps and (answer := await self._group.committed(tps)) is None:
            if not needed:
                break
            for topic in sorted({tp.topic for tp in tps}):
                partitions = tuple(tp.partition for tp in tps if tp.topic == topic)
                self._observer.emit(CheckpointUnknown(topic=topic, partitions=partitions))
            await self._clock.sleep(RETRY_SECONDS)
        return (answer or {}) if tps else {}

    async def _resume(self, tp: TP, progress: Progress, committed: Committed) -> Progress:
        """Where to go on when the checkpoint is lost; with a topic that was made anew, at its first record."""
        at = progress.resume or 0
        start = await self._starts.resume(tp, at, recreated=progress.recreated, committed=committed.offset)
        self._observer.emit(
            CheckpointLost(topic=tp.topic, partition=tp.partition, committed=committed.offset, start=start)
        )
        return Progress(None, start, progress.tail if start == at else None, epoch=progress.epoch)


def weigh(checkpoint: Checkpoint | None, committed: Committed | None) -> Progress:
    """Which of the two counts. The group's offset says of which checkpoint it comes: a stored one that is older has survived
    the loss of newer ones (the topic was deleted, or a broker lost its end)."""
    if committed is None or (checkpoint is None and committed.note == FIRST):
        return Progress(checkpoint, tail=checkpoint.tail if checkpoint else None)
    anchor = read_anchor(committed.note)
    if checkpoint is not None and not _newer(anchor, checkpoint):
        return Progress(checkpoint, tail=checkpoint.tail)
    if anchor is None:
        return Progress(None, committed.offset)
    return Progress(None, min(anchor.cursor, committed.offset), anchor.tail, epoch=anchor.epoch)


def _newer(anchor: Anchor | None, checkpoint: Checkpoint) -> bool:
    return anchor is not None and (anchor.epoch, anchor.seq) > (checkpoint.epoch, checkpoint.seq)
