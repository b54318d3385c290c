"""At most one line per key and interval, counting what was held back. Pure: time is passed in. Writes nothing."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

MAX_KEYS = 4096
"""Keys kept at most. The one that spoke longest ago is forgotten first."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Held:
    """What was held back since the last line: how many lines, and the sum of their amounts."""

    lines: int = 0
    amount: int = 0


@dataclass(slots=True)
class _Silence(Generic[T]):
    since: float
    interval: float
    newest: T
    newest_amount: int = 0
    held: Held = Held()

    def over(self, now: float) -> bool:
        """A clock that steps back ends the silence too: too many lines are better than none for ever."""
        return not 0 <= now - self.since < self.interval


class Throttle(Generic[T]):
    """One per stream of lines. Not thread-safe: the caller locks where several threads write."""

    def __init__(self) -> None:
        self._keys: dict[Hashable, _Silence[T]] = {}

    def admit(self, key: Hashable, line: T, now: float, interval: float, amount: int = 0) -> Held | None:
        """None: keep `line` to yourself. Else say it, and what was held back before it."""
        silence = self._keys.get(key)
        if silence is not None and not silence.over(now):
            silence.newest, silence.newest_amount = line, amount
            silence.held = Held(silence.held.lines + 1, silence.held.amount + amount)
            return None
        self._start(key, line, now, interval)
        return silence.held if silence else Held()

    def due(self, now: float, *, everything: bool = False) -> Iterator[tuple[T, Held]]:
        """The newest held-back line of each key whose interval is over, and what was held back before it.

        Keys that are over with nothing held back are forgotten. `everything` ignores the interval (at a stop).
        """
        for key, silence in list(self._keys.items()):
            if not everything and not silence.over(now):
                continue
            if silence.held.lines:
                self._start(key, silence.newest, now, silence.interval)
                before = Held(silence.held.lines - 1, silence.held.amount - silence.newest_amount)
                yield silence.newest, before
            else:
                del self._keys[key]

    def _start(self, key: Hashable, line: T, now: float, interval: float) -> None:
        self._keys.pop(key, None)
        if len(self._keys) >= MAX_KEYS:
            del self._keys[next(iter(self._keys))]
        self._keys[key] = _Silence(now, interval, line)
