"""The rules of what arrived: lost, repeated, out of order, unwanted, given up. Pure functions of one webhook's view."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from tests.chaos.verdict_journal import Event, Kind, Request
from tests.chaos.verdict_offsets import told_discards
from tests.chaos.verdict_view import Finding, Rule, View

UNNAMED_REASONS = frozenset({"shed", "retention", "skipped"})
"""Discards that no ledger names, whatever the webhook asks for: there is no attempt that they come from."""

Partition = tuple[str, int]


def lost(view: View) -> list[Finding]:
    """Wanted and acknowledged, but without any outcome. What the books say was given up without a name excuses as many."""
    missing = missing_ids(view)
    left = nameless(view)
    found = []
    for event_id in missing:
        where = _partition(view.wanted[event_id])
        if left[where] > 0:
            left[where] -= 1
        else:
            found.append(event_id)
    return view.finding(Rule.LOST, found)


def missing_ids(view: View) -> list[str]:
    """Wanted events without a named outcome."""
    return [i for i in view.wanted if i not in view.taken and i not in view.lettered and i not in view.noted]


def nameless(view: View) -> Counter[Partition]:
    """Per partition how many events may be missing because they were given up and nothing names them."""
    left: Counter[Partition] = Counter()
    if not view.webhook.discards:
        return left
    if view.accounts is None:
        return _nameless_by_headers(view)
    for key, account in view.accounts.items():
        reasons = account.get("discarded", {})
        if view.webhook.records:
            left[_key(key)] = sum(count for reason, count in reasons.items() if reason in UNNAMED_REASONS)
        else:
            left[_key(key)] = sum(reasons.values())
    if not view.webhook.records:
        left.subtract(_partition(view.wanted[i]) for i in view.noted if i in view.wanted and i not in view.taken)
    return left


def _nameless_by_headers(view: View) -> Counter[Partition]:
    """Without books the receiver only knows what it was told, for all partitions together."""
    told = sum((told_discards(r.discarded) for r in view.requests if r.accepted), Counter[str]())
    unnamed = sum(told[reason] for reason in UNNAMED_REASONS)
    spare = unnamed if view.webhook.records else told.total() - len(view.noted)
    left: Counter[Partition] = Counter()
    for event_id in missing_ids(view)[: max(0, spare)]:
        left[_partition(view.wanted[event_id])] += 1
    return left


def repeats(view: View) -> Iterator[tuple[str, Request, Request]]:
    """Every acceptance of an event after its first one, with the acceptance before it."""
    for event_id, taken in view.taken.items():
        for before, again in pairwise(taken):
            yield event_id, before, again


def repeated(view: View) -> list[Finding]:
    """Repeats that nothing excuses."""
    return view.finding(Rule.REPEATED, [event_id for event_id, why in _judged_repeats(view) if why is None])


def excused(view: View) -> Counter[str]:
    """How many repeats each excuse covers."""
    return Counter(why for _, why in _judged_repeats(view) if why is not None)


def _judged_repeats(view: View) -> Iterator[tuple[str, str | None]]:
    events, excuses = view.journal.events, view.excuses
    return ((event_id, excuses.why(events.get(event_id), one, two)) for event_id, one, two in repeats(view))


def disordered(view: View) -> list[Finding]:
    """By the first acceptance. One below what came already counts only if the sender learned of it: an attempt that was given up
    long ago may still be taken by a slow receiver. What a webhook had given up may come after all when its progress was undone."""
    if not view.webhook.ordered:
        return []
    highest: dict[tuple[str, int, int], int] = {}
    holder: dict[tuple[str, int, int], Request] = {}
    seen: set[str] = set()
    found = []
    for request in view.requests:
        for event_id in request.ids if request.accepted else ():
            event = view.journal.events.get(event_id)
            if event is None or event.offset < 0 or event_id in seen:
                continue
            key = (event.topic, event.partition, event.generation)
            late = event.offset < highest.get(key, -1)
            undone = late and view.webhook.discards and view.excuses.forgotten(event, holder[key], request)
            if late and request.told and not undone:
                found.append(event_id)
            if not late:
                highest[key], holder[key] = event.offset, request
            if request.told or not late:
                seen.add(event_id)
    return view.finding(Rule.DISORDERED, found)


def unwanted(view: View) -> list[Finding]:
    """Events that were sent, taken or not, and must not have been: of no wish, of no committed transaction, of nobody."""
    wrong, aborted, strange = set(), set(), set()
    for event_id in {event_id for request in view.requests for event_id in request.ids}:
        event = view.journal.events.get(event_id)
        if event is None:
            strange.add(event_id)
        elif event.kind is Kind.ABORTED:
            aborted.add(event_id)
        elif event.topic and not view.webhook.wants(event):
            wrong.add(event_id)
    return (
        view.finding(Rule.WRONG, sorted(wrong))
        + view.finding(Rule.ABORTED, sorted(aborted))
        + view.finding(Rule.STRANGER, sorted(strange))
    )


def given_up(view: View) -> list[Finding]:
    """A webhook that may not give up anything has an empty ledger, and no discards but by retention."""
    if view.webhook.discards:
        return []
    counts: Counter[str] = Counter(entry.reason for entry in view.noted.values())
    for account in (view.accounts or {}).values():
        counts.update({reason: n for reason, n in account.get("discarded", {}).items() if reason != "retention"})
    if not counts:
        return []
    return [Finding(Rule.GIVEN_UP, view.webhook.name, counts.total(), tuple(f"{r}: {n}" for r, n in counts.items()))]


def condemned(view: View) -> list[Finding]:
    """A refusal is the receiver's word on one event alone: dead-lettering its neighbours is loss by another name."""
    refused = {r.ids[0] for r in view.requests if len(r.ids) == 1 and 400 <= r.status < 500}
    found = []
    for event_id, letter in view.lettered.items():
        if letter.reason in ("refused", "too_large_for_webhook"):
            if event_id not in refused:
                found.append(event_id)
        elif letter.reason in ("expired", "attempts") and not view.webhook.discards:
            found.append(event_id)
    return view.finding(Rule.CONDEMNED, found)


def _partition(event: Event) -> Partition:
    return event.topic, event.partition


def _key(text: str) -> Partition:
    topic, _, partition = text.rpartition("/")
    return topic, int(partition)
