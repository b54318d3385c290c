"""The receivers and the way to them: each webhook's endpoint has a mood that the plan changes. Decides nothing about events.

A request on its way arrives whatever becomes of its sender; whether the sender hears the answer is noted by the judge.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from forwarder.deliver.request import Exchange, Request
from forwarder.model.attempt import Failure, Fault, Response

if TYPE_CHECKING:
    from tests.simulation.log import Reign
    from tests.simulation.process import Process
    from tests.simulation.world import World

Place = tuple[int, int]
"""Partition and offset."""

_IDS = re.compile(rb'"id":"(\d+)-(\d+)"')


@dataclass(eq=False)
class Call:
    """One request. `told`: when its sender learnt that it was accepted. `open` until the sender has any outcome."""

    hook: str
    batch: str
    content: bytes
    places: tuple[Place, ...]
    process: int
    at: float
    accepted: float | None = None
    told: float | None = None
    open: bool = True
    forgotten: set[int] = field(default_factory=set)
    """Partitions whose checkpoint, when it was loaded, did not know of this."""
    rightful: bool = True
    doubtful: bool = False
    """It ended, or will end, without an answer: it may have been taken all the same."""
    reigns: dict[int, Reign] = field(default_factory=dict)
    """What its sender had when it was sent."""

    @property
    def partitions(self) -> set[int]:
        return {place[0] for place in self.places}


@dataclass(frozen=True)
class Reaction:
    """What an endpoint does: accept or not, and what the sender sees, after so many seconds (None: never)."""

    accepts: bool
    seen: Response | Failure
    after: float | None = 0.02


def _well(call: Call) -> Reaction:
    return Reaction(True, Response(200))


def _slow(call: Call) -> Reaction:
    return Reaction(True, Response(204), 1.7)


def _failing(call: Call) -> Reaction:
    return Reaction(False, Response(503))


def _busy(call: Call) -> Reaction:
    return Reaction(False, Response(429, {"retry-after": "3"}))


def _narrow(call: Call) -> Reaction:
    return Reaction(True, Response(200)) if len(call.places) <= 3 else Reaction(False, Response(413))


def _poisoned(call: Call) -> Reaction:
    bad = any(offset % 17 == 3 for _, offset in call.places)
    return Reaction(False, Response(400)) if bad else Reaction(True, Response(200))


def _picky(call: Call) -> Reaction:
    return Reaction(False, Response(422))


def _gone(call: Call) -> Reaction:
    return Reaction(False, Response(410))


def _refusing(call: Call) -> Reaction:
    return Reaction(False, Failure(Fault.REFUSED, "refused"), 0.001)


def _hanging(call: Call) -> Reaction:
    return Reaction(False, Response(200), None)


def _unheard(call: Call) -> Reaction:
    return Reaction(True, Response(200), None)


def _cut(call: Call) -> Reaction:
    return Reaction(True, Failure(Fault.RESET, "closed half-way"))


def _reset(call: Call) -> Reaction:
    return Reaction(False, Failure(Fault.RESET, "closed"))


def _flapping(call: Call) -> Reaction:
    return _well(call) if int(call.at * 2) % 2 else _failing(call)


MOODS: dict[str, Callable[[Call], Reaction]] = {
    "well": _well,
    "slow": _slow,
    "failing": _failing,
    "busy": _busy,
    "narrow": _narrow,
    "poisoned": _poisoned,
    "picky": _picky,
    "gone": _gone,
    "refusing": _refusing,
    "hanging": _hanging,
    "unheard": _unheard,
    "cut": _cut,
    "reset": _reset,
    "flapping": _flapping,
}


class Network:
    """`moods` by webhook; what is not named is well."""

    def __init__(self, world: World) -> None:
        self.moods: dict[str, str] = {}
        self._world = world

    async def post(self, process: Process, request: Request) -> Exchange:
        """One request of a process, to its end as the process sees it."""
        call = _call(process.number, request, self._world.agenda.now)
        self._world.judge.asked(call, process)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Exchange] = loop.create_future()
        self._world.agenda.after(0.005, self._arrive, call, process, answer)
        timer = loop.call_later(request.timeout, _settle, answer, Exchange(Failure(Fault.TIMEOUT, "no answer")))
        try:
            exchange = await answer
        except asyncio.CancelledError:
            call.doubtful = True
            raise
        finally:
            timer.cancel()
            call.open = False
        call.doubtful = isinstance(exchange.result, Failure) and exchange.result.fault in (Fault.TIMEOUT, Fault.RESET)
        if isinstance(exchange.result, Response) and 200 <= exchange.result.status < 300:
            self._world.judge.told(call, process)
        return exchange

    def _arrive(self, call: Call, process: Process, answer: asyncio.Future[Exchange]) -> None:
        mood = self.moods.get(call.hook, "well")
        reaction = MOODS[mood](call)
        self._world.counts[f"endpoint {mood}"] += mood != "well"
        if reaction.accepts:
            self._world.judge.accepted(call, process)
        if reaction.after is not None:
            self._world.agenda.after(reaction.after, process.hear, _settle, answer, Exchange(reaction.seen))


def _settle(answer: asyncio.Future[Exchange], exchange: Exchange) -> None:
    if not answer.done():
        answer.set_result(exchange)


def _call(process: int, request: Request, now: float) -> Call:
    places = tuple((int(p), int(o)) for p, o in _IDS.findall(request.content))
    hook = request.url.split("/")[2].split(".")[0]
    return Call(hook, request.headers["Forwarder-Batch-Id"], request.content, places, process, now)
