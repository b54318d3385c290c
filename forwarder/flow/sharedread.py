"""What the watchdog asks of the shared read: where it stands, and what Kafka says of that. Looks; changes nothing."""

from __future__ import annotations

from collections.abc import Mapping

from forwarder.flow.catchup import CatchUp
from forwarder.flow.guards import Guards
from forwarder.flow.intake import Intake
from forwarder.kafka.ends import Ends
from forwarder.kafka.group import Group
from forwarder.kafka.private.reading import reading_stacks
from forwarder.model.event import TP
from forwarder.source.positions import Positions


class SharedRead:
    """One per worker."""

    def __init__(
        self, group: Group, intake: Intake, guards: Guards, catch_up: CatchUp, positions: Positions, ends: Ends
    ) -> None:
        self._group = group
        self._intake = intake
        self._guards = guards
        self._catch_up = catch_up
        self._positions = positions
        self._ends = ends

    @property
    def reachable(self) -> bool:
        """Whether the broker that leads the group answers."""
        return self._group.reachable

    @property
    def is_open(self) -> bool:
        """Whether events are let in: partitions are assigned, checkpoints loaded, nothing drains."""
        return not self._intake.closed

    @property
    def is_paused(self) -> bool:
        """Whether we have paused the read ourselves, for the memory budget's sake."""
        return self._guards.paused

    @property
    def positions(self) -> Mapping[TP, int]:
        """The next offset to route, per partition."""
        return self._positions.expected

    @property
    def halted(self) -> frozenset[TP]:
        """Partitions that wait for an operator."""
        return frozenset(self._catch_up.halted)

    def end(self, tp: TP) -> int | None:
        """The offset after the last readable record as the shared read knows it."""
        return self._group.stable_end(tp)

    async def beyond(self, offsets: Mapping[TP, int]) -> Mapping[TP, int] | None:
        """Asks Kafka itself: the ends of those logs that hold something readable from the offset on; None without an answer."""
        return await self._ends.beyond(offsets)

    def stacks(self) -> tuple[str, ...]:
        """Where the tasks of the shared read stand."""
        return reading_stacks()
