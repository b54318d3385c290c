"""One webhook's side of a run: what it wanted, what it took, what was given up for it. Sorts the journal; judges nothing."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from tests.chaos.verdict_excuses import Excuses, near
from tests.chaos.verdict_journal import Account, Entry, Event, Journal, Kind, Letter, Place, Request, Webhook

EXAMPLES = 4


class Rule(Enum):
    """What can be wrong. The value is the text of a finding."""

    LOST = "events lost: wanted, acknowledged by Kafka, and neither taken, dead-lettered nor accounted for as given up"
    REPEATED = "repeats beyond the stated bound"
    DISORDERED = "events out of order within their partition"
    WRONG = "events that the webhook does not want"
    ABORTED = "events of aborted transactions"
    STRANGER = "events that nobody produced"
    UNNAMED = "requests for a webhook that is not in the plan"
    GIVEN_UP = "events given up although the webhook may not give any up"
    EXPIRED = "events given up as too old although nothing was wrong with the endpoint"
    CONDEMNED = "dead letters without a refusal of that one event"
    LETTERS = "dead letters that are incomplete, repeated without need, or missing"
    HEADERS = "requests whose headers do not fit their body"
    SIGNATURE = "requests whose signature does not hold"
    FROZEN = "batches that were not repeated with the same events and bytes under the same id"
    UNTOLD = "discards that the receiver was not told of, or told of more than once"
    IMBALANCE = "accounts that do not balance"
    MISMATCH = "accounts that say something else than the journal"
    NO_BOOKS = "no books were found"
    GROUP = "partitions whose committed offset was not kept moving"


@dataclass(frozen=True, slots=True)
class Finding:
    """A violation, with the first few examples."""

    rule: Rule
    webhook: str
    count: int
    examples: tuple[str, ...] = ()

    def __str__(self) -> str:
        shown = "".join(f"\n      {text}" for text in self.examples)
        return f"{self.webhook or 'the run'}: {self.count} {self.rule.value}{shown}"


@dataclass(frozen=True, slots=True)
class Log:
    """Readable and broken records by topic and partition, and events of which nobody knows whether they are in the log."""

    records: Mapping[tuple[str, int], int]
    unsure: list[Event]


@dataclass(slots=True)
class View:
    """`wanted` and `taken` are by id. `taken` has the requests that accepted the event, in order of arrival. `lettered` and
    `noted` (ledger) hold ids."""

    webhook: Webhook
    journal: Journal
    excuses: Excuses
    requests: list[Request]
    wanted: dict[str, Event] = field(default_factory=dict)
    taken: dict[str, list[Request]] = field(default_factory=dict)
    lettered: dict[str, Letter] = field(default_factory=dict)
    noted: dict[str, Entry] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    accounts: Mapping[str, Account] | None = None
    log: Log = field(default_factory=lambda: Log({}, []))

    def finding(self, rule: Rule, ids: Iterable[str], count: int | None = None) -> list[Finding]:
        """One finding for all these events; none without events."""
        found = list(ids)
        number = len(found) if count is None else count
        if not number:
            return []
        return [Finding(rule, self.webhook.name, number, tuple(self.show(i) for i in found[:EXAMPLES]))]

    def show(self, event_id: str) -> str:
        """An event for people: where it is, when it came, which faults were near."""
        event, taken = self.journal.events.get(event_id), self.taken.get(event_id)
        if event is None:
            return f"{event_id} (nobody produced it)"
        t = taken[0].t if taken else event.t
        times = ", ".join(f"taken at {request.t:.2f} in {request.batch_id}" for request in (taken or ())[:3])
        return (
            f"{event_id} ({event.topic}/{event.partition}/{event.offset}), produced at {event.t:.2f}, "
            f"{times or 'never taken'}; faults near: {near(self.journal.faults, t)}"
        )


class Places:
    """Ids by place. After a topic was made anew a place may have had several events."""

    def __init__(self, journal: Journal) -> None:
        self._ids: dict[Place, list[str]] = defaultdict(list)
        for event in journal.events.values():
            if event.offset >= 0:
                self._ids[event.topic, event.partition, event.offset].append(event.id)

    def ids(self, place: Place) -> list[str]:
        return self._ids.get(place, [])


def views(journal: Journal) -> list[View]:
    """One per planned webhook."""
    places = Places(journal)
    excuses = Excuses(journal.faults, journal.interval, journal.session)
    by_kind = _by_kind(journal)
    log = _log(journal)
    result = []
    for webhook in journal.webhooks.values():
        requests = journal.requests.get(webhook.name, [])
        view = View(webhook, journal, excuses, requests, _wanted(webhook, by_kind), log=log)
        for request in requests:
            if request.accepted:
                for event_id in request.ids:
                    view.taken.setdefault(event_id, []).append(request)
        view.accounts = None if journal.books is None else journal.books.get(webhook.name)
        result.append(view)
    _sort_given_up(journal, places, {view.webhook.name: view for view in result})
    for view in result:
        _excuse_lost_topics(view)
    return result


def _log(journal: Journal) -> Log:
    records = Counter((e.topic, e.partition) for e in journal.events.values() if e.kind is Kind.ACKED)
    # a record that nobody can read may be there although the acknowledgement of it was lost
    records.update(
        place[:2] for place in journal.broken | {letter.place for letter in journal.letters if not letter.webhook}
    )
    return Log(records, [event for event in journal.events.values() if event.kind is Kind.UNKNOWN])


def _by_kind(journal: Journal) -> dict[tuple[object, ...], list[Event]]:
    """Events that no filter tells apart, together: a filter is asked once for all of them."""
    groups: dict[tuple[object, ...], list[Event]] = defaultdict(list)
    for event in journal.events.values():
        if event.kind is Kind.ACKED:
            groups[event.topic, event.type, event.tenant, event.severity].append(event)
    return groups


def _wanted(webhook: Webhook, groups: Mapping[tuple[object, ...], list[Event]]) -> dict[str, Event]:
    return {event.id: event for events in groups.values() if webhook.wants(events[0]) for event in events}


def _sort_given_up(journal: Journal, places: Places, by_name: Mapping[str, View]) -> None:
    for letter in journal.letters:
        if letter.webhook in by_name:
            for event_id in [letter.id] if letter.id else places.ids(letter.place):
                by_name[letter.webhook].lettered[event_id] = letter
    for entry in journal.entries:
        if entry.webhook in by_name:
            by_name[entry.webhook].entries.append(entry)
            for place in entry.places():
                for event_id in places.ids(place):
                    by_name[entry.webhook].noted[event_id] = entry


def _excuse_lost_topics(view: View) -> None:
    """What was deleted with its topic before anybody had read it cannot be delivered."""
    for topic, t in view.journal.lost_topics.items():
        gone = [e for e in view.wanted.values() if e.topic == topic and e.t <= t and e.id not in view.taken]
        for event in gone:
            del view.wanted[event.id]
