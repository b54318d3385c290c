"""Where to start what was never seen: `startAt` of a source or webhook as an offset. Asks Kafka; remembers nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Protocol

from forwarder.model.event import TP
from forwarder.settings.process import Source
from forwarder.settings.types import Start, parse_start
from forwarder.settings.webhook import Webhook


class Log(Protocol):
    """What Kafka knows of a partition. Every method waits until it is known."""

    async def log_start(self, tp: TP) -> int:
        """The first offset still there."""

    async def stable_end(self, tp: TP) -> int:
        """The offset after the last readable record."""

    async def offset_for_time(self, tp: TP, ms: int) -> int:
        """The first offset at or after that time; the end when there is none."""

    async def times_at(self, offsets: Mapping[TP, int]) -> Mapping[TP, int]:
        """The timestamp (milliseconds) of the record at exactly that offset; left out where there is none or nobody answers."""


class Starts:
    """Resolves `now`, `earliest` and times. `appeared` are partitions that came into being while their topic was being read."""

    def __init__(self, sources: Mapping[str, Source], log: Log, appeared: frozenset[TP] = frozenset()) -> None:
        self._sources = sources
        self._log = log
        self._appeared = appeared

    async def of_source(self, tp: TP) -> int:
        """The first position of a partition that has no checkpoint. All that an added one holds was written since we began."""
        if tp in self._appeared:
            return await self._log.log_start(tp)
        return await self._resolve(self._sources[tp.topic].start_at, tp, None)

    async def recreated(self, tails: Mapping[TP, tuple[int, int]]) -> frozenset[TP]:
        """Those whose log holds another record where the last one was routed: `(offset, timestamp)` of that one is given."""
        if not tails:
            return frozenset()
        times = await self._log.times_at({tp: offset for tp, (offset, _) in tails.items()})
        return frozenset(tp for tp, time in times.items() if time != tails[tp][1])

    async def resume(self, tp: TP, at: int, *, recreated: bool, committed: int) -> int:
        """Where to go on at `at` without a checkpoint. An offset beyond the end was committed for another topic of this name:
        whatever the new one holds is unread."""
        if recreated or committed > await self._log.stable_end(tp):
            return await self._log.log_start(tp)
        return at

    async def of_webhook(self, webhook: Webhook, tp: TP, position: int) -> int:
        """The first cursor of a webhook that was never seen on this partition: `now` is the router's position, a time may lie
        ahead of it."""
        return await self._resolve(webhook.start_at, tp, position)

    async def _resolve(self, start_at: str, tp: TP, now: int | None) -> int:
        match parse_start(start_at):
            case Start.NOW:
                return await self._log.stable_end(tp) if now is None else now
            case Start.EARLIEST:
                return await self._log.log_start(tp)
            case moment:
                return await self._log.offset_for_time(tp, math.ceil(moment * 1000))
