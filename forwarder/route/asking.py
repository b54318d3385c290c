"""Asks the filters about one event, and keeps slow ones from holding up everybody else.

CEL cannot be interrupted. What bounds a hostile event (long lists, a long text under a costly pattern) is the share of time that a
webhook's filters may have: those that were slow for one event are put off for a multiple of that, and count as failing meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from forwarder.model.event import Event
from forwarder.route.filters import Failed
from forwarder.route.plan import Candidate, Plan, settle
from forwarder.route.view import View, look

SLOW_SECONDS = 0.05
"""What one event may cost a webhook's filters: thousands of times what they usually take."""

REST = 9.0
"""A slow filter rests for so many times its own duration: no more than a tenth of the time goes to it."""


class Patience:
    """Which webhooks' filters are put off, and until when. Times are seconds on any steady clock."""

    def __init__(self) -> None:
        self._until: dict[str, tuple[float, float]] = {}

    def took(self, names: Iterable[str], now: float, seconds: float) -> None:
        """These webhooks' filters have just taken so long for one event."""
        if seconds > SLOW_SECONDS:
            self._until.update(dict.fromkeys(names, (now + REST * seconds, seconds)))

    def put_off(self, name: str, now: float) -> str:
        """Why the webhook's filters are not asked now; empty when they may be."""
        if not self._until or name not in self._until:
            return ""
        until, seconds = self._until[name]
        if now >= until:
            del self._until[name]
            return ""
        return f"put off for {until - now:.1f} s, because one event took {seconds:.2f} s before"


class Asking:
    """One event and the filters that may want it. The event is looked at when the first of them is asked, once for all."""

    __slots__ = ("_event", "_now", "_patience", "_plan", "_since", "_view")

    def __init__(self, patience: Patience, now: Callable[[], float], plan: Plan[Any], event: Event) -> None:
        self._patience = patience
        self._now = now
        self._plan = plan
        self._event = event
        self._view: View | None = None
        self._since = now()

    def answer(self, candidate: Candidate[Any]) -> bool | Failed:
        """Whether the candidate takes the event."""
        if not candidate.filters:
            return True
        name = candidate.webhook.name
        if why := self._patience.put_off(name, self._since):
            return Failed(why)
        if self._view is None:
            self._view = look(self._event, self._plan.needs)
            self._charge([asked.webhook.name for asked in self._plan.candidates if asked.filters])
        answer = settle(candidate, self._view)
        self._charge((name,))
        return answer

    def _charge(self, names: Iterable[str]) -> None:
        before, self._since = self._since, self._now()
        self._patience.took(names, self._since, self._since - before)
