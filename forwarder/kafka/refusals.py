"""When a static member that loses its place in the group again and again must end. Pure: times come in, a verdict goes out.

Kafka lets two live processes with one instance id take the place from each other for ever, without an error and without progress.
Who is told to end must never join again. Then the one that joined last keeps the place: whatever the clocks say, one is left.
"""

from __future__ import annotations

import math

LIMIT = 3


class Refusals:
    """Counts places lost in a row. All times are seconds of one monotonic clock.

    `session`: after so long a silence the group itself gives a place up. `fight`: no twin leaves a place alone for longer.
    """

    def __init__(self, *, session: float, fight: float) -> None:
        self._session = session
        self._fight = fight
        self._count = 0
        self._since: float | None = None
        self._heard = -math.inf

    def joined(self, now: float) -> None:
        """The group has given us a place."""
        self._since = self._heard = now

    def heard(self, now: float) -> None:
        """The group still knew us."""
        self._heard = now

    def lost(self, now: float, *, to_another: bool = False) -> bool:
        """The group no longer knows us; `to_another`: it says who has the place. True: one too many, end and never join again."""
        since, self._since = self._since, None
        if not to_another and now - self._heard > self._session:
            return False  # nobody took it: we were silent for too long (suspended, or cut off)
        if since is not None and now - since > self._fight:
            self._count = 0
        self._count += 1
        return self._count >= LIMIT
