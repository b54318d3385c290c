"""How many requests at a time a receiver bears: additive increase, multiplicative decrease (Chiu and Jain, 1989). Pure values."""

from __future__ import annotations

from dataclasses import dataclass, replace

SLOWER = 2.0
"""An answer that takes more than this many times the usual least is a sign of a queue at the receiver."""

JITTER_SECONDS = 0.05
"""So much more says nothing: fast receivers vary by more than their answers take."""

CUT = 0.7
FORGETTING = 1.002
"""The least time counts a little more with each answer: a receiver that has become slower for good is not called slow for ever."""


@dataclass(frozen=True, slots=True)
class Bearing:
    """`limit` is fractional: what counts is its whole part. `least` is the shortest answer lately, `cut_at` the time of the last
    decrease; seconds."""

    limit: float
    least: float = 0.0
    cut_at: float = float("-inf")


def after(
    state: Bearing, *, bounds: tuple[int, int], seconds: float, overloaded: bool, now: float, in_flight: int
) -> Bearing:
    """The state after an answer that took `seconds` and arrived at `now` (monotonic), with so many in flight before it.

    `overloaded`: 429, 503 or no answer in time. Requests that started before the last decrease say nothing about the time after it.
    The limit grows only while it is used.
    """
    least, most = bounds
    if overloaded:
        return _cut(state, least, seconds, now)
    shortest = min(seconds, state.least * FORGETTING) if state.least else seconds
    state = replace(state, least=shortest)
    if seconds > SLOWER * shortest + JITTER_SECONDS:
        return _cut(state, least, seconds, now)
    if in_flight >= int(state.limit):
        return replace(state, limit=min(float(most), state.limit + 1 / state.limit))
    return state


def _cut(state: Bearing, least: int, seconds: float, now: float) -> Bearing:
    if now - seconds < state.cut_at:
        return state
    return replace(state, limit=max(float(least), state.limit * CUT), cut_at=now)
