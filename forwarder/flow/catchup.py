"""Catch-up: one reader per partition reads again from Kafka what lanes have skipped, until each joins the shared read.

A pass starts at the lowest cursor among the lanes that have room and feeds every such lane that it passes. Lanes without room are
left for a later pass. Nothing is decided here about who wants an event (the router) or how much fits (the lane).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from forwarder.clock import Clock
from forwarder.flow.intake import Intake
from forwarder.flow.roster import Roster
from forwarder.kafka.reader import OutOfRange, Reader, ReadResult, Unavailable
from forwarder.lane.lane import Lane
from forwarder.model.event import TP, Event
from forwarder.observe.events import CatchUpFinished, CatchUpStarted, RetentionLoss
from forwarder.observe.observer import Observer
from forwarder.source.positions import Positions

PASS_RECORDS = 500
"""Records per pass: few enough that live lanes are served in between."""

PASS_SECONDS = 0.1
"""How long a pass waits for records at the end of the log."""

LINGER_SECONDS = 10.0
"""How long an idle reader keeps its connection: a lane that is slow asks again every few milliseconds."""

FAILED_SECONDS = 1.0


class CatchUp:
    """`open_reader` makes a reader for one partition. `crash` is called with an error that nobody expected."""

    def __init__(
        self,
        roster: Roster,
        intake: Intake,
        positions: Positions,
        open_reader: Callable[[TP], Reader],
        observer: Observer,
        clock: Clock,
        crash: Callable[[BaseException], None],
    ) -> None:
        self.halted: set[TP] = set()
        self._roster = roster
        self._intake = intake
        self._positions = positions
        self._open_reader = open_reader
        self._observer = observer
        self._clock = clock
        self._crash = crash
        self._tasks: dict[TP, asyncio.Task[None]] = {}
        self._room: dict[TP, asyncio.Event] = {}
        self._kicked = False
        self._following: set[tuple[str, TP]] = set()

    def kick(self) -> None:
        """A lane has room or fell behind: look again, once per turn of the loop however often this is called."""
        if not self._kicked:
            self._kicked = True
            asyncio.get_running_loop().call_soon(self._look)

    async def stop(self) -> None:
        """End all readers."""
        tasks, self._tasks = list(self._tasks.values()), {}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        self._following.clear()

    def _look(self) -> None:
        self._kicked = False
        for tp in self._positions.expected:
            if tp in self.halted or not self._waiting(tp):
                continue
            if tp in self._tasks:
                self._room[tp].set()
            else:
                self._room[tp] = asyncio.Event()
                task = asyncio.get_running_loop().create_task(self._follow(tp))
                self._tasks[tp] = task
                task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        for tp, running in list(self._tasks.items()):
            if running is task:
                del self._tasks[tp]
        if task.cancelled():
            return
        if task.exception() is not None:
            self._crash(task.exception() or RuntimeError("unknown"))
        else:
            self.kick()  # whoever asked while it ended has not been heard

    async def _follow(self, tp: TP) -> None:
        reader = self._open_reader(tp)
        try:
            while True:
                lanes = [lane for lane in self._waiting(tp) if not self._joined(lane, tp)]
                if lanes:
                    await self._pass(tp, reader, lanes)
                    continue
                room = self._room[tp]
                room.clear()
                try:
                    await asyncio.wait_for(room.wait(), LINGER_SECONDS)
                except TimeoutError:
                    return
        finally:
            await reader.close()

    async def _pass(self, tp: TP, reader: Reader, lanes: Sequence[Lane]) -> None:
        for lane in lanes:
            self._tell_started(lane, tp)
        low = min(lane.behind[tp] for lane in lanes)
        got = await self._read(reader, low)
        received = self._clock.monotonic()
        match got:
            case Unavailable():
                await reader.close()
                await self._clock.sleep(FAILED_SECONDS)
            case OutOfRange(log_start=log_start):
                await self._out_of_range(tp, log_start, low, lanes)
            case chunk:
                self._observer.metrics.topic(tp.topic).catchup_read.inc(len(chunk))
                self._feed(tp, self._intake.decode(tp, chunk), chunk.start, chunk.end)
        # Half of the loop's time at most: live lanes and attempts come first.
        await self._clock.sleep(min(0.05, self._clock.monotonic() - received))

    async def _read(self, reader: Reader, low: int) -> ReadResult:
        if not reader.is_open:
            unavailable = await reader.open(low)
            if unavailable is not None:
                return unavailable
        elif reader.position != low:
            reader.seek(low)
        return await reader.read(PASS_RECORDS, PASS_SECONDS)

    async def _out_of_range(self, tp: TP, log_start: int, low: int, lanes: Sequence[Lane]) -> None:
        if log_start > low:
            self._lost(tp, log_start, lanes)
        else:
            # Beyond the end: the topic was made anew. The tail guard says so and halts the partition.
            await self._clock.sleep(FAILED_SECONDS)

    def _feed(self, tp: TP, events: Sequence[Event], start: int, end: int) -> None:
        """Give each lane what it wants of `[start, end)`, up to where the router is: the rest comes by the shared read."""
        expected = self._positions.expected.get(tp)
        if expected is None:
            return
        upto = min(end, expected)
        wanted: dict[Lane, list[Event]] = {
            lane: [] for lane in self._roster if lane.wants(tp) and start <= lane.behind[tp] < upto
        }
        self._sort(events, upto, wanted)
        now = self._clock.monotonic()
        for lane, some in wanted.items():
            cursor = lane.behind[tp]
            taken = lane.feed(tp, [event for event in some if event.offset >= cursor], upto, now)
            self._observer.metrics.webhook(lane.name).caught_up.inc(taken)
            self._joined(lane, tp)

    def _sort(self, events: Sequence[Event], upto: int, wanted: dict[Lane, list[Event]]) -> None:
        match, faulty, unreadable = self._roster.router.match, self._roster.faulty, self._roster.unreadable
        for event in events:
            if event.offset >= upto:
                break
            if event.problem is not None:
                if unreadable in wanted:
                    wanted[unreadable].append(event)
                continue
            for lane in match(event):
                if lane in wanted:
                    wanted[lane].append(event)
            for lane, doomed in faulty:
                if lane in wanted:
                    wanted[lane].append(doomed)
            faulty.clear()

    def _waiting(self, tp: TP) -> list[Lane]:
        """Those that want to be fed. One whose `startAt` lies ahead of the router waits until the router has come there."""
        expected = self._positions.expected.get(tp, -1)
        return [lane for lane in self._roster if lane.wants(tp) and lane.behind[tp] <= expected]

    def _joined(self, lane: Lane, tp: TP) -> bool:
        """Join the lane to the shared read if it has reached the router. No await lies between this look and the join."""
        expected = self._positions.expected.get(tp)
        if expected is None or lane.behind.get(tp, expected) < expected:
            return False
        lane.join(tp)
        if (lane.name, tp) in self._following:
            self._following.discard((lane.name, tp))
            self._observer.emit(
                CatchUpFinished(webhook=lane.name, topic=tp.topic, partition=tp.partition, position=expected)
            )
        return True

    def _lost(self, tp: TP, log_start: int, lanes: Sequence[Lane]) -> None:
        """Kafka has deleted what these lanes had not read: count it and go on where the log begins now."""
        for lane in lanes:
            cursor = lane.behind.get(tp, log_start)
            if cursor >= log_start:
                continue
            lost = lane.skip(tp, log_start)
            self._observer.emit(
                RetentionLoss(
                    webhook=lane.name, topic=tp.topic, partition=tp.partition,
                    cursor=cursor, log_start=log_start, count=lost,
                )
            )  # fmt: skip

    def _tell_started(self, lane: Lane, tp: TP) -> None:
        if (lane.name, tp) not in self._following:
            self._following.add((lane.name, tp))
            self._observer.emit(
                CatchUpStarted(
                    webhook=lane.name, topic=tp.topic, partition=tp.partition,
                    cursor=lane.behind[tp], position=self._positions.expected.get(tp, 0),
                )
            )  # fmt: skip
