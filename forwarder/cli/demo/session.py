"""The course of the demo: produce, show, come back to life, stop, wait for the tail, judge. Starts no process itself."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from forwarder.cli.behaviour import Ok
from forwarder.cli.demo.judge import Evidence, judge
from forwarder.cli.demo.produce import Factory
from forwarder.cli.demo.record import Ledger
from forwarder.cli.demo.scenario import ACTORS
from forwarder.cli.demo.scrape import Snapshot, snapshot
from forwarder.cli.demo.screen import Screen
from forwarder.cli.demo.stage import Stage, stage
from forwarder.cli.demo.view import books
from forwarder.clock import Clock, SystemClock

_LOOK_SECONDS = 0.5
_TAIL_SHARE, _TAIL_SECONDS = 0.25, 8.0
"""Producing stops this much before the end, so that slow windows close within the time given."""
_GRACE_SECONDS = 15.0
_RETURN_SECONDS = 20.0
_STOP_SECONDS = 20.0


@dataclass(slots=True)
class Session:
    """`seconds` is None to run until a signal. `rate` is in events per second."""

    folder: Path
    seconds: float | None
    rate: float
    screen: Screen
    clock: Clock = field(default_factory=SystemClock)
    _stopped: asyncio.Event = field(default_factory=asyncio.Event)
    _playing: bool = False

    async def run(self) -> bool:
        """Whether everything came out as promised. Raises ForwarderError when the demo itself cannot run.

        A first SIGINT or SIGTERM ends the play in order; one before or after that breaks everything off (CancelledError).
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._signalled, asyncio.current_task())
        ledger = Ledger()
        async with stage(self.folder, self.screen.say) as running:
            await self._play(running, ledger)
            last = await self._settle(running, ledger)
            self.screen.close()
            code = await running.forwarder.terminate(_STOP_SECONDS)
        return self._conclude(ledger, running, last, code)

    def _signalled(self, task: asyncio.Task[Any] | None) -> None:
        if self._playing and not self._stopped.is_set():
            self._stopped.set()
        elif task is not None:
            task.cancel()

    def _conclude(self, ledger: Ledger, running: Stage, last: Snapshot, code: int) -> bool:
        evidence = _evidence(ledger, running, last)
        complaints = judge(evidence, len(ledger.places), last.read)
        if code != 0:
            complaints.append(f"Forwarder ended with exit code {code} at SIGTERM")
        self.screen.books(books(evidence, len(ledger.places)))
        self.screen.verdict(complaints)
        return not complaints

    async def _play(self, running: Stage, ledger: Ledger) -> None:
        """Until it is time to stop producing."""
        factory = Factory(running.kafka, self.rate, ledger, self.clock)
        enough = asyncio.Event()
        producing = asyncio.create_task(factory.run(enough))
        started = self.clock.monotonic()
        self._playing = True
        try:
            while not (self._stopped.is_set() or producing.done() or self._over(started)):
                await self._revive(running, started)
                await self._look(running)
        finally:
            enough.set()
            await asyncio.wait({producing})
            await factory.close()
        producing.result()

    def _over(self, started: float) -> bool:
        if self.seconds is None:
            return False
        tail = min(_TAIL_SECONDS, self.seconds * _TAIL_SHARE)
        return self.clock.monotonic() - started >= self.seconds - tail

    async def _revive(self, running: Stage, started: float) -> None:
        """Let those come back that were dead at first."""
        after = _RETURN_SECONDS if self.seconds is None else self.seconds / 3
        if self.clock.monotonic() - started < after:
            return
        for actor in ACTORS:
            receiver = running.receivers[actor.name]
            if actor.dead_until_third and not isinstance(receiver.behaviour, Ok):
                await receiver.behave(Ok())
                self.screen.say(f"{actor.name} is back")

    async def _settle(self, running: Stage, ledger: Ledger) -> Snapshot:
        """Nothing is produced any more: wait, within bounds, until every healthy receiver has all that it must get."""
        self.screen.say(f"{len(ledger.places)} events produced; waiting for the last of them to arrive")
        await self._revive(running, float("-inf"))
        deadline = self.clock.monotonic() + _GRACE_SECONDS
        seen = await self._look(running)
        while not _complete(seen, running, ledger) and self.clock.monotonic() < deadline:
            seen = await self._look(running)
        return seen

    async def _look(self, running: Stage) -> Snapshot:
        await self.clock.sleep(_LOOK_SECONDS)
        if running.forwarder.exit_code is not None:
            raise running.forwarder.failure(f"ended with exit code {running.forwarder.exit_code}")
        seen = await asyncio.to_thread(snapshot, running.base)
        self.screen.show(seen, self.clock.monotonic(), self.clock.wall())
        return seen


def _complete(seen: Snapshot, running: Stage, ledger: Ledger) -> bool:
    """All events are read, and every healthy webhook has delivered what it matched."""
    rows = [(actor, seen.rows.get(actor.name)) for actor in ACTORS if actor.healthy]
    settled = all(row is not None and row.pending == 0 for _, row in rows)
    arrived = all(running.records[actor.name].taken >= len(ledger.wanted[actor.name]) for actor, _ in rows)
    return seen.read >= len(ledger.places) and settled and arrived


def _evidence(ledger: Ledger, running: Stage, last: Snapshot) -> list[Evidence]:
    numbers = ledger.numbers()
    for record in running.records.values():
        record.settle(numbers)
    return [
        Evidence(
            webhook=actor.name,
            healthy=actor.healthy,
            expected=ledger.expected(actor.name),
            record=running.records[actor.name],
            row=last.rows[actor.name],
            read=last.read,
        )
        for actor in ACTORS
    ]
