"""Does what lanes want done: attempts, dead letters, ledger entries; and reports back. One task per action, none per lane.

Every failure is handled in one place each: a verdict for an attempt, a back-off for a write. Anything else crashes the worker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

from forwarder.clock import Clock
from forwarder.deliver import backoff
from forwarder.deliver.sender import Prepared, Sender, Unsendable
from forwarder.flow.attempts import Attempts
from forwarder.flow.letters import Letters
from forwarder.flow.roster import Roster
from forwarder.lane.actions import Action, Send, WriteDeadLetters, WriteLedger
from forwarder.lane.budget import Budget
from forwarder.lane.lane import Lane
from forwarder.lane.timers import Timers
from forwarder.model.attempt import Attempt, Failure, Fault
from forwarder.model.batch import Batch
from forwarder.model.verdict import Delivered, Held, Pace, Partial, Retry, Verdict

WRITE_CAP_SECONDS = 30.0
"""The longest pause before a dead letter or ledger entry is written again: Kafka does not mind being asked, unlike an endpoint."""


@dataclass(frozen=True, slots=True)
class Underway:
    """An action that was started and has not ended."""

    lane: Lane
    action: Action
    task: asyncio.Task[None]


class Dispatcher:
    """`random` gives floats in [0, 1). `crash` is called with an error that nobody expected."""

    def __init__(
        self,
        roster: Callable[[], Roster],
        letters: Letters,
        budget: Budget,
        attempts: Attempts,
        clock: Clock,
        random: Callable[[], float],
        crash: Callable[[BaseException], None],
    ) -> None:
        self.timers: Timers[Lane] = Timers(self._due)
        self.held = False
        self.doubtful: Callable[[], bool] = lambda: False
        self._roster = roster
        self._letters = letters
        self._budget = budget
        self._attempts = attempts
        self._clock = clock
        self._random = random
        self._crash = crash
        self._tasks: dict[asyncio.Task[None], Underway] = {}
        self._started = 0

    def wake(self, lane: Lane, when: float) -> None:
        """Serve the lane at `when` (monotonic seconds), or earlier if it is to be served earlier already."""
        if when < self.timers.due(lane):
            self.timers.schedule(lane, when)

    def serve(self, lane: Lane) -> None:
        """Start everything that the lane wants started now, and set its next due time."""
        if self.held or self.doubtful():
            return
        now, wall = self._clock.monotonic(), self._clock.wall()
        for action in lane.poll(now, wall):
            self._start(lane, action)
        self.timers.schedule(lane, lane.next_poll(now, wall))

    def _due(self, lane: Lane) -> None:
        """A lane's time has come. The loop would only log an error here, and the lane would stand still for ever."""
        try:
            self.serve(lane)
        except Exception as error:
            self._crash(error)

    async def drain(self, seconds: float) -> int:
        """Wait for actions under way; after `seconds` (or when cut off) cancel what is left. Returns how many those were."""
        left: list[asyncio.Task[None]] = []
        try:
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=seconds)
        finally:
            left += [task for task in self._tasks if not task.done()]
            for task in left:
                task.cancel()
        if left:
            await asyncio.wait(left)
        return len(left)

    @property
    def in_flight(self) -> int:
        return len(self._tasks)

    @property
    def underway(self) -> Iterator[Underway]:
        """What was started and has not ended."""
        return iter(list(self._tasks.values()))

    def _start(self, lane: Lane, action: Action) -> None:
        self._started += 1
        name = f"{lane.name} {type(action).__name__} {self._started}"
        task = asyncio.get_running_loop().create_task(self._act(lane, action), name=name)
        self._tasks[task] = Underway(lane, action, task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        ended = self._tasks.pop(task, None)
        if ended is not None and isinstance(ended.action, Send):
            ended.lane.flights.gate.release()  # here, for a task that was cut off before its first step has done nothing else
        if not task.cancelled() and task.exception() is not None:
            self._crash(task.exception() or RuntimeError("unknown"))

    async def _act(self, lane: Lane, action: Action) -> None:
        match action:
            case Send():
                await self._send(lane, action)
            case WriteDeadLetters(part=part):
                await self._write(lane, action, self._letters.dead_letters(lane.name, part))
            case WriteLedger(part=part):
                record = lane.policy.on_discard == "record"
                await self._write(lane, action, self._letters.discards(lane.name, part) if record else _done())
        self.serve(lane)

    async def _send(self, lane: Lane, action: Send) -> None:
        part = action.part
        sender = self._roster().senders.get(lane.name) or self._roster().sender_for(lane.webhook)
        prepared = part.prepared if isinstance(part.prepared, Prepared) else None
        if prepared is None:
            made = sender.prepare(Batch(lane.name, part.events, action.flight.number))
            if isinstance(made, Unsendable):
                attempt = Attempt("", part.attempts, made.failure, 0.0)
                return self._conclude(lane, action, attempt, sender.judge(made, made.failure, len(part.events)))
            part.prepared = prepared = made
        attempt = await self._attempt(sender, prepared, action)
        self._conclude(lane, action, attempt, sender.judge(prepared, attempt.result, len(part.events)))

    async def _attempt(self, sender: Sender, prepared: Prepared, action: Send) -> Attempt:
        part, size = action.part, prepared.content_length
        self._budget.charge(size)
        # Also known of an attempt that a kill cuts off: its dead letters may be written by the next owner.
        part.last_attempt = self._clock.wall()
        part.first_attempt = part.first_attempt or part.last_attempt
        try:
            return await sender.attempt(prepared, part.attempts, action.discarded)
        except asyncio.CancelledError:
            cancelled = Failure(Fault.CANCELLED, "stopped before an answer came")
            return Attempt(prepared.batch_id, part.attempts, cancelled, 0.0)
        finally:
            self._budget.release(size)

    def _conclude(self, lane: Lane, action: Send, attempt: Attempt, verdict: Verdict) -> None:
        now, wall = self._clock.monotonic(), self._clock.wall()
        events = action.part.events
        delay = self._delay(lane, verdict)
        lane.on_verdict(action.flight, attempt, verdict, now, wall, delay)
        if isinstance(verdict, Delivered) or (isinstance(verdict, Partial) and attempt.batch_id):
            lane.holding.told(dict(action.discarded))
        self._attempts.finished(lane, events, attempt, verdict, wall, max(0.0, action.flight.retry_at - now))

    def _delay(self, lane: Lane, verdict: Verdict) -> float:
        if isinstance(verdict, Held):
            return backoff.delay(Pace.NORMAL, lane.flights.held + 1, lane.policy.retry, self._random())
        if not isinstance(verdict, Retry | Partial):
            return 0.0
        pace = verdict.pace if isinstance(verdict, Retry) else Pace.NORMAL
        return backoff.delay(pace, lane.flights.failures + 1, lane.policy.retry, self._random())

    async def _write(
        self, lane: Lane, action: WriteDeadLetters | WriteLedger, writing: Coroutine[Any, Any, bool]
    ) -> None:
        try:
            ok = await writing
        except asyncio.CancelledError:
            ok = False
        action.part.failed_writes += 0 if ok else 1
        wait = backoff.delay(Pace.NORMAL, action.part.failed_writes, lane.policy.retry, self._random())
        lane.on_written(action.flight, ok, self._clock.monotonic(), min(wait, WRITE_CAP_SECONDS))


async def _done() -> bool:
    return True
