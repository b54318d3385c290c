"""A batch on its way: its parts, attempts and fate. Values and splitting only; time and policy are decided in lane.py."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from forwarder.lane.window import sending_order
from forwarder.model.attempt import DeadLetterReason, DiscardReason
from forwarder.model.event import Event, Unreadable
from forwarder.model.verdict import Partial

EXCERPT_CHARACTERS = 512
"""How much of an answer a dead letter tells."""


class Fate(Enum):
    """What the next action on a part is."""

    SEND = "send"
    DEAD_LETTER = "dead letter"
    DISCARD = "discard"


@dataclass(slots=True, eq=False)
class Part:
    """Events that are attempted together. Frozen once `attempts` is above 0: a retry sends the same bytes under the same id.

    `ambiguous`: an attempt ended so that the receiver may have taken the part; it must then stay whole. `prepared` belongs to the
    deliver stage. `failed_writes` counts dead letters and ledger entries refused by Kafka.

    `first_attempt` and `last_attempt` are wall seconds; `status` and `excerpt` come from the last answer. `earlier` counts the
    attempts that its events went through in parts that were split since: `attempts` belongs to this part and its bytes. `tried`:
    one of them was made by this process.
    """

    events: tuple[Event, ...]
    fate: Fate = Fate.SEND
    reason: DeadLetterReason | DiscardReason | Unreadable | None = None
    attempts: int = 0
    failed_writes: int = 0
    ambiguous: bool = False
    prepared: object = None
    first_attempt: float = 0.0
    last_attempt: float = 0.0
    status: int = 0
    excerpt: str = ""
    earlier: int = 0
    tried: bool = False

    def inherit(self, whole: Part) -> Part:
        """The history of the part that this one was split from."""
        self.earlier = whole.earlier + whole.attempts
        self.first_attempt, self.last_attempt = whole.first_attempt, whole.last_attempt
        self.status, self.excerpt, self.tried = whole.status, whole.excerpt, whole.tried
        return self


@dataclass(slots=True, eq=False)
class Flight:
    """Parts in order; only the first is acted on. `busy` while an action on it is under way. `retry_at` is monotonic seconds."""

    number: int
    parts: deque[Part] = field(default_factory=deque)
    busy: bool = False
    retry_at: float = -math.inf

    @property
    def head(self) -> Part:
        return self.parts[0]

    def split_head(self, at: int) -> None:
        """Replace the first part by two new ones that have not been attempted: events before `at`, and the rest."""
        head = self.parts.popleft()
        self.parts.appendleft(part_of(head.events[at:]).inherit(head))
        self.parts.appendleft(part_of(head.events[:at]).inherit(head))

    def condemn(self, events: Sequence[Event], fate: Fate, reason: DeadLetterReason | DiscardReason) -> None:
        """Take `events` out of the first part and give them `fate`; what is left of the part stays behind them."""
        head = self.parts.popleft()
        chosen = {id(event) for event in events}
        rest = [event for event in head.events if id(event) not in chosen]
        if rest:
            # In the order that they would have without the others: a restart must be able to find it again.
            self.parts.appendleft(part_of(sending_order(rest)).inherit(head))
        doomed = part_of(tuple(events), fate).inherit(head)
        doomed.reason, doomed.attempts, doomed.earlier = reason, head.attempts, head.earlier
        self.parts.appendleft(doomed)

    def sort_out(self, verdict: Partial, fate: Fate) -> Part:
        """Take the first part to pieces: what was refused, with `fate`, then what is sent again. Returns what arrived."""
        head = self.parts.popleft()
        again, refused = set(verdict.again), set(verdict.refused)
        gone = [event for index, event in enumerate(head.events) if index in refused]
        rest = [event for index, event in enumerate(head.events) if index in again and index not in refused]
        if rest:
            self.parts.appendleft(part_of(sending_order(rest)).inherit(head))
        if gone:
            part = part_of(gone, fate).inherit(head)
            part.reason = verdict.because if fate is Fate.DEAD_LETTER else None
            part.excerpt = verdict.reason[:EXCERPT_CHARACTERS]
            self.parts.appendleft(part)
        arrived = part_of([event for index, event in enumerate(head.events) if index not in again | refused])
        arrived.attempts = head.attempts
        return arrived.inherit(head)


def part_of(events: Sequence[Event], fate: Fate = Fate.SEND) -> Part:
    """A new part. Events with a problem are never sent: their fate is the dead-letter topic."""
    part = Part(tuple(events), fate)
    if events and events[0].problem is not None:
        part.fate, part.reason = Fate.DEAD_LETTER, events[0].problem
    return part
