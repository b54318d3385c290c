"""Small made-up journals for the judge's own tests. One webhook `siem`, one topic `logs`; what a test does not say is well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.judge import judge
from tests.chaos.verdict_journal import Account, Entry, Event, Fault, Journal, Kind, Letter, Request, Webhook

NAME, TOPIC = "siem", "logs"


def event(n: int, partition: int = 0, **about: Any) -> Event:
    """Event `e<n>` at offset n, produced at second n / 100."""
    return Event(f"e{n}", TOPIC, partition, n, n / 100, **about)


def request(*numbers: int, t: float = 1.0, batch: str = "", **about: Any) -> Request:
    """These events in one request, taken and told."""
    ids = tuple(f"e{n}" for n in numbers)
    return Request(NAME, ids, t, batch or "b-" + "-".join(ids), **about)


def fault(klass: str, t0: float, t1: float, kind: str = "", target: str = "") -> Fault:
    return Fault(kind or klass, target, klass, t0, t1)


@dataclass
class Sample:
    """A journal in the making. `run` gives it to the judge."""

    events: Sequence[Event] = ()
    requests: Sequence[Request] = ()
    webhook: dict[str, Any] = field(default_factory=dict)
    faults: Sequence[Fault] = ()
    letters: Sequence[Letter] = ()
    entries: Sequence[Entry] = ()
    accounts: dict[str, Account] | None = None
    journal: dict[str, Any] = field(default_factory=dict)

    def rules(self) -> set[str]:
        """The names of the rules that the judge finds broken."""
        made = Journal(
            webhooks={NAME: Webhook(NAME, **self.webhook)},
            events={event.id: event for event in self.events},
            letters=list(self.letters),
            entries=list(self.entries),
            faults=list(self.faults),
            books=None if self.accounts is None else {NAME: self.accounts},
            **{"wants_books": False, "workers": 1, **self.journal},
        )
        for request in self.requests:
            made.requests[request.webhook].append(request)
        return {finding.rule.name for finding in judge(made).findings}


def account(
    read: int = 0, filtered: int = 0, delivered: int = 0, pending: int = 0, **given_up: dict[str, int]
) -> Account:
    """`discarded` and `dead_lettered` are by reason."""
    return {
        "read": read, "filtered": filtered, "delivered": delivered, "pending": pending,
        "discarded": given_up.get("discarded", {}), "dead_lettered": given_up.get("dead_lettered", {}),
    }  # fmt: skip


__all__ = ["NAME", "TOPIC", "Entry", "Kind", "Letter", "Sample", "account", "event", "fault", "request"]
