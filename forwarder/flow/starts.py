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
