"""What to do after an attempt: flow control as types. deliver/verdict makes them, lane/ acts on them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from forwarder.model.attempt import DeadLetterReason


class Pace(Enum):
    """How soon to try again: NORMAL for a fault that passes, SLOW for one that a person has to mend."""

    NORMAL = "normal"
    SLOW = "slow"


@dataclass(frozen=True, slots=True)
class Delivered:
    """2xx: every event of the batch has arrived."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Same bytes, same id, later. `after` is the receiver's own wish in seconds (already capped), else None."""

    pace: Pace
    reason: str
    after: float | None = None


@dataclass(frozen=True, slots=True)
class Halve:
    """The body is too large: send it in two halves; a single event is dead-lettered."""

    reason: str


@dataclass(frozen=True, slots=True)
class Bisect:
    """Some event in the batch is refused: find it by halves; a single event is dead-lettered."""

    reason: str


@dataclass(frozen=True, slots=True)
class Disable:
    """The receiver is gone for good (410)."""

    reason: str


@dataclass(frozen=True, slots=True)
class Drop:
    """Give the batch up, counted (only where the webhook asked for it in `statusPolicy`)."""

    reason: str


@dataclass(frozen=True, slots=True)
class Partial:
    """The events of the batch went different ways. Indexes into the batch; those in neither list have arrived.

    `again` are sent once more, alone, after the receiver's own wish `after` (seconds) or the usual back-off. `refused` are
    dead-lettered for `because`.
    """

    reason: str
    again: tuple[int, ...] = ()
    refused: tuple[int, ...] = ()
    because: DeadLetterReason = DeadLetterReason.REFUSED
    after: float | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """Our own way out failed, and nothing reached the endpoint: this was no attempt, and nothing is held against it. Later again."""

    reason: str


@dataclass(frozen=True, slots=True)
class Interrupted:
    """Cancelled by shutdown: this was no attempt at all."""


Verdict = Delivered | Partial | Retry | Halve | Bisect | Disable | Drop | Held | Interrupted
