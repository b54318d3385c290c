"""A token and the times of its life. Pure: times are monotonic seconds and passed in, and so is chance."""

from __future__ import annotations

from dataclasses import dataclass, field

_LEAST_LIFE = 1.0
"""Seconds. A server whose tokens end at once must not be asked for one at every request."""
_MOST_LIFE = 366 * 86_400.0
_MARGIN = 60.0
_SHARE = 0.2
_REFUSED_CAP, _PASSING_CAP = 300.0, 60.0
_LAST_DOUBLING = 20


@dataclass(frozen=True, slots=True, eq=False)
class Token:
    """`refresh` is when a new one should be fetched while this one still serves; `expires` is its end."""

    value: str = field(repr=False)
    refresh: float
    expires: float


def token(value: str, lifetime: float, now: float, random: float) -> Token:
    """A token that holds for `lifetime` seconds. `random` in [0, 1) keeps workers from refreshing in step.

    It is refreshed one to two margins before its end: a margin is a minute, or a fifth of its life where that is less.
    """
    life = min(max(lifetime, _LEAST_LIFE), _MOST_LIFE)
    margin = min(_MARGIN, _SHARE * life)
    return Token(value, now + life - margin * (1 + random), now + life)


def pause(failures: int, *, passing: bool, random: float) -> float:
    """Seconds without a login after the `failures`-th in a row that failed: 1, 2, 4 ... up to a cap, the upper half of it by chance.

    A refusal (`passing` false) has the higher cap: many servers lock an account after some wrong passwords.
    """
    ceiling = min(_PASSING_CAP if passing else _REFUSED_CAP, 2.0 ** min(failures - 1, _LAST_DOUBLING))
    return ceiling * (1 + random) / 2
