"""Divides limits by the number of workers that own partitions, and makes webhooks on one host take turns. Decides about no request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol
from urllib.parse import urlsplit

from forwarder.clock import Clock
from forwarder.lane.hosts import Share, Turns
from forwarder.lane.lane import Lane
from forwarder.observe.declared import GROUP_MEMBERS
from forwarder.observe.observer import Observer
from forwarder.settings.limits import Limits

ASK_EVERY_SECONDS = 30.0
ASK_SOON_SECONDS = 1.0
"""The first pause until Kafka has answered since the last assignment; each further one is twice as long."""

_PORTS = {"https": 443, "http": 80}


class Hosts:
    """The lines before each host. `wake` serves a lane now."""

    def __init__(self, limits: Limits, wake: Callable[[Lane], None]) -> None:
        self.share = Share()
        self._limit = limits.per_host
        self._wake = wake
        self._turns: dict[tuple[str, int], Turns] = {}

    def join(self, lane: Lane) -> None:
        """The lane's limits count from now on; also after its URL has changed."""
        turns = None
        if self._limit is not None and lane.webhook.url:
            turns = self._turns.setdefault(_host(lane.webhook.url), Turns(self._limit, self.share))
        lane.flights.gate.join(self.share, turns, lambda: self._wake(lane))

    def divide(self, members: int) -> None:
        """So many workers share the limits from now on."""
        self.share.members = members
        for turns in self._turns.values():
            turns.call()


class Counting(Protocol):
    """`kafka.members.Members`."""

    async def count(self) -> int | None:
        """None when nobody knows just now."""


class Sharing:
    """Keeps the share up to date. `partitions` is how many all sources have together.

    An assignment may bring more workers than are known of. Until Kafka says how many there are, the most that there can be count: one
    for each partition that is not ours. So the limit holds from the first moment, and comes back when others have gone.
    """

    def __init__(
        self,
        hosts: Hosts,
        members: Counting,
        partitions: int,
        wake_all: Callable[[], None],
        observer: Observer,
        clock: Clock,
    ) -> None:
        self._hosts = hosts
        self._members = members
        self._partitions = partitions
        self._wake_all = wake_all
        self._metric = observer.metrics.gauge(GROUP_MEMBERS)
        self._clock = clock
        self._known = False
        self._assignments = 0
        self._changed = asyncio.Event()

    def assigned(self, owned: int) -> None:
        """The group has changed, and so many partitions are ours."""
        self._assignments += 1
        most = 1 + max(0, self._partitions - owned)
        self._known = most == 1
        self._divide(most)
        self._changed.set()

    async def run(self) -> None:
        """Ask after each assignment, and now and then."""
        pause = ASK_SOON_SECONDS
        while True:
            await self._ask()
            pause = ASK_EVERY_SECONDS if self._known else min(ASK_EVERY_SECONDS, pause)
            if await self._pause(pause):
                pause = ASK_SOON_SECONDS
            else:
                pause *= 2

    async def _ask(self) -> None:
        asked_in = self._assignments
        count = await self._members.count()
        if count is not None and asked_in == self._assignments:
            self._known = True
            self._divide(max(1, count))

    async def _pause(self, seconds: float) -> bool:
        """Until then, or until the next assignment (True)."""
        if self._changed.is_set():
            self._changed.clear()
            return True
        sleeping = asyncio.ensure_future(self._clock.sleep(seconds))
        waiting = asyncio.ensure_future(self._changed.wait())
        try:
            await asyncio.wait({sleeping, waiting}, return_when=asyncio.FIRST_COMPLETED)
            return self._changed.is_set()
        finally:
            self._changed.clear()
            sleeping.cancel()
            waiting.cancel()

    def _divide(self, members: int) -> None:
        self._metric.set(members)
        if members != self._hosts.share.members:
            self._hosts.divide(members)
            self._wake_all()


def _host(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return (parts.hostname or "").rstrip("."), parts.port or _PORTS.get(parts.scheme, 0)
