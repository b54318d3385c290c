"""Whether a lane's next request may start: its rate, its turn at the host, and how many at a time. Time is an argument."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from enum import Enum

from forwarder.lane.adaptive import Bearing, after
from forwarder.lane.hosts import Share, Turns
from forwarder.lane.policy import LanePolicy
from forwarder.lane.rate import Rule, TokenBucket, rule_of
from forwarder.model.attempt import Attempt, Failure, Fault, Response
from forwarder.observe.declared import Limit

_OVERLOADED_STATUS = frozenset({429, 503})
_OVERLOADED_FAULTS = frozenset({Fault.TIMEOUT, Fault.CONNECT_TIMEOUT})


class Admission(Enum):
    """GO: it counts as started. WAIT: later. GIVE_UP: never (`onLimit: fail`)."""

    GO = "go"
    WAIT = "wait"
    GIVE_UP = "give up"


class Gate:
    """One lane's. Nothing is held while it is closed, and a refusal costs no attempt."""

    def __init__(self, policy: LanePolicy) -> None:
        self._policy = policy
        self._bucket = TokenBucket()
        self._bearing = Bearing(float(policy.least_slots))
        self._share = Share()
        self._turns: Turns | None = None
        self._wake: Callable[[], None] = _nobody
        self._taken: deque[Turns] = deque()
        self._asked = False

    def join(self, share: Share, turns: Turns | None, wake: Callable[[], None]) -> None:
        """Divide by this share; take turns with the others at this host."""
        self.leave()
        self._share, self._turns, self._wake = share, turns, wake

    def reconfigure(self, policy: LanePolicy) -> None:
        """Other limits from now on. Tokens that were spent stay spent."""
        self._policy = policy
        self._bearing = Bearing(float(policy.least_slots))

    @property
    def slots(self) -> int:
        """Requests that may be in flight."""
        if self._policy.least_slots == self._policy.slots:
            return self._policy.slots
        return max(self._policy.least_slots, min(self._policy.slots, int(self._bearing.limit)))

    def open_at(self, now: float) -> float:
        """From when on it makes sense to ask; not after `now` when at once; infinity when the lane will be woken."""
        rule = self._rule()
        ready = now if rule is None or self._gives_up else self._bucket.ready_at(now, rule)
        if ready <= now and self._turns is not None and self._turns.waits(self):
            return math.inf
        return ready

    def shut(self, now: float) -> bool:
        """Whether a request that is asked for now would have to wait."""
        return (self._late(now) and not self._gives_up) or (self._turns is not None and not self._turns.may(self))

    def admit(self, now: float) -> Admission:
        """Ask for the start of one request."""
        self._asked = True
        rule = self._rule()
        if self._late(now):
            self.leave()  # whoever waits for a token must not keep others from their turn
            return Admission.GIVE_UP if self._gives_up else Admission.WAIT
        if self._turns is not None:
            if not self._turns.take(self, self._wake):
                return Admission.WAIT
            self._taken.append(self._turns)
        if rule is not None:
            self._bucket.take(now, rule)
        return Admission.GO

    def begin(self) -> None:
        """The lane looks for something to start."""
        self._asked = False

    def end(self) -> None:
        """It has looked. If it asked for nothing, it does not stand in anybody's way."""
        if not self._asked:
            self.leave()

    def leave(self) -> None:
        """Nothing will start here for now."""
        if self._turns is not None:
            self._turns.leave(self)

    def release(self) -> None:
        """A request that was started has ended, whichever way."""
        if self._taken:
            self._taken.popleft().release()

    def observe(self, attempt: Attempt, now: float, in_flight: int) -> None:
        """Learn from how an attempt went. `in_flight` counts this one."""
        if self._policy.least_slots == self._policy.slots:
            return
        match attempt.result:
            case Response(status=status):
                overloaded = status in _OVERLOADED_STATUS
            case Failure(fault=fault):
                overloaded = fault in _OVERLOADED_FAULTS
                if not overloaded:
                    return
        self._bearing = after(
            self._bearing, bounds=(self._policy.least_slots, self._policy.slots), seconds=attempt.seconds,
            overloaded=overloaded, now=now, in_flight=in_flight,
        )  # fmt: skip

    def held_by(self, now: float) -> Limit | None:
        """What keeps back a request that was asked for; None when nothing does, or nothing was asked for."""
        if self._asked and self._late(now) and not self._gives_up:
            return Limit.RATE
        return Limit.HOST if self._turns is not None and self._turns.waits(self) else None

    def tokens(self, now: float) -> float | None:
        """Those left; None without a rate."""
        rule = self._rule()
        return None if rule is None else self._bucket.tokens(now, rule)

    def _late(self, now: float) -> bool:
        rule = self._rule()
        return rule is not None and self._bucket.ready_at(now, rule) > now

    @property
    def _gives_up(self) -> bool:
        return self._policy.rate is not None and self._policy.rate.on_limit == "fail"

    def _rule(self) -> Rule | None:
        return None if self._policy.rate is None else rule_of(self._policy.rate, self._share.members)


def _nobody() -> None:
    return None
