"""How long to wait before the next attempt. Pure: randomness is passed in."""

from __future__ import annotations

from forwarder.model.verdict import Pace
from forwarder.settings.webhook import RetryPolicy

_SLOW_FACTOR = 30
_LAST_DOUBLING = 60  # past it every sensible cap is reached, and a float would overflow at about 1000


def delay(pace: Pace, failures: int, policy: RetryPolicy, random: float) -> float:
    """Seconds to wait after the `failures`-th failure in a row (1 for the first); `random` is in [0, 1).

    NORMAL is full jitter: uniform in 0 .. min(cap, base * 2**(failures - 1)). SLOW starts thirty times higher and is
    drawn from the upper half only: nobody mends a certificate or a password within milliseconds.
    """
    doublings = min(max(failures - 1, 0), _LAST_DOUBLING)
    base = policy.base * _SLOW_FACTOR if pace is Pace.SLOW else policy.base
    ceiling: float = min(policy.cap, base * 2.0**doublings)
    if pace is Pace.SLOW:
        return ceiling / 2 + random * ceiling / 2
    return random * ceiling
