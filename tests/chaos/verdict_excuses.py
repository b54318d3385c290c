"""When a repeat is within the stated bound: before which faults an acceptance may have been forgotten. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from tests.chaos.verdict_journal import Event, Fault, Request

SLACK_SECONDS = 3.0
"""Beyond the checkpoint interval: what a checkpoint takes to be written on a busy machine."""

AFTER_SECONDS = 2.0
"""A receiver may still take a request in that was sent just before its sender was killed, or just after a zombie woke up."""

RECOVERY_SECONDS = 10.0
"""How long after a broker's outage no checkpoint may have been written yet."""


class Excuses:
    """What excuses a repeat: the acceptance before it was ambiguous; or it lies in what a kill may undo (since the last
    checkpoint that can have been written); or one of the two is of a zombie that has just woken up; or somebody deleted the
    checkpoint. Graceful faults excuse nothing. An outage of the broker above the session timeout is a kill for the group:
    it forgets its members, and what they delivered meanwhile cannot be noted by anybody."""

    def __init__(self, faults: Sequence[Fault], interval: float, session: float) -> None:
        bound = interval + SLACK_SECONDS
        outages = [fault for fault in faults if fault.klass == "broker"]
        self._undone = [
            (_unwritten_since(fault.t0, bound, outages), fault.t0 + AFTER_SECONDS)
            for fault in faults
            if fault.klass in ("kill", "zombie")
        ]
        self._undone += [
            (_unwritten_since(fault.t0, bound, outages), fault.t1 + RECOVERY_SECONDS)
            for fault in outages
            if fault.t1 - fault.t0 >= session
        ]
        self._woken = [(fault.t1, fault.t1 + AFTER_SECONDS) for fault in faults if fault.klass == "zombie"]
        self._deleted = [(fault.target, fault.t1) for fault in faults if fault.kind == "checkpoint-deleted"]

    def why(self, event: Event | None, before: Request, again: Request) -> str | None:
        """What excuses that `again` repeats what `before` accepted; None when nothing does."""
        if not before.told:
            return "ambiguous"
        if any(start <= before.t <= end for start, end in self._undone):
            return "kill"
        if any(start <= t <= end for start, end in self._woken for t in (before.t, again.t)):
            return "zombie awake"
        if event is not None and any(event.topic == topic and before.t <= t for topic, t in self._deleted):
            return "checkpoint deleted"
        return None

    def forgotten(self, event: Event | None, before: Request, again: Request) -> bool:
        """Whether the progress that `before` was part of may have been undone before `again`."""
        return self.why(event, before, again) not in (None, "ambiguous")


def _unwritten_since(kill: float, bound: float, outages: Sequence[Fault]) -> float:
    """The earliest moment from which no checkpoint may have been written up to `kill`."""
    since = kill - bound
    for outage in sorted(outages, key=lambda fault: fault.t0, reverse=True):
        if outage.t0 <= kill and outage.t1 + RECOVERY_SECONDS >= since:
            since = min(since, outage.t0 - bound)
    return since


def near(faults: Sequence[Fault], t: float) -> str:
    """The faults around a moment, for people."""
    found = [f"{fault.kind} {fault.target}".strip() for fault in faults if fault.t0 - 2 <= t <= fault.t1 + 10]
    return ", ".join(found[-4:]) or "none"
