"""One Forwarder process: the real pipeline in a loop of its own, between scripted doors. It can be killed, stopped and woken."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast
from unittest import mock

from forwarder import pipeline as real
from forwarder.flow import roster
from forwarder.model.event import TP
from forwarder.observe.health import Health
from forwarder.observe.observer import Observer
from forwarder.pipeline import Pipeline, Surroundings
from forwarder.settings.process import Settings
from forwarder.source.decode import Decoder
from tests.simulation import doors
from tests.simulation.log import WALL
from tests.simulation.loop import SimLoop
from tests.simulation.member import Member

if TYPE_CHECKING:
    from tests.simulation.world import World


class SimClock:
    """Both clocks are the agenda's."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.monotonic = now

    def wall(self) -> float:
        return WALL + self.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Mute:
    """Stands for all metrics: takes everything, shows nothing. Making real ones costs more than most schedules."""

    def __getattr__(self, name: str) -> Mute:
        return self

    def __call__(self, *args: Any, **given: Any) -> Mute:
        return self

    def __getitem__(self, key: Any) -> Mute:
        return self


class Ear:
    """An observer that only tells the world what happened."""

    def __init__(self, told: Callable[[Any], None]) -> None:
        self.metrics = Mute()
        self.emit = told

    def flush(self, *, everything: bool = False) -> None:
        """Nothing is held back."""


class Process:
    """`number` is never used twice: a process that starts again is another one."""

    def __init__(self, world: World, number: int, settings: Settings, appeared: frozenset[TP] = frozenset()) -> None:
        self.world = world
        self.number = number
        self.alive = True
        self.frozen = False
        self.started = world.agenda.now
        self.loop = SimLoop(world.agenda.time, self)  # type: ignore[abstract]
        world.agenda.loops.append(self.loop)
        self.booted = self._stopped = False
        self.member: Member
        self.pipeline: Pipeline
        self.hear(self._boot, settings, appeared)

    def _boot(self, settings: Settings, appeared: frozenset[TP]) -> None:
        clock = SimClock(self.world.agenda.time)
        observer = cast(Observer, Ear(lambda occurrence: self.world.told(self, occurrence)))
        dice = random.Random(self.world.seed * 1000 + self.number)
        around = Surroundings(observer, Health(clock, ("topics",)), clock, dice.random, self.crashed, appeared=appeared)
        self.member = Member(self)
        self.pipeline = Pipeline(settings, self.member.group, around)
        self.member.make_membership(settings.shutdown.drain)
        self.booted = True
        self.member.join()

    @property
    def ending(self) -> bool:
        """Whether it is on its way out."""
        return self._stopped

    def feed_soon(self) -> None:
        """There may be something new to read."""
        if self.booted:
            self.member.feed_soon()

    def hear(self, callback: Callable[..., Any], *args: Any) -> None:
        """Something reaches the process: at once, or when it wakes; never if it is dead."""
        if self.alive:
            self.loop.call_soon(self._guarded, callback, args)

    def _guarded(self, callback: Callable[..., Any], args: tuple[Any, ...]) -> None:
        try:
            callback(*args)
        except Exception as error:
            self.crashed(error)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """A task of this process. Call it inside the loop."""
        task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self.crashed(error)

    def crashed(self, error: BaseException) -> None:
        """Nothing here is expected to fail."""
        self.world.judge.violation("crash", f"process {self.number}: {type(error).__name__}: {error}", error)

    # --- what a plan does to it ---

    def kill(self) -> None:
        """kill -9."""
        if self.alive:
            self.alive = False
            if self.loop in self.world.agenda.loops:
                self.world.agenda.loops.remove(self.loop)
            self.loop.kill()

    def freeze(self) -> None:
        """SIGSTOP."""
        self.frozen = True
        self.world.agenda.loops.remove(self.loop)

    def thaw(self) -> None:
        """SIGCONT. A member that was expelled meanwhile learns it from its next heartbeat."""
        if self.alive and self.frozen:
            self.frozen = False
            self.world.agenda.loops.append(self.loop)
            if self.number not in self.world.cluster.coordinator.members:
                self.member.told_to_rejoin()

    def stop(self) -> None:
        """SIGTERM; another one changes nothing."""
        if not self._stopped:
            self._stopped = True
            self.hear(lambda: self.spawn(self._stop()))

    async def _stop(self) -> None:
        began = self.world.agenda.now
        self.member.stopping = True
        await self.member.membership.stopping(crashed=False)
        self.member.lay_down(began)
        self.world.cluster.send(self.world.cluster.coordinator.leave, self.number)
        self.world.agenda.after(0.0, self.kill)

    def reload(self, settings: Settings) -> None:
        """The configuration's files have changed."""
        self.hear(lambda: self.spawn(self._reload(settings)))

    async def _reload(self, settings: Settings) -> None:
        if not self.member.stopping:
            await self.pipeline.reload(settings)


_decoders: dict[tuple[str, str], Decoder] = {}


def _decoder(source: Any, presets: Any, _companies: Any) -> Decoder:
    """Costs as much as all else of a process, and remembers nothing that counts."""
    key = (source.topic, source.preset)
    if key not in _decoders:
        _decoders[key] = Decoder(source, presets)
    return _decoders[key]


DOORS = {
    "Client": doors.Client,
    "RecordProducer": doors.Producer,
    "Offsets": doors.Offsets,
    "Reader": doors.Reader,
    "Ends": doors.Ends,
    "Members": doors.Members,
    "Decoder": _decoder,
}
"""Names in the pipeline's module, and what stands there in a simulation."""

_prints: dict[int, tuple[Any, str]] = {}


def _fingerprint(webhook: Any) -> str:
    """As good as the real one, which takes longer than starting the process. Keeps the webhook, so that its id stays its own."""
    found = _prints.get(id(webhook))
    if found is None:
        found = _prints[id(webhook)] = (webhook, repr(webhook))
    return found[1]


@contextmanager
def scripted() -> Iterator[None]:
    """The pipeline's doors replaced, for the time of a run."""
    there: dict[str, Any] = {name: door for name, door in DOORS.items() if hasattr(real, name)}
    with (
        mock.patch.multiple(real, **there),
        mock.patch.object(roster, "webhook_fingerprint", _fingerprint),
    ):
        yield
