"""What a lane wants done, as values. flow/ does it and reports back. No behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from forwarder.lane.flight import Flight, Part
from forwarder.model.attempt import DiscardReason


@dataclass(frozen=True, slots=True)
class Send:
    """Attempt the part over HTTP; `discarded` is what the receiver must be told about."""

    flight: Flight
    part: Part
    discarded: Mapping[DiscardReason, int]


@dataclass(frozen=True, slots=True)
class WriteDeadLetters:
    """Produce the part's events to the dead-letter topic; settled only when the broker has acknowledged."""

    flight: Flight
    part: Part


@dataclass(frozen=True, slots=True)
class WriteLedger:
    """Write the part's offset ranges to the ledger of discards; settled only when the broker has acknowledged."""

    flight: Flight
    part: Part


Action = Send | WriteDeadLetters | WriteLedger
