"""The order of rebalance and shutdown: one hook of the pipeline runs at a time, bounded, and none runs out of turn.

Knows neither offsets nor checkpoints; the pipeline's handler does the work.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from forwarder.kafka.group import Group
from forwarder.kafka.records import Chunk
from forwarder.model.event import TP

_log = logging.getLogger(__name__)


class Handler(Protocol):
    """The pipeline, as the group drives it. An exception from any of these ends the worker with exit 1."""

    def on_chunk(self, tp: TP, chunk: Chunk) -> None:
        """Take a chunk over; must never wait. May arrive with `start` below what was expected: skip what is known."""

    async def on_assigned(self, owned: frozenset[TP], generation: int) -> None:
        """Load checkpoints and say where to start; no chunk arrives before this returns. Cancelled by a new rebalance."""

    async def on_revoked(self, revoked: frozenset[TP]) -> None:
        """Drain and write the last checkpoint, then forget. The whole group waits. May follow a cancelled `on_assigned`."""

    async def on_stopping(self) -> None:
        """Drain at shutdown. Partitions stay ours until this returns, even if the group rebalances meanwhile."""


class Membership:
    """Runs the handler's hooks. Limits are in seconds: of one revoke, and of the drain at a stop."""

    def __init__(self, group: Group, handler: Handler, *, revoke_limit: float, drain_limit: float) -> None:
        self._group = group
        self._handler = handler
        self._revoke_limit = revoke_limit
        self._drain_limit = drain_limit
        self._assigning: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._stopped = asyncio.Event()

    async def assigned(self, owned: frozenset[TP], generation: int) -> None:
        """Hand the partitions over; returns when chunks may flow, which is never if a revoke comes first."""
        async with self._turn:
            self._group.install(owned)
            loaded = await self._assign(owned, generation)
            if loaded:
                self._group.open()
        if not loaded:
            # Faust goes on to resume the flow when this returns, and dies silently when it raises a cancellation.
            # It cancels this call itself once the new assignment is there.
            await asyncio.Event().wait()

    async def _assign(self, owned: frozenset[TP], generation: int) -> bool:
        self._assigning = task = asyncio.ensure_future(self._handler.on_assigned(owned, generation))
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            await _cancel(task)
            raise
        finally:
            self._assigning = None
        if task.cancelled():
            return False
        task.result()
        return True

    async def revoked(self, revoked: frozenset[TP]) -> None:
        """Take the partitions back. A hook that is still loading them is cancelled first."""
        if self._assigning is not None:
            await _cancel(self._assigning)
        async with self._turn:
            mine = revoked & self._group.assignment()
            if mine:
                await _bounded(lambda: self._handler.on_revoked(mine), self._revoke_limit, "drain before a rebalance")
            self._group.uninstall(mine)

    async def stopping(self, crashed: bool) -> None:
        """Drain once. After a crash nothing is drained: what is in memory cannot be trusted, the checkpoint can."""
        try:
            if self._assigning is not None:
                await _cancel(self._assigning)
            async with self._turn:
                if not crashed:
                    await _bounded(self._handler.on_stopping, self._drain_limit, "drain at shutdown")
        finally:
            self._stopped.set()

    async def hold(self) -> None:
        """Wait for the drain at shutdown, in vain no longer than it may take."""
        try:
            async with asyncio.timeout(self._drain_limit):
                await self._stopped.wait()
        except TimeoutError:
            _log.error("the drain at shutdown did not end in time; partitions are given up")


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})


async def _bounded(hook: Callable[[], Coroutine[Any, Any, None]], seconds: float, what: str) -> None:
    """Run a hook; past its time it is cancelled, said so, and counted as done."""
    task = asyncio.ensure_future(hook())
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        await _cancel(task)
        raise
    if not done:
        _log.error("%s took longer than %.0f s and was cut off", what, seconds)
        await _cancel(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        raise error
