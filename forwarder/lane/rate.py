"""Sift's rule for how often a webhook may be called. Pure: time is an argument; nothing here waits or gives anything up.

`perSecond` requests within a second are free (the baseline). Each one above takes a token, of which there are `burst`. Tokens come
back at `perSecond`, only while fewer requests than the baseline are made. Source: the figures of Sift's webhooks (2/s, 100 tokens) as
its users know them; the pages of its public manual that could be read (docs.siftstack.com, "Webhooks") name no numbers.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from forwarder.settings.limits import RateLimit


@dataclass(frozen=True, slots=True)
class Rule:
    """`free` requests in each `window` (seconds) cost nothing; `regain` tokens per second come back; at most `burst` are kept."""

    free: int
    window: float
    regain: float
    burst: int


def rule_of(limit: RateLimit, members: int = 1) -> Rule:
    """The part of the limit that is one member's. The parts never add up to more than the whole."""
    per_second = limit.per_second / members
    free = max(1, math.floor(per_second))
    return Rule(free, free / per_second, per_second, limit.burst // members)


class TokenBucket:
    """One webhook's tokens on one worker. Full at the start. The rule is given with each call, for the group may change.

    A request is free when fewer free ones than the baseline allows were made within its window. The rate is below the baseline while
    fewer requests of any kind were made within it.
    """

    __slots__ = ("_all", "_at", "_free", "_tokens")

    def __init__(self) -> None:
        self._free: deque[float] = deque()
        self._all: deque[float] = deque()
        self._tokens = math.inf
        self._at = -math.inf

    def take(self, now: float, rule: Rule) -> bool:
        """Whether a request may be made at `now` (monotonic seconds); it counts as made then."""
        self._settle(now, rule)
        if _room_at(self._free, rule) <= now:
            _note(self._free, now, rule)
        elif self._tokens >= 1:
            self._tokens -= 1
        else:
            return False
        _note(self._all, now, rule)
        return True

    def ready_at(self, now: float, rule: Rule) -> float:
        """From when on a request may be made; not after `now` when it may be made at once."""
        self._settle(now, rule)
        return now if self._tokens >= 1 else max(now, _room_at(self._free, rule))

    def tokens(self, now: float, rule: Rule) -> float:
        """How many are there."""
        self._settle(now, rule)
        return self._tokens

    def _settle(self, now: float, rule: Rule) -> None:
        """Bring the tokens up to date: they came back in the time since the last look that lay below the baseline."""
        below = now - max(self._at, _room_at(self._all, rule))
        if below > 0 and self._tokens < rule.burst:
            self._tokens += below * rule.regain
        self._tokens = min(self._tokens, rule.burst)
        self._at = max(self._at, now)


def _room_at(times: deque[float], rule: Rule) -> float:
    """When fewer of these requests than are free lie within the window."""
    return times[-rule.free] + rule.window if len(times) >= rule.free else -math.inf


def _note(times: deque[float], now: float, rule: Rule) -> None:
    """Keep enough to know the baseline by, also when the group shrinks to half its size at once."""
    times.append(now)
    while len(times) > 2 * rule.free + 16:
        times.popleft()
