"""Checkpoints: load them when partitions come, write them on a timer and around every drain.

Start, rebalance and crash share one path: load and catch up.
Cycle: commit the *previous* position (a fence: refused means the partitions are no longer ours), then write the new record; the
first one after loading, too, for a worker may have slept between its assignment and that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping

from forwarder.clock import Clock
from forwarder.flow.marks import books, marks, restore
from forwarder.flow.recall import RETRY_SECONDS, Progress, Recall
from forwarder.flow.roster import Roster
from forwarder.flow.starts import Starts
from forwarder.kafka.group import Acknowledged, Failed, Fence, Group
from forwarder.lane.states import LaneState
from forwarder.model.event import TP
from forwarder.observe.declared import CheckpointResult
from forwarder.observe.events import CheckpointFailed, CheckpointRefused, CheckpointShortened, CheckpointUnknown
from forwarder.observe.observer import Observer
from forwarder.progress.anchor import FIRST, anchor_of
from forwarder.progress.checkpoint import Checkpoint, same_content
from forwarder.progress.shorten import fit
from forwarder.source.positions import Positions, Recreated

OWNER_STEP = 100_000
"""A new owner's epoch is above any that the one before can have reached: those grow by 1 for each write that was not answered."""


class Keeper:
    """`last[tp]` is the newest record that the broker has acknowledged; `committed[tp]` the group's offset. `refused`: the partitions
    are no longer ours; `proven`: the group has confirmed the last load."""

    def __init__(
        self,
        group: Group,
        roster: Callable[[], Roster],
        positions: Positions,
        starts: Starts,
        max_bytes: int,
        observer: Observer,
        clock: Clock,
    ) -> None:
        self.last: dict[TP, Checkpoint] = {}
        self.refused = self.proven = False
        self._committed: dict[TP, int] = {}
        self._epoch: dict[TP, int] = {}
        self._doubtful: set[TP] = set()
        self._group = group
        self._roster = roster
        self._positions = positions
        self._starts = starts
        self._recall = Recall(group, starts, observer, clock)
        self._max_bytes = max_bytes
        self._observer = observer
        self._clock = clock
        self._lock = asyncio.Lock()
        observer.metrics.on_scrape(self._tell_ages)

    async def load(self, owned: Iterable[TP]) -> None:
        """Bring every lane to where the checkpoints left it. Returns when first-time positions are in Kafka."""
        async with self._lock, self._roster().changing:
            self.refused = False
            found = await self._recall.of(owned)
            for tp, progress in found.items():
                await self._load(tp, progress)
            new = {tp for tp, progress in found.items() if progress.checkpoint is None}
            notes = {tp: FIRST for tp in new if found[tp].resume is None}
            self.proven = all(await asyncio.gather(*(self._publish(tps, new, notes) for tps in _by_topic(found))))
            self._group.start_at({tp: self._positions.expected[tp] for tp in owned})
            for lane in self._roster():
                if lane.state is not LaneState.DISABLED:
                    for tp in [tp for tp, cursor in lane.behind.items() if cursor == self._positions.expected[tp]]:
                        lane.join(tp)

    async def save(self, *, final: bool = False) -> bool:
        """Write what has changed. True when everything that had changed is in Kafka. `final` commits the new positions too."""
        async with self._lock:
            tps = sorted(self._positions.expected)
            if not tps or self.refused:
                return False
            new = self._snapshot(tps)
            # Apart: a topic that was deleted does not answer, and must not hold up the others.
            saves = [self._save({tp: new[tp] for tp in some}, final) for some in _by_topic(tps)]
            return all(await asyncio.gather(*saves))

    async def _save(self, new: Mapping[TP, Checkpoint], final: bool) -> bool:
        changed = {
            tp: ckpt for tp, ckpt in new.items() if tp in self._doubtful or not same_content(self.last[tp], ckpt)
        }
        behind = any(self._committed.get(tp) != self.last[tp].position for tp in new)
        if (changed or behind) and not await self._fence(list(new)):
            return False
        written = await asyncio.gather(*(self._write(tp, ckpt) for tp, ckpt in changed.items()))
        if final and any(changed):
            await self._fence(list(new))
        return all(written)

    async def prove(self) -> Fence:
        """Ask the group whether our partitions are still ours."""
        async with self._lock:
            tps = sorted(self._positions.expected)
            if self.refused or not tps:
                return Fence.REFUSED if self.refused else Fence.OK
            passed = await asyncio.gather(*(self._fence(some) for some in _by_topic(tps)))
            if self.refused:
                return Fence.REFUSED
            return Fence.OK if any(passed) else Fence.UNKNOWN

    def forget(self) -> None:
        """The partitions went to other workers."""
        self.last.clear()
        self._committed.clear()
        self._epoch.clear()
        self._doubtful.clear()

    def _tell_written(self, tp: TP, shortened: tuple[str, ...]) -> None:
        if shortened:
            self._observer.emit(CheckpointShortened(topic=tp.topic, partition=tp.partition, webhooks=shortened[:20]))
        else:
            self._observer.metrics.topic(tp.topic).checkpoints[CheckpointResult.WRITTEN].inc()

    def _tell_ages(self) -> None:
        for tp, checkpoint in self.last.items():
            bound = self._observer.metrics.partition(tp)
            if bound is not None and checkpoint.written_ms:
                bound.checkpoint_age.set(max(0.0, self._clock.wall() - checkpoint.written_ms / 1000))

    async def _load(self, tp: TP, progress: Progress) -> None:
        found = progress.checkpoint
        loaded = found or await self._first(tp, progress)
        firsts = await self._first_cursors(tp, loaded)
        # No await from here on: a rebalance may cut this short, and half of the lanes must never be saved as all of them.
        self._epoch[tp] = max(loaded.epoch + OWNER_STEP, int(self._clock.wall() * 1000))
        self._positions.load(tp, loaded.position, progress.tail)
        if progress.recreated and progress.tail is not None:
            self._positions.halted[tp] = Recreated(loaded.position, progress.tail[0])
        roster = self._roster()
        for lane in roster:
            restore(lane, tp, loaded, roster.fingerprints[lane.name], firsts.get(lane.name))
        self.last[tp] = loaded

    async def _publish(self, tps: list[TP], new: set[TP], notes: Mapping[TP, str]) -> bool:
        """The first records of this owner. Does not return without one for each of `new`, unless the group refuses; whether it
        confirmed."""
        while not (proven := await self._fence(tps, notes)) and not self.refused and not new.isdisjoint(tps):
            await self._clock.sleep(RETRY_SECONDS)
        if proven:
            records = self._snapshot(tps)
            await asyncio.gather(*(self._insist(tp, records[tp], tp in new) for tp in tps))
        return proven

    async def _insist(self, tp: TP, record: Checkpoint, needed: bool) -> None:
        while not await self._write(tp, record) and needed:
            await self._clock.sleep(RETRY_SECONDS)

    async def _first(self, tp: TP, progress: Progress) -> Checkpoint:
        """What to begin with where no checkpoint is. Where it was lost, every webhook goes on at one place."""
        now_ms = int(self._clock.wall() * 1000)
        if progress.resume is None:
            return Checkpoint(epoch=now_ms, seq=0, position=await self._starts.of_source(tp))
        known = sorted(lane.name for lane in self._roster())
        return Checkpoint(epoch=max(now_ms, progress.epoch), seq=0, position=progress.resume, known=known)

    async def _first_cursors(self, tp: TP, loaded: Checkpoint) -> dict[str, int]:
        """Where webhooks start that were never seen on this partition."""
        new = [lane for lane in self._roster() if not loaded.knows(lane.name)]
        return {lane.name: await self._starts.of_webhook(lane.webhook, tp, loaded.position) for lane in new}

    def _snapshot(self, tps: Iterable[TP]) -> dict[TP, Checkpoint]:
        roster = self._roster()
        now_ms = int(self._clock.wall() * 1000)
        accounts = books(roster, self._positions.expected, tps)
        return {
            tp: Checkpoint(
                epoch=self._epoch[tp],
                seq=self.last[tp].seq + 1 if tp in self.last else 1,
                position=self._positions.expected[tp],
                lanes=lanes,
                books=accounts[tp],
                written_ms=now_ms,
                tail=self._positions.tails.get(tp),
            )
            for tp, lanes in marks(roster, self._positions.expected, tps).items()
        }

    async def _fence(self, tps: list[TP], notes: Mapping[TP, str] | None = None) -> bool:
        offsets = {tp: self.last[tp].position for tp in tps}
        anchors = {tp: anchor_of(self.last[tp]) for tp in tps}
        fence = await self._group.commit(offsets, anchors | {tp: n for tp, n in (notes or {}).items() if tp in anchors})
        if fence is Fence.OK:
            self._committed.update(offsets)
            return True
        for topic in sorted({tp.topic for tp in tps}):
            partitions = tuple(tp.partition for tp in tps if tp.topic == topic)
            if fence is Fence.REFUSED:
                self.refused = True
                self._observer.emit(CheckpointRefused(topic=topic, partitions=partitions))
            else:
                self._observer.emit(CheckpointUnknown(topic=topic, partitions=partitions))
        return False

    async def _write(self, tp: TP, checkpoint: Checkpoint) -> bool:
        # Raises CheckpointError, which ends the worker, where even the cursors are too large: nothing smaller would be true.
        record, shortened = fit(checkpoint, self._max_bytes)
        # It may land even when nobody says so, or when we are cut off: the next record must be newer than this one.
        self._epoch[tp] += 1
        answer = await self._group.write_checkpoint(tp, record)
        if isinstance(answer, Acknowledged):
            self._epoch[tp] = checkpoint.epoch
            self.last[tp] = checkpoint
            self._doubtful.discard(tp)
            self._tell_written(tp, shortened)
            return True
        # The topic itself may be gone, with what it held of partitions where nothing happens: they are written again, too.
        self._doubtful.update(other for other in self.last if other.topic == tp.topic)
        if isinstance(answer, Failed):
            self._observer.emit(CheckpointFailed(topic=tp.topic, error=answer.text, partitions=(tp.partition,)))
        else:
            self._observer.emit(CheckpointUnknown(topic=tp.topic, partitions=(tp.partition,)))
        return False


def _by_topic(tps: Iterable[TP]) -> list[list[TP]]:
    ordered = sorted(tps)
    return [[tp for tp in ordered if tp.topic == topic] for topic in sorted({tp.topic for tp in ordered})]
