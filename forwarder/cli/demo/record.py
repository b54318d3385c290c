"""What was produced and what arrived, by event number. Remembers; judges nothing."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field

from forwarder.cli.arrivals import Arrival
from forwarder.cli.demo.events import Made
from forwarder.cli.demo.scenario import ACTORS
from forwarder.cli.demo.vendors import Place, Reader, plain_read


@dataclass(slots=True)
class Ledger:
    """Every event that the broker acknowledged, by number: its place, and which webhooks must get it."""

    places: dict[int, Place] = field(default_factory=dict)
    wanted: dict[str, array[int]] = field(default_factory=lambda: {actor.name: array("Q") for actor in ACTORS})

    def acknowledged(self, made: Made, place: Place) -> None:
        """The broker has it."""
        self.places[made.number] = place
        for actor in ACTORS:
            if actor.wants(made.meaning):
                self.wanted[actor.name].append(made.number)

    def expected(self, webhook: str) -> dict[int, Place]:
        """The events that the webhook must get."""
        return {number: self.places[number] for number in self.wanted[webhook]}

    def numbers(self) -> dict[Place, int]:
        """The events by their place."""
        return {place: number for number, place in self.places.items()}


@dataclass(slots=True)
class Record:
    """What one receiver took, in the order of arrival. `strangers` are events that the demo did not make; `unsigned` and `forged`
    are requests without a checked signature, and with a wrong one; `refused` were answered with an error on purpose. `places` are
    events that a request tells by their place alone: which numbers they have is known at the end."""

    numbers: array[int] = field(default_factory=lambda: array("Q"))
    strangers: int = 0
    requests: int = 0
    refused: int = 0
    unsigned: int = 0
    forged: int = 0
    read: Reader = plain_read
    places: list[Place] = field(default_factory=list)

    @property
    def taken(self) -> int:
        """Events that came, strangers not counted."""
        return len(self.numbers) + len(self.places)

    def take(self, arrival: Arrival) -> None:
        """Note one request. Only events of accepted ones count as received."""
        self.requests += 1
        self.unsigned += arrival.verified is None
        self.forged += arrival.verified is False
        if not arrival.accepted:
            self.refused += 1
            return
        for held in self.read(arrival):
            if held is None:
                self.strangers += 1
            elif isinstance(held, Place):
                self.places.append(held)
            else:
                self.numbers.append(held)

    def settle(self, numbers: Mapping[Place, int]) -> None:
        """Put the number of each place in its stead."""
        for place in self.places:
            if place in numbers:
                self.numbers.append(numbers[place])
            else:
                self.strangers += 1
        self.places.clear()
