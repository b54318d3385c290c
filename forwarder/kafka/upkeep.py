"""Looks after the checkpoint topics while the worker runs: one that was deleted is made again, as before the start.

Nothing is lost with it: what it held is in memory and is written again, and the group's offset tells the rest.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from forwarder.errors import StartupError
from forwarder.kafka.preflight import mend_checkpoint_topics
from forwarder.kafka.topics import ResolvedSource
from forwarder.settings.kafka import Kafka

_log = logging.getLogger(__name__)

PAUSE_SECONDS = 5.0


class Upkeep:
    """One per worker. Looks only when a write was not acknowledged, and then in the background."""

    def __init__(self, kafka: Kafka, sources: Sequence[ResolvedSource]) -> None:
        self._kafka = kafka
        self._sources = sources
        self._looking: asyncio.Task[None] | None = None

    def suspect(self) -> None:
        """A checkpoint was not acknowledged: see whether its topic is still there. Returns at once."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.get_running_loop().create_task(self._look())

    def stop(self) -> None:
        """End a look that is under way."""
        if self._looking is not None:
            self._looking.cancel()

    async def _look(self) -> None:
        try:
            for name in await mend_checkpoint_topics(self._kafka, self._sources):
                _log.error("checkpoint topic %s was missing: was it deleted? It was made again", name)
        except StartupError as error:
            _log.warning("a checkpoint was not written, and its topic cannot be looked at: %s", error)
        await asyncio.sleep(PAUSE_SECONDS)
