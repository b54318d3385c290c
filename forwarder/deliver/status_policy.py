"""`statusPolicy`: what the webhook's owner wants done for a status. Pure; the usual table is in verdict."""

from __future__ import annotations

import re
from collections.abc import Mapping

from forwarder.settings.types import StatusAction

_EXACT = re.compile(r"(\d{3})")
_RANGE = re.compile(r"(\d{3})\s*-\s*(\d{3})")
_CLASS = re.compile(r"(\d)xx", re.IGNORECASE)


def span(pattern: str) -> tuple[int, int] | None:
    """First and last status of `404`, `400-499` or `4xx`; None when it is none of these."""
    text = pattern.strip()
    if exact := _EXACT.fullmatch(text):
        return int(exact[1]), int(exact[1])
    if between := _RANGE.fullmatch(text):
        return int(between[1]), int(between[2])
    if digit := _CLASS.fullmatch(text):
        return int(digit[1]) * 100, int(digit[1]) * 100 + 99
    return None


def override(status: int, policy: Mapping[str, StatusAction]) -> StatusAction | None:
    """The action asked for, or None. Exact beats range beats class; of two ranges the narrower wins, then the first."""
    best: tuple[tuple[bool, int], StatusAction] | None = None
    for pattern, action in policy.items():
        bounds = span(pattern)
        if bounds is None or not bounds[0] <= status <= bounds[1]:
            continue
        rank = (_CLASS.fullmatch(pattern.strip()) is not None, bounds[1] - bounds[0])
        if best is None or rank < best[0]:
            best = (rank, action)
    return best[1] if best else None
