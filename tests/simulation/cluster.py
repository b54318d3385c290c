"""The scripted Kafka cluster: the source's partitions, checkpoints, letters, and the group's coordinator with its fencing.

Talks to members by messages that take time; a broker that is away answers nothing until it is back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from forwarder.model.event import TP
from forwarder.progress.checkpoint import order_of
from tests.simulation.agenda import Agenda
from tests.simulation.log import TOPIC, CheckpointTopic, Log

WIRE = 0.003
"""Seconds that a message is on its way."""

SESSION, REBALANCE, HEARTBEAT = 4.0, 20.0, 0.3


class Peer(Protocol):
    """A member as the coordinator knows it."""

    number: int

    @property
    def alive(self) -> bool: ...
    def told_to_rejoin(self) -> None: ...
    def told_assignment(self, generation: int, owned: frozenset[TP]) -> None: ...


@dataclass
class Letter:
    """A record that Forwarder produced."""

    at: float
    process: int
    topic: str
    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes]
    count: int


@dataclass
class Coordinator:
    """One consumer group. `rightful[tp]` is the number of the process that the group gave the partition to."""

    agenda: Agenda
    partitions: Callable[[], list[TP]]
    generation: int = 0
    members: dict[int, Peer] = field(default_factory=dict)
    rightful: dict[TP, int] = field(default_factory=dict)
    committed: dict[TP, tuple[int, str]] = field(default_factory=dict)
    joined: set[int] = field(default_factory=set)
    joining: bool = False
    unanswered: float = 0.0
    """Until when commits are applied, and their answers lost."""
    _turn: int = 0

    def join(self, peer: Peer) -> None:
        """A member asks to be in; a new one makes all others rejoin."""
        if not peer.alive:
            return
        fresh = peer.number not in self.members
        self.members[peer.number] = peer
        self.joined.add(peer.number)
        if fresh or not self.joining:
            self.rebalance()
        self._complete()

    def leave(self, number: int) -> None:
        """By its own will, or expelled because nothing was heard of it."""
        if self.members.pop(number, None) is not None:
            self.joined.discard(number)
            self.rebalance()
            self._complete()

    def rebalance(self) -> None:
        """Everybody must hand over and come back, within the rebalance timeout."""
        if not self.joining:
            self.joining = True
            self._turn += 1
            self.agenda.after(REBALANCE, self._deadline, self._turn)
        for peer in list(self.members.values()):
            if peer.number not in self.joined:
                peer.told_to_rejoin()

    def commit(self, number: int, generation: int, offsets: dict[TP, tuple[int, str]]) -> bool:
        """The group's word. While members hand over, those of the last generation may still commit."""
        if number not in self.members or generation != self.generation or number in self.joined:
            return False
        if any(self.rightful.get(tp) != number for tp in offsets):
            return False
        self.committed.update(offsets)
        return True

    def owns(self, number: int, generation: int, tp: TP) -> bool:
        """Whether that member may act on the partition now."""
        return generation == self.generation and self.rightful.get(tp) == number and number in self.members

    def _deadline(self, turn: int) -> None:
        if self.joining and turn == self._turn:
            for number in [number for number in self.members if number not in self.joined]:
                del self.members[number]
            self._complete()

    def _complete(self) -> None:
        if not self.joining or set(self.members) - self.joined:
            return
        self.joining = False
        self.joined.clear()
        self.generation += 1
        numbers = sorted(self.members)
        self.rightful = {}
        if not numbers:
            return
        for place, tp in enumerate(self.partitions()):
            self.rightful[tp] = numbers[(place + self.generation) % len(numbers)]
        for number in numbers:
            owned = frozenset(tp for tp, owner in self.rightful.items() if owner == number)
            self.members[number].told_assignment(self.generation, owned)


class Cluster:
    """All of Kafka. `away_until` is when the broker is back."""

    def __init__(self, agenda: Agenda, partitions: int) -> None:
        self.agenda = agenda
        self.logs = {TP(TOPIC, number): Log(TP(TOPIC, number)) for number in range(partitions)}
        self.checkpoints = CheckpointTopic(order_of)
        self.letters: list[Letter] = []
        self.coordinator = Coordinator(agenda, lambda: list(self.logs))
        self.away_until = 0.0
        self.outages: list[tuple[float, float]] = []
        self.linger = 0.0
        self.refusing = ""
        """A word in the name of topics that take nothing."""

    @property
    def away(self) -> bool:
        return self.agenda.now < self.away_until

    def go_away(self, seconds: float) -> None:
        """Nothing is answered for so long."""
        self.away_until = max(self.away_until, self.agenda.now + seconds)
        self.outages.append((self.agenda.now, self.away_until))

    def when_back(self, what: Callable[..., None], *args: Any) -> None:
        """Do it as soon as a message can arrive."""
        if self.away:
            self.agenda.at(self.away_until + WIRE, self.when_back, what, *args)
        else:
            what(*args)

    def send(self, what: Callable[..., None], *args: Any) -> None:
        """A message to the cluster: it arrives a moment later, or when the broker is back."""
        self.agenda.after(WIRE, self.when_back, what, *args)
