"""The rules of single requests: headers against the body, signature, a repeat under the same id, discards told. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict

from tests.chaos.verdict_excuses import near
from tests.chaos.verdict_journal import Fault, Place, Request
from tests.chaos.verdict_offsets import parse_offsets, told_discards
from tests.chaos.verdict_view import EXAMPLES, Finding, Rule, View

TROUBLE_SECONDS = 10.0
"""How long after its last failure an endpoint may count as down."""

CLOCK_SECONDS = 0.2
"""How much earlier than its cause something may seem to be that another process wrote down."""

TELL_SECONDS = 3.0
"""A batch that starts this long after a discard has to tell it."""


def headers(view: View) -> list[Finding]:
    """The count and the offsets in the headers are those of the body."""
    return _about(view, Rule.HEADERS, [(r, why) for r in view.requests if r.ids and (why := _misfit(view, r))])


def _misfit(view: View, request: Request) -> str:
    if request.count is not None and request.count != str(len(request.ids)):
        return f"says {request.count} events, has {len(request.ids)}"
    try:
        told_discards(request.discarded)
        offsets = parse_offsets(request.offsets)
    except ValueError as error:
        return f"unreadable header: {error}"
    places = _places(view, request)
    if places is None or not request.offsets or request.offsets == "~":
        return ""
    outside = [place for place in places if not offsets.holds(place)]
    if outside:
        return f"has {outside[0]}, says {request.offsets[:80]}"
    if offsets.exact and offsets.count() != len(places):
        return f"says {offsets.count()} offsets, has {len(places)}"
    return ""


def _places(view: View, request: Request) -> set[Place] | None:
    """Where its events are; None when that is not known of all of them."""
    events = [view.journal.events.get(event_id) for event_id in request.ids]
    if any(event is None or event.offset < 0 for event in events):
        return None
    return {(event.topic, event.partition, event.offset) for event in events if event is not None}


def signature(view: View) -> list[Finding]:
    """Every signature holds, also that of a request that was refused."""
    return _about(view, Rule.SIGNATURE, [(r, "") for r in view.requests if not r.signature_ok])


def frozen(view: View) -> list[Finding]:
    """One id means one list of events and one body, always. And where one worker alone sends in order, what the receiver took
    without the sender learning of it comes again as the same batch."""
    contents: dict[str, Request] = {}
    found = []
    for request in view.requests:
        if not request.batch_id or not request.ids:
            continue
        first = contents.setdefault(request.batch_id, request)
        if first.ids != request.ids:
            found.append((request, "the same id with other events"))
        elif first.digest and request.digest and first.digest != request.digest:
            found.append((request, "the same id with other bytes"))
    return _about(view, Rule.FROZEN, found + _repacked(view))


def _repacked(view: View) -> list[tuple[Request, str]]:
    """A batch that was taken and never answered, and was not the very next one, as it was. After a kill nobody may know of the first
    attempt, with several workers its partitions may have parted, and expiry takes events out of it."""
    quiet = not view.journal.disturbed("kill", "zombie") and view.journal.workers == 1
    if not quiet or not view.webhook.ordered or view.webhook.discards:
        return []
    found = []
    unsure: Request | None = None
    for request in view.requests:
        if unsure is not None and unsure.batch_id != request.batch_id:
            found.append((request, f"was sent before {unsure.batch_id} was repeated, which was ambiguous"))
        unsure = request if request.accepted and not request.status else None
    return found


def untold(view: View) -> list[Finding]:
    """Discards are told with the next batch that is delivered, and once. Kills and moves may repeat or delay that."""
    if view.journal.disturbed("kill", "zombie", "broker"):
        return []
    told = sum((told_discards(r.discarded) for r in view.requests if r.accepted and r.told), Counter[str]())
    tellers = sum((told_discards(r.discarded) for r in view.requests if r.accepted), Counter[str]())
    noted: Counter[str] = Counter(entry.reason for entry in view.noted.values())
    found = []
    if view.accounts is not None:
        known = sum((Counter(a.get("discarded", {})) for a in view.accounts.values()), Counter[str]())
        found += [f"{reason}: told {n}, discarded {known[reason]}" for reason, n in told.items() if n > known[reason]]
    if view.journal.workers == 1:
        last = max((r.t for r in view.requests if r.accepted and r.told), default=0.0)
        due = Counter(entry.reason for entry in view.noted.values() if entry.at and entry.at < last - TELL_SECONDS)
        found += [
            f"{reason}: {n} in the ledger in time, of {noted[reason]}; told {tellers[reason]}"
            for reason, n in due.items()
            if n > tellers[reason]
        ]
    return [Finding(Rule.UNTOLD, view.webhook.name, len(found), tuple(found))] if found else []


def expired(view: View) -> list[Finding]:
    """While an endpoint is well nothing expires, however late the sender is: before each expiry a request had failed, or somebody was
    out of order. One attempt may have failed without reaching the receiver: that explains as much as one batch holds."""
    failures = sorted(request.t for request in view.requests if not request.told)
    troubles = [f for f in view.journal.faults if _disturbs(f, view.webhook.name)]

    def troubled(at: float) -> bool:
        last = bisect_right(failures, at + CLOCK_SECONDS)
        recent = last > 0 and failures[last - 1] >= at - TROUBLE_SECONDS
        return recent or any(fault.t0 <= at <= fault.t1 + TROUBLE_SECONDS for fault in troubles)

    wrong = [e for e in view.entries if e.reason == "expired" and e.at and not troubled(e.at)]
    events = sum(last - first + 1 for e in wrong for first, last in e.runs)
    if events <= max((len(request.ids) for request in view.requests), default=0):
        return []
    shown = tuple(f"{e.topic}/{e.partition} {e.runs[0]} and more, at {e.at:.2f}" for e in wrong[:EXAMPLES])
    return [Finding(Rule.EXPIRED, view.webhook.name, events, shown)]


def _disturbs(fault: Fault, webhook: str) -> bool:
    """Whether attempts may fail, or events seem old, by this fault."""
    return fault.klass in ("zombie", "clock") or (fault.klass == "endpoint" and fault.target in ("", webhook))


def letters(view: View) -> list[Finding]:
    """Dead letters say everything that they have to, and are written once unless a fault got in between."""
    found = [
        f"{letter.place} lacks {', '.join(letter.missing_headers)}"
        for letter in view.journal.letters
        if letter.webhook == view.webhook.name and letter.missing_headers
    ]
    if not view.journal.disturbed("kill", "zombie", "broker"):
        times: dict[Place, int] = defaultdict(int)
        for letter in view.journal.letters:
            times[letter.place] += letter.webhook == view.webhook.name
        found += [f"{place} was written {n} times" for place, n in times.items() if n > 1]
    return [Finding(Rule.LETTERS, view.webhook.name, len(found), tuple(found[:EXAMPLES]))] if found else []


def _about(view: View, rule: Rule, found: list[tuple[Request, str]]) -> list[Finding]:
    if not found:
        return []
    examples = tuple(
        f"{r.batch_id} attempt {r.attempt} at {r.t:.2f} ({len(r.ids)} events) {why}; "
        f"faults near: {near(view.journal.faults, r.t)}"
        for r, why in found[:EXAMPLES]
    )
    return [Finding(rule, view.webhook.name, len(found), examples)]
