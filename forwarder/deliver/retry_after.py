"""The receiver's own wish when to come again. Pure; nonsense counts as no wish."""

from __future__ import annotations

import re
from datetime import UTC
from email.utils import parsedate_to_datetime

_DELAY = re.compile(r"\d{1,18}", re.ASCII)


def retry_after(header: str | None, *, now_wall: float, cap: float) -> float | None:
    """Seconds from now, at most `cap`; None when absent or not understood; 0 for a date that has passed.

    Either a number of seconds or an HTTP date in any of its three forms (RFC 9110, sections 10.2.3 and 5.6.7).
    """
    if header is None:
        return None
    text = header.strip()
    if _DELAY.fullmatch(text):
        return min(float(text), cap)
    try:
        moment = parsedate_to_datetime(text)
        at = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return min(max(at - now_wall, 0.0), cap)
