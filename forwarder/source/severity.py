"""Vendors' words and numbers onto the one severity scale, 0..6. Holds the engine; each preset brings its own table."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping

from forwarder.model.severity import NAMES
from forwarder.source.paths import Scalar

Scale = Callable[[float], int]
"""A vendor's number to 0..6; 0 for numbers that mean nothing."""

_REMEMBERED = 1024
"""Words kept: more than any vendor has, few enough that a producer of random words cannot fill the memory."""


def steps(*marks: tuple[float, int]) -> Scale:
    """A scale by ranges: from each `(number, level)` up to the next mark; below the first mark 0."""
    bounds = [bound for bound, _ in marks]
    levels = [0, *(level for _, level in marks)]
    return lambda number: levels[bisect_right(bounds, number)]


OCSF = steps((0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6), (6.5, 0))
"""The scale itself: OCSF `severity_id`; 99 (other) is 0."""


class Levels:
    """Severity of one source. `overrides` (by word or number as text, any case) come before the preset's own tables."""

    def __init__(
        self, scale: Scale, words: Mapping[str, int] = NAMES, overrides: Mapping[str, int] | None = None
    ) -> None:
        self._scale = scale
        self._words = words
        self._overrides = {word.strip().lower(): level for word, level in (overrides or {}).items()}
        self.known: dict[Scalar, int] = {None: 0}

    def of(self, word: Scalar) -> int:
        """0..6; 0 for what nobody knows. Remembered in `known`."""
        level = self.known.get(word)
        if level is None:
            level = self._work_out(word)
            if len(self.known) < _REMEMBERED:
                self.known[word] = level
        return level

    def _work_out(self, word: Scalar) -> int:
        text = str(int(word) if isinstance(word, float) and word.is_integer() else word).strip().lower()
        for table in (self._overrides, self._words):
            if text in table:
                return table[text]
        number = _number(text)
        return 0 if number is None else self._scale(number)


def _number(text: str) -> float | None:
    try:
        number = float(text) if text[:1].isdigit() or text[:1] == "-" else None
    except ValueError:
        return None
    return number
