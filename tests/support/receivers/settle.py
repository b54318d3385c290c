"""Delivers events through a Sender until each has an outcome, doing about verdicts what a lane would, but for waiting."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from forwarder.deliver.sender import Prepared, Sender
from forwarder.model.event import Event
from forwarder.model.verdict import Bisect, Delivered, Halve, Pace, Partial, Retry, Verdict
from tests.unit.deliver.make import batch


@dataclass
class Settled:
    """`waiting`: given back by a retry that a person has to end, or that was tried too often."""

    arrived: list[Event] = field(default_factory=list)
    refused: list[Event] = field(default_factory=list)
    waiting: list[Event] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)


async def settle(sender: Sender, events: Sequence[Event], most: int = 200) -> Settled:
    """At most `most` requests, the first with all events."""
    done, parts = Settled(), deque([list(events)])
    while parts and len(done.verdicts) < most:
        part = parts.popleft()
        verdict = await _once(sender, part)
        done.verdicts.append(verdict)
        match verdict:
            case Delivered():
                done.arrived += part
            case Partial(again=again, refused=refused):
                done.refused += [part[index] for index in refused]
                done.arrived += [event for index, event in enumerate(part) if index not in {*again, *refused}]
                parts.extendleft([[part[index] for index in again]] if again else [])
            case Bisect() | Halve() if len(part) > 1:
                middle = len(part) // 2
                parts.extendleft([part[middle:], part[:middle]])
            case Bisect() | Halve():
                done.refused += part
            case Retry(pace=Pace.NORMAL):
                parts.appendleft(part)
            case _:
                done.waiting += part
    for part in parts:
        done.waiting += part
    return done


async def _once(sender: Sender, events: list[Event]) -> Verdict:
    prepared = sender.prepare(batch(*events))
    if not isinstance(prepared, Prepared):
        return sender.judge(prepared, prepared.failure, len(events))
    attempt = await sender.attempt(prepared, 1, {})
    return sender.judge(prepared, attempt.result, len(events))
