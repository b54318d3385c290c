"""The books of one lane: every event matched is delivered, discarded, dead-lettered or pending, exactly once. Counts only."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from forwarder.model.attempt import DeadLetterReason, DiscardReason
from forwarder.model.event import Unreadable


@dataclass(slots=True)
class Books:
    """All counts are of events, since this worker owns the lane.

    held      in memory: in the window or in flight
    returned  matched and counted, then given back to Kafka; catch-up brings them again without counting them twice
    released  pending when their partition went to another worker, or when the webhook's configuration or the routing changed
    """

    matched: int = 0
    delivered: int = 0
    discarded: Counter[DiscardReason] = field(default_factory=Counter)
    dead_lettered: Counter[DeadLetterReason | Unreadable] = field(default_factory=Counter)
    held: int = 0
    returned: int = 0
    released: int = 0

    @property
    def pending(self) -> int:
        return self.held + self.returned

    @property
    def imbalance(self) -> int:
        """0 when every event is accounted for; anything else is a defect of ours."""
        settled = self.delivered + self.discarded.total() + self.dead_lettered.total()
        return self.matched - settled - self.pending - self.released
