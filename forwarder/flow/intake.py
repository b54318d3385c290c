"""Chunks to lanes: guard the position, decode, route, offer. Synchronous: the router never waits for anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from forwarder.clock import Clock
from forwarder.flow.roster import Roster
from forwarder.kafka.records import Chunk, Record
from forwarder.lane.lane import Lane
from forwarder.model.event import TP, Event, Unreadable
from forwarder.observe.events import GapFound, RecordUnreadable
from forwarder.observe.observer import Observer
from forwarder.source.decode import Decoder
from forwarder.source.positions import Admission, Positions


class Intake:
    """The shared read. Also decodes and routes for catch-up, so that both see an event in the same way."""

    def __init__(
        self, roster: Roster, decoders: Mapping[str, Decoder], positions: Positions, observer: Observer, clock: Clock
    ) -> None:
        self.closed = True
        self._roster = roster
        self._decoders = decoders
        self._positions = positions
        self._observer = observer
        self._clock = clock

    def take(self, tp: TP, chunk: Chunk) -> None:
        """One chunk of the shared read. A chunk that comes while intake is closed is left to the next owner of the position."""
        if self.closed:
            return
        verdict = self._positions.admit(tp, chunk.start, chunk.end, chunk.seek)
        if verdict.admission in (Admission.STALE, Admission.UNKNOWN, Admission.REWOUND):
            return
        if chunk:
            self._positions.tails[tp] = (chunk[-1].offset, chunk[-1].timestamp)
        if verdict.admission is Admission.GAP:
            self._gap(tp, verdict.expected, verdict.first)
        records: Sequence[Record] = chunk
        if chunk and chunk[0].offset < verdict.first:
            records = [record for record in chunk if record.offset >= verdict.first]
        self._observer.metrics.topic(tp.topic).read.inc(len(records))
        self._roster.routed[tp] = self._roster.routed.get(tp, 0) + len(records)
        events = self.decode(tp, records)
        self._roster.catalogue.note(tp.topic, events, self._clock.wall())
        self._offer(tp, events)

    def decode(self, tp: TP, records: Sequence[Record]) -> list[Event]:
        """Records as events. Never fails: what cannot be read is an event with a problem."""
        return self._decoders[tp.topic].decode_all(tp, cast(Any, records))

    def skipped(self, tp: TP, upto: int) -> None:
        """The consumer skipped everything up to `upto` and no record betrayed it: the lanes read it from Kafka."""
        expected = self._positions.expected[tp]
        self._positions.expected[tp] = upto
        self._gap(tp, expected, upto)

    def tell_unreadable(self, events: Sequence[Event]) -> None:
        """Count and tell records that cannot be read: one line per reason, however many there are."""
        by_reason: dict[Unreadable, list[Event]] = {}
        for event in events:
            if event.problem is not None:
                by_reason.setdefault(event.problem, []).append(event)
        for reason, bad in by_reason.items():
            first = bad[0]
            self._observer.emit(
                RecordUnreadable(
                    topic=first.tp.topic, partition=first.tp.partition, offset=first.offset,
                    reason=reason, detail=first.detail, count=len(bad),
                )
            )  # fmt: skip

    def _gap(self, tp: TP, expected: int, first: int) -> None:
        self._observer.emit(GapFound(topic=tp.topic, partition=tp.partition, expected=expected, start=first))
        for lane in self._roster:
            lane.fall_behind(tp, expected)

    def _offer(self, tp: TP, events: Sequence[Event]) -> None:
        """Sort the chunk by lane, keeping its order in each, then offer each lane its share at once."""
        match, unreadable, faulty = self._roster.router.match, self._roster.unreadable, self._roster.faulty
        shares: dict[Lane, list[Event]] = {}
        for event in events:
            if event.problem is not None:
                shares.setdefault(unreadable, []).append(event)
                continue
            for lane in match(event):
                try:
                    shares[lane].append(event)
                except KeyError:
                    shares[lane] = [event]
            if faulty:
                for lane, doomed in faulty:
                    shares.setdefault(lane, []).append(doomed)
                faulty.clear()
        now = self._clock.monotonic()
        for lane, share in shares.items():
            lane.offer(tp, share, now)
        if unreadable in shares:
            self.tell_unreadable(shares[unreadable])
