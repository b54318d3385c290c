"""Gives Faust's end-of-recovery signal again where it was lost. Recovers nothing itself.

Faust's changelog reader sets the signal and clears it in its next turn; when the changelog was read before anybody waited for
it, the worker would wait for ever, with its partitions and without a word (seen once in a takeover on a busy machine).
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

_log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5


class RecoveryWatch:
    """`look` every LOOK_SECONDS. Acts only on the second look at the same lost signal."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._suspicious = False

    def look(self) -> bool:
        """True when the signal had been lost and was given again."""
        recovery = self._app.tables.recovery
        lost = bool(recovery.signal_recovery_end._waiters) and not recovery.in_recovery
        again, self._suspicious = lost and self._suspicious, lost
        if again:
            _log.warning("recovery of the checkpoints had ended unnoticed: going on")
            recovery.signal_recovery_end.set()  # wakes who waits
            recovery.signal_recovery_end.clear()  # and nobody who comes later
        return again

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.look()
