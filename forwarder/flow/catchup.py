"""Catch-up: reads again from Kafka what lanes have skipped, once for all lanes behind on a partition, until each has joined.

One task per partition that has somebody behind. Where to read next is decided by the itinerary, how much of the loop's time that may
take by the pacer, who wants an event by the router, and how much fits by the lane.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

from forwarder.clock import Clock
from forwarder.flow.catchup_itinerary import LEG_RECORDS, Appetite, Coach, Itinerary, Leg, Rest
from forwarder.flow.catchup_pacer import Pacer
from forwarder.flow.catchup_riders import Riders, Survey, appetite_of, not_before, shares, survey
from forwarder.flow.intake import Intake
from forwarder.flow.roster import Roster
from forwarder.kafka.reader import OutOfRange, Reader, ReadResult, Unavailable
from forwarder.kafka.records import Chunk
from forwarder.lane.lane import Lane
from forwarder.model.event import TP, Event
from forwarder.observe.events import CatchUpFinished, CatchUpStarted, RetentionLoss
from forwarder.observe.observer import Observer
from forwarder.source.positions import Positions

PASS_RECORDS = 2_000
"""Records that lanes are fed with at once: many lanes are looked at per pass, so it must not be few."""

PIECE_RECORDS = 500  # decoded before others get the loop

LEG_SECONDS = 0.2
"""A leg ends after this time at the latest, so that no partition and no lane waits long for the next decision."""

PASS_SECONDS = 0.1
"""How long a pass waits for records at the end of the log."""

LOOK_SECONDS = 0.02
"""Time between two looks at all lanes: they call for room as often as batches are delivered."""

LINGER_SECONDS = 10.0
"""How long an idle reader keeps its connection: a slow lane asks again soon."""

FAILED_SECONDS = 1.0


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    if tasks:
        await asyncio.wait(tasks)


@dataclass(slots=True)
class _Journey:
    """What is known of one partition: its readers with the time of their last use, and when each lane behind was fed last.
    `over`: the partition is given up, and whoever is still at it must touch no lane."""

    tp: TP
    over: bool = False
    itinerary: Itinerary = field(default_factory=Itinerary)
    readers: dict[Coach, tuple[Reader, float]] = field(default_factory=dict)
    fed: dict[Lane, float] = field(default_factory=dict)
    room: asyncio.Event = field(default_factory=asyncio.Event)


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
        self._pacer = Pacer(clock)
        self._tasks: dict[TP, asyncio.Task[None]] = {}
        self._journeys: dict[TP, _Journey] = {}
        self._kicked = False
        self._looked = -math.inf
        self._following: set[tuple[str, TP]] = set()

    def kick(self) -> None:
        """A lane has room or fell behind: look again, soon, but not for each of many calls."""
        if not self._kicked:
            self._kicked = True
            wait = max(0.0, self._looked + LOOK_SECONDS - self._clock.monotonic())
            asyncio.get_running_loop().call_later(wait, self._look)

    def stop(self) -> Coroutine[Any, Any, None]:
        """From this call on no lane is fed. The result waits until connections are closed, which a broker can delay."""
        tasks, self._tasks = list(self._tasks.values()), {}
        for journey in self._journeys.values():
            journey.over = True
        for task in tasks:
            task.cancel()
        self._following.clear()
        return _end(tasks)

    def task(self, tp: TP) -> asyncio.Task[None] | None:
        """Who reads `tp` again, if anybody."""
        return self._tasks.get(tp)

    def _look(self) -> None:
        self._kicked = False
        self._looked = self._clock.monotonic()
        for tp, router in self._positions.expected.items():
            if tp in self.halted:
                continue
            if tp in self._tasks:
                self._journeys[tp].room.set()
            elif any(lane.wants(tp) and lane.behind[tp] <= router for lane in self._roster):
                self._journeys[tp] = _Journey(tp)
                task = asyncio.get_running_loop().create_task(self._follow(self._journeys[tp]))
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

    async def _follow(self, journey: _Journey) -> None:
        tp = journey.tp
        try:
            while not journey.over:
                now = self._clock.monotonic()
                found = self._survey(journey, now)
                step = journey.itinerary.next(found.stops, self._positions.expected.get(tp, 0), now)
                if isinstance(step, Leg):
                    await self._ride(journey, step, found)
                elif not await self._rest(journey, step):
                    return
        finally:
            for reader, _ in journey.readers.values():
                await reader.close()

    def _survey(self, journey: _Journey, now: float) -> Survey:
        """Who is behind. Whoever has reached the router joins: no await lies between the look and the join."""
        tp = journey.tp
        router = self._positions.expected.get(tp)
        if router is None:
            return Survey([], [])
        for lane in self._roster:
            if lane.behind.get(tp) == router and appetite_of(lane, tp) is Appetite.HUNGRY:
                self._joined(lane, tp)
        found = survey(self._roster, tp, router, journey.fed, now)
        journey.fed = {lane: journey.fed.get(lane, now) for lane in found.lanes}
        return found

    async def _rest(self, journey: _Journey, rest: Rest) -> bool:
        """Wait for a call; False when none came for so long that the connection is not worth keeping."""
        journey.room.clear()
        try:
            async with asyncio.timeout(min(rest.seconds, LINGER_SECONDS)):  # wait_for can swallow a cancellation
                await journey.room.wait()
        except TimeoutError:
            return rest.seconds < LINGER_SECONDS
        await self._clock.sleep(LOOK_SECONDS)
        return True

    async def _ride(self, journey: _Journey, leg: Leg, found: Survey) -> None:
        """One leg: pass after pass, until it is long enough or nobody is left to read for."""
        tp, started = journey.tp, self._clock.monotonic()
        reader = await self._reader(journey, leg.coach)
        riders, position, end = Riders(found, tp, leg.start), leg.start, leg.start + LEG_RECORDS
        records = taken = 0
        while position < min(end, self._positions.expected.get(tp, 0)) and (not records or riders.go_on(position, end)):
            got = await self._read(reader, position)
            if not isinstance(got, Chunk):
                await self._trouble(tp, reader, got, position, found.lanes)
                break
            self._observer.metrics.topic(tp.topic).catchup_read.inc(len(got))
            taken += await self._serve(journey, got, riders)
            records, position = records + len(got), got.end
            if got.end == got.start or self._clock.monotonic() - started >= LEG_SECONDS:
                break
        journey.itinerary.rode(leg, position, records, taken)

    async def _reader(self, journey: _Journey, coach: Coach) -> Reader:
        """The coach's reader. The other one is closed when it was not used for long."""
        now = self._clock.monotonic()
        for idle, (reader, used) in list(journey.readers.items()):
            if idle is not coach and now - used > LINGER_SECONDS:
                del journey.readers[idle]
                await reader.close()
        reader = journey.readers[coach][0] if coach in journey.readers else self._open_reader(journey.tp)
        journey.readers[coach] = reader, now
        return reader

    async def _read(self, reader: Reader, position: int) -> ReadResult:
        if not reader.is_open:
            unavailable = await reader.open(position)
            if unavailable is not None:
                return unavailable
        elif reader.position != position:
            reader.seek(position)
        return await reader.read(PASS_RECORDS, PASS_SECONDS)

    async def _serve(self, journey: _Journey, chunk: Chunk, riders: Riders) -> int:
        """Decode in pieces, others in between; then feed everybody at once, so that no lane can change between two of its events."""
        tp = journey.tp
        events: list[Event] = []
        async with self._pacer:
            for at in range(0, len(chunk), PIECE_RECORDS):
                if at:
                    await self._pacer.pause()
                events += self._intake.decode(tp, chunk[at : at + PIECE_RECORDS])
            return self._feed(journey, events, chunk.start, chunk.end, riders)

    def _feed(self, journey: _Journey, events: Sequence[Event], start: int, end: int, riders: Riders) -> int:
        """Give each lane what it wants of `[start, end)`, up to where the router is: the rest comes by the shared read.

        Returns how many events were taken.
        """
        tp = journey.tp
        router = self._positions.expected.get(tp)
        if router is None or journey.over:
            return 0
        upto, now = min(end, router), self._clock.monotonic()
        lanes = riders.over(start, upto)
        for lane in lanes:
            self._tell_started(lane, tp)
        records = [event.offset for event in events]
        total = 0
        for lane, some in shares(self._roster, events, upto, lanes).items():
            taken = lane.feed(tp, not_before(some, lane.behind[tp]), upto, now, records)
            journey.fed[lane] = now
            total += taken
            if taken:
                self._observer.metrics.webhook(lane.name).caught_up.inc(taken)
            if upto == router:
                self._joined(lane, tp)
        return total

    async def _trouble(
        self, tp: TP, reader: Reader, got: OutOfRange | Unavailable, position: int, lanes: Sequence[Lane]
    ) -> None:
        if isinstance(got, OutOfRange) and got.log_start > position:
            self._lost(tp, got.log_start, lanes)
            return
        # Beyond the end, the topic was made anew: the tail guard says so and halts the partition.
        if isinstance(got, Unavailable):
            await reader.close()
        await self._clock.sleep(FAILED_SECONDS)

    def _joined(self, lane: Lane, tp: TP) -> None:
        """Join the lane to the shared read if it has reached the router. No await lies between this look and the join."""
        expected = self._positions.expected.get(tp)
        if expected is None or lane.behind.get(tp, expected) < expected:
            return
        lane.join(tp)
        if (lane.name, tp) in self._following:
            self._following.discard((lane.name, tp))
            self._observer.emit(
                CatchUpFinished(webhook=lane.name, topic=tp.topic, partition=tp.partition, position=expected)
            )

    def _lost(self, tp: TP, log_start: int, lanes: Sequence[Lane]) -> None:
        """Kafka has deleted what these lanes had not read: count it and go on where the log begins now."""
        for lane in lanes:
            cursor = lane.behind.get(tp, log_start)
            if cursor >= log_start or appetite_of(lane, tp) in (None, Appetite.FULL):
                continue
            self._tell_started(lane, tp)
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
