"""The rules of the books: every account balances, and says what the journal says. Pure functions of a view or a journal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from tests.chaos.verdict_journal import Account, Journal, Kind
from tests.chaos.verdict_view import EXAMPLES, Finding, Rule, View


def settled(account: Account) -> int:
    """Delivered, discarded and dead-lettered together."""
    return int(account["delivered"]) + _total(account, "discarded") + _total(account, "dead_lettered")


def imbalance(account: Account) -> int:
    """What is missing (above 0) or too much in one account."""
    return int(account["read"]) - int(account["filtered"]) - settled(account) - int(account["pending"])


def balance(view: View) -> list[Finding]:
    """read = filtered + delivered + discarded + dead-lettered + pending, and no term is below 0."""
    wrong = [
        f"{tp}: imbalance {imbalance(account)}: {dict(account)}"
        for tp, account in (view.accounts or {}).items()
        if imbalance(account) or _has_negative(account)
    ]
    return [Finding(Rule.IMBALANCE, view.webhook.name, len(wrong), tuple(wrong[:EXAMPLES]))] if wrong else []


def agree(view: View) -> list[Finding]:
    """Each account says what the journal says of its partition."""
    wrong = []
    wanted: dict[str, set[str]] = defaultdict(set)
    for event in view.wanted.values():
        wanted[f"{event.topic}/{event.partition}"].add(event.id)
    for key, account in (view.accounts or {}).items():
        topic, _, partition = key.rpartition("/")
        if not _comparable(view.journal, topic):
            continue
        facts = facts_of(view, topic, int(partition), wanted[key])
        wrong += [f"{key}: {text}; {dict(account)}" for text in disagreements(facts, account)]
    wrong += _unbooked(view, wanted)
    return [Finding(Rule.MISMATCH, view.webhook.name, len(wrong), tuple(wrong[:EXAMPLES]))] if wrong else []


@dataclass(frozen=True, slots=True)
class Facts:
    """What the journal knows of one webhook and partition. `unsure`: events that may be in the log or not. `delivered_only` and so
    on have no other outcome in the journal; an event may have two, one of them forgotten by a kill or taken back by an expiry."""

    records: int
    wanted: int
    unsure: int
    delivered: int
    delivered_only: int
    lettered: int
    lettered_only: int
    noted: int
    noted_only: int
    all_named: bool


def facts_of(view: View, topic: str, partition: int, here: set[str]) -> Facts:
    """Sorts the events of a partition by their outcomes. `here` are those that the webhook wants."""
    unsure = {e.id for e in view.log.unsure if e.topic in ("", topic) and e.partition in (-1, partition)}
    ours = here | {event_id for event_id in unsure if event_id in view.taken or event_id in view.lettered}
    taken, dead, noted = ({i for i in ours if i in some} for some in (view.taken, view.lettered, view.noted))
    return Facts(
        records=view.log.records.get((topic, partition), 0), wanted=len(here), unsure=len(unsure),
        delivered=len(taken), delivered_only=len(taken - dead - noted),
        lettered=len(dead), lettered_only=len(dead - taken - noted),
        noted=len(noted), noted_only=len(noted - taken - dead),
        all_named=not view.webhook.discards,
    )  # fmt: skip


def disagreements(facts: Facts, account: Account) -> list[str]:
    """What an account says that cannot be so."""
    read, filtered, pending = int(account["read"]), int(account["filtered"]), int(account["pending"])
    discarded, dead = _total(account, "discarded"), _total(account, "dead_lettered")
    delivered = int(account["delivered"])
    # A webhook that drops without a name may have dropped what an ambiguous attempt had delivered.
    spare = 0 if facts.all_named else max(0, discarded - facts.noted)
    checks = (
        ("read", read, facts.records, facts.records + facts.unsure),
        ("filtered", filtered, facts.records - facts.wanted, facts.records - facts.wanted + facts.unsure),
        ("matched", settled(account) + pending, facts.wanted, facts.wanted + facts.unsure),
        ("delivered", delivered, facts.delivered_only - spare, facts.delivered),
        ("dead-lettered", dead, facts.lettered_only - spare, facts.lettered),
        ("discarded", discarded, facts.noted_only, facts.noted if facts.all_named else facts.wanted + facts.unsure),
    )
    return [
        f"{name} is {value}, the journal says {_range(low, high)}"
        for name, value, low, high in checks
        if not low <= value <= high
    ]


def _unbooked(view: View, wanted: Mapping[str, set[str]]) -> list[str]:
    """Partitions with wanted events that have no account, where the webhook has others."""
    if not view.accounts:
        return []
    return [
        f"{key}: no account of {len(ids)} wanted events"
        for key, ids in wanted.items()
        if ids and key not in view.accounts and key.rpartition("/")[0] not in view.journal.lost_topics
    ]


def missing_books(journal: Journal) -> list[Finding]:
    """A run that should end with books has some."""
    return [Finding(Rule.NO_BOOKS, "", 1)] if journal.wants_books and not journal.books else []


def unreadable(journal: Journal) -> list[Finding]:
    """Each record that nobody can read is a dead letter of no webhook, and only those are."""
    lettered = {letter.place for letter in journal.letters if not letter.webhook}
    lost = [
        f"{place}: no dead letter" for place in sorted(journal.broken - lettered) if place[0] not in journal.lost_topics
    ]
    readable = {(e.topic, e.partition, e.offset) for e in journal.events.values() if e.topic not in journal.lost_topics}
    wrong = [f"{place}: readable, but called unreadable" for place in sorted(lettered & readable - journal.broken)]
    found = lost + wrong
    return [Finding(Rule.LETTERS, "", len(found), tuple(found[:EXAMPLES]))] if found else []


def group_moves(journal: Journal) -> list[Finding]:
    """After a graceful stop the group has committed everything up to the last record of each partition, for lag exporters."""
    if journal.group is None:
        return []
    ends: dict[str, int] = {}
    for event in journal.events.values():
        if event.kind is Kind.ACKED:
            key = f"{event.topic}/{event.partition}"
            ends[key] = max(ends.get(key, 0), event.offset + 1)
    found = [
        f"{key}: committed {journal.group.get(key)}, the last record is at {end - 1}"
        for key, end in sorted(ends.items())
        if journal.group.get(key, -1) < end and _comparable(journal, key.rpartition("/")[0])
    ]
    return [Finding(Rule.GROUP, "", len(found), tuple(found[:EXAMPLES]))] if found else []


def _comparable(journal: Journal, topic: str) -> bool:
    """Counts of a topic that was made anew, or whose checkpoint was deleted, began again somewhere in the run."""
    deleted = any(fault.kind == "checkpoint-deleted" and fault.target == topic for fault in journal.faults)
    return journal.start_earliest and topic not in journal.lost_topics and not deleted


def _total(account: Account, name: str) -> int:
    return sum(int(count) for count in account.get(name, {}).values())


def _has_negative(account: Account) -> bool:
    plain = (account["read"], account["filtered"], account["delivered"], account["pending"])
    return any(
        n < 0 for n in (*plain, *account.get("discarded", {}).values(), *account.get("dead_lettered", {}).values())
    )


def _range(low: int, high: int) -> str:
    return str(high) if low == high else f"{low} to {high}"
