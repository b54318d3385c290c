"""The journal of a chaos run as values: what was planned, produced, received, given up and broken. Reads and judges nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

Place = tuple[str, int, int]
"""Topic, partition, offset."""

SESSION_SECONDS = 6.0


class Kind(Enum):
    """What became of an event when it was produced."""

    ACKED = "acknowledged"
    UNKNOWN = "no answer came: it may be in the log or not"
    ABORTED = "of an aborted transaction"


@dataclass(frozen=True, slots=True)
class Event:
    """`offset` is -1 where nobody knows it. `t` is Unix seconds, as all times here."""

    id: str
    topic: str
    partition: int
    offset: int = -1
    t: float = 0.0
    type: str | None = None
    tenant: str | None = None
    severity: int | None = None
    generation: int = 0
    kind: Kind = Kind.ACKED


@dataclass(frozen=True, slots=True)
class Request:
    """One request as the receiver saw it. `accepted`: it counts the events as taken; `told`: and has surely said so."""

    webhook: str
    ids: tuple[str, ...]
    t: float = 0.0
    batch_id: str = ""
    attempt: int = 1
    count: str | None = None
    offsets: str = ""
    discarded: str = ""
    status: int = 200
    accepted: bool = True
    told: bool = True
    signature_ok: bool = True
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """`klass` is graceful, kill, zombie, broker, endpoint, topic, clock or load. `t1` is infinite when it never ended."""

    kind: str
    target: str
    klass: str
    t0: float
    t1: float


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter. `webhook` is "" for a record that nobody could read."""

    webhook: str
    place: Place
    reason: str
    id: str | None = None
    missing_headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the ledger of discards: inclusive offset runs."""

    webhook: str
    topic: str
    partition: int
    runs: tuple[tuple[int, int], ...]
    reason: str
    at: float = 0.0
    count: int | None = None

    def places(self) -> Iterator[Place]:
        for first, last in self.runs:
            for offset in range(first, last + 1):
                yield self.topic, self.partition, offset


@dataclass(frozen=True, slots=True)
class Webhook:
    """`wants` is the harness's own statement of the filter: None in a field means anything. `discards`: it may give events up.
    `records`: everything that it gives up for failing must be in the ledger."""

    name: str
    types: frozenset[str] | None = None
    tenants: frozenset[str] | None = None
    min_severity: int | None = None
    topics: frozenset[str] | None = None
    ordered: bool = True
    discards: bool = False
    records: bool = False
    mode: str = ""

    def wants(self, event: Event) -> bool:
        """An event without severity passes every level."""
        return (
            (self.topics is None or event.topic in self.topics)
            and (self.types is None or event.type in self.types)
            and (self.tenants is None or event.tenant in self.tenants)
            and (self.min_severity is None or event.severity is None or event.severity >= self.min_severity)
        )


Account = Mapping[str, Any]
"""`read`, `filtered`, `delivered`, `discarded` by reason, `dead_lettered` by reason, `pending`, of a webhook and partition."""


@dataclass(slots=True)
class Journal:
    """`books` and `group` (offset that the group has committed, per partition) are None where the run has none."""

    webhooks: dict[str, Webhook] = field(default_factory=dict)
    interval: float = 1.0
    session: float = SESSION_SECONDS
    workers: int = 2
    wants_books: bool = True
    start_earliest: bool = True
    events: dict[str, Event] = field(default_factory=dict)
    broken: set[Place] = field(default_factory=set)
    lost_topics: dict[str, float] = field(default_factory=dict)
    requests: dict[str, list[Request]] = field(default_factory=lambda: defaultdict(list))
    letters: list[Letter] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    books: dict[str, dict[str, Account]] | None = None
    group: dict[str, int] | None = None

    def disturbed(self, *klasses: str) -> bool:
        """Whether there was a fault of one of these classes."""
        return any(fault.klass in klasses for fault in self.faults)
