"""The judge on single requests and on the books: each rule flags the bad run and passes the good one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chaos.verdict_journal import Account
from tests.chaos.verdict_offsets import parse_offsets
from tests.chaos.verdict_sample import TOPIC, Entry, Kind, Letter, Sample, account, event, fault, request

TWO = [event(1), event(2)]
WHERE = f"{TOPIC}/0"

# --- headers ---


def test_the_count_in_the_header_is_that_of_the_body() -> None:
    assert Sample(TWO, [request(1, 2, count="2")]).rules() == set()
    assert Sample(TWO, [request(1, 2, count="3")]).rules() == {"HEADERS"}


@pytest.mark.parametrize("text", ["logs/0:1-2", "logs/0:1,2", "~logs/0:0-9", "~", ""])
def test_offsets_that_hold_the_events_are_well(text: str) -> None:
    assert Sample(TWO, [request(1, 2, offsets=text)]).rules() == set()


@pytest.mark.parametrize("text", ["logs/0:1", "logs/1:1-2", "logs/0:1-3", "~logs/0:5-9", "logs/0", "logs/x:1-2"])
def test_offsets_that_say_something_else_are_flagged(text: str) -> None:
    assert Sample(TWO, [request(1, 2, offsets=text)]).rules() == {"HEADERS"}


def test_offsets_are_read_as_documented() -> None:
    offsets = parse_offsets("a.b-c/0:5-9,12;d/3:7")
    assert offsets.exact and offsets.count() == 7
    assert offsets.runs == {("a.b-c", 0): [(5, 9), (12, 12)], ("d", 3): [(7, 7)]}
    assert not parse_offsets("~d/3:7-9").exact


def test_a_signature_that_does_not_hold_is_flagged() -> None:
    assert Sample(TWO, [request(1, 2, signature_ok=False)]).rules() == {"SIGNATURE"}


# --- frozen batches ---


def test_one_id_means_one_list_of_events_and_one_body() -> None:
    def again(*numbers: int, digest: str) -> set[str]:
        first = request(1, 2, batch="b", status=503, accepted=False, told=False, digest="x")
        return Sample(TWO, [first, request(*numbers, batch="b", digest=digest), request(2, batch="c")]).rules()

    assert "FROZEN" in again(1, digest="x")
    assert "FROZEN" in again(1, 2, digest="y")
    whole = [request(1, 2, batch="b", status=503, accepted=False, told=False), request(1, 2, batch="b")]
    assert Sample(TWO, whole).rules() == set()


def test_an_ambiguous_batch_is_the_very_next_one() -> None:
    unsure = request(1, 2, batch="b", status=0, told=False)
    anew = [unsure, request(1, batch="c"), request(2, batch="d")]
    assert Sample(TWO, anew).rules() == {"FROZEN"}
    assert Sample(TWO, [unsure, request(1, 2, batch="b")]).rules() == set()
    assert Sample(TWO, anew, faults=[fault("kill", 5.0, 6.0)]).rules() == set()
    assert Sample(TWO, anew, journal={"workers": 2}).rules() == set()
    assert Sample(TWO, anew, {"ordered": False}).rules() == set()
    slow = request(1, 2, batch="b", told=False)
    assert Sample(TWO, [slow, request(1, batch="c")]).rules() == set(), "an answer was on its way: it may have come"


# --- discards told ---

EXPIRED = Entry("siem", TOPIC, 0, ((1, 1),), "expired", at=10.0)


def discards(*told: str, t: float = 20.0, **about: Any) -> set[str]:
    """Event 1 was discarded at second 10; events 2 and 3 were delivered and told these discards."""
    refused = request(1, t=9.0, status=503, accepted=False, told=False)
    taken = [request(n, t=t, discarded=text) for n, text in zip((2, 3), told, strict=False)]
    books = {WHERE: account(read=1 + len(taken), delivered=len(taken), discarded={"expired": 1})}
    events = [event(n) for n in range(1, 2 + len(taken))]
    return Sample(events, [refused, *taken], {"discards": True}, entries=[EXPIRED], accounts=books, **about).rules()


def test_a_discard_is_told_with_the_next_batch() -> None:
    assert discards("expired=1") == set()
    assert discards("") == {"UNTOLD"}
    assert discards("", t=11.0) == set(), "the batch may have been under way already"


def test_a_discard_is_told_once_unless_a_kill_came_between() -> None:
    assert discards("expired=1", "expired=1") == {"UNTOLD"}
    assert discards("expired=1", "expired=1", faults=[fault("kill", 15.0, 16.0)]) == set()


# --- expiry ---


def expiry(*failed: float, last: int = 3, **about: Any) -> set[str]:
    """Events 2 to `last` expired at second 10; at these times a request with them had failed. Event 1 was delivered long before."""
    numbers = range(2, last + 1)
    refused = [request(*numbers[:1], t=t, batch="b", status=503, accepted=False, told=False) for t in failed]
    entry = Entry("siem", TOPIC, 0, ((2, last),), "expired", at=10.0)
    taken = [request(1, t=-50.0), *refused]
    events = [event(1), *(event(n) for n in numbers)]
    return Sample(events, taken, {"discards": True}, entries=[entry], **about).rules()


def test_an_event_expires_only_while_its_endpoint_fails() -> None:
    assert expiry(9.5) == set()
    assert expiry() == {"EXPIRED"}
    assert expiry(-30.0) == {"EXPIRED"}
    assert expiry(10.5) == {"EXPIRED"}, "it failed afterwards"


def test_one_batch_may_expire_whose_attempt_never_reached_the_receiver() -> None:
    assert expiry(last=2) == set()


@pytest.mark.parametrize("klass", ["zombie", "clock"])
def test_a_sender_that_was_stopped_or_has_another_time_may_find_events_too_old(klass: str) -> None:
    assert expiry(faults=[fault(klass, 5.0, 8.0)]) == set()
    assert expiry(faults=[fault(klass, -25.0, -20.0)]) == {"EXPIRED"}


def test_an_endpoint_that_was_out_of_order_need_not_have_seen_a_request() -> None:
    assert expiry(faults=[fault("endpoint", 5.0, 8.0, target="siem")]) == set()
    assert expiry(faults=[fault("endpoint", 5.0, 8.0, target="other")]) == {"EXPIRED"}


# --- books ---


def books(accounts: dict[str, Account], **about: Any) -> set[str]:
    """Two events of which the webhook wants the first, and it was delivered."""
    events = [event(1, type="a"), event(2, type="b")]
    sample = Sample(events, [request(1)], {"types": frozenset({"a"})}, accounts=accounts, **about)
    return sample.rules()


def test_an_account_that_balances_and_says_what_happened_is_well() -> None:
    assert books({WHERE: account(read=2, filtered=1, delivered=1)}) == set()


@pytest.mark.parametrize(
    "wrong",
    [
        account(read=2, filtered=0, delivered=1),
        account(read=2, filtered=1, delivered=1, pending=1),
        account(read=3, filtered=1, delivered=1),
    ],
)
def test_an_account_that_does_not_balance_is_flagged(wrong: Account) -> None:
    assert "IMBALANCE" in books({WHERE: wrong})


@pytest.mark.parametrize(
    "wrong",
    [
        account(read=3, filtered=2, delivered=1),
        account(read=2, filtered=0, delivered=2),
        account(read=2, filtered=1, delivered=0, pending=1),
        account(read=2, filtered=1, dead_lettered={"refused": 1}),
        account(read=2, filtered=2, delivered=1, pending=-1),
    ],
)
def test_an_account_that_balances_and_is_not_true_is_flagged(wrong: Account) -> None:
    assert "MISMATCH" in books({WHERE: wrong})


def test_a_discard_that_is_counted_twice_is_flagged() -> None:
    twice = {WHERE: account(read=2, delivered=1, discarded={"expired": 2})}
    once = {WHERE: account(read=2, delivered=1, discarded={"expired": 1})}
    entry = Entry("siem", TOPIC, 0, ((2, 2),), "expired")
    about: dict[str, Any] = {"webhook": {"discards": True}, "entries": [entry]}
    assert Sample(TWO, [request(1)], accounts=once, **about).rules() == set()
    assert Sample(TWO, [request(1)], accounts=twice, **about).rules() == {"IMBALANCE", "MISMATCH"}


def test_an_event_with_two_outcomes_may_be_counted_as_either() -> None:
    entry = Entry("siem", TOPIC, 0, ((1, 1),), "expired")
    taken = [request(1, told=False), request(2)]
    for one in (account(read=2, delivered=2), account(read=2, delivered=1, discarded={"expired": 1})):
        sample = Sample(TWO, taken, {"discards": True}, entries=[entry], accounts={WHERE: one})
        assert sample.rules() == set()


def test_events_that_may_or_may_not_be_in_the_log_leave_room_in_the_books() -> None:
    events = [event(1), event(2, kind=Kind.UNKNOWN)]
    for one in (account(read=1, delivered=1), account(read=2, delivered=2)):
        taken = [request(1), request(2)] if one["delivered"] == 2 else [request(1)]
        assert Sample(events, taken, accounts={WHERE: one}).rules() == set()
    assert "MISMATCH" in Sample(events, [request(1)], accounts={WHERE: account(read=3, delivered=3)}).rules()


def test_unreadable_records_count_as_read_and_filtered() -> None:
    place = (TOPIC, 0, 9)
    broken: dict[str, Any] = {"letters": [Letter("", place, "not_json")], "journal": {"broken": {place}}}
    assert books({WHERE: account(read=3, filtered=2, delivered=1)}, **broken) == set()
    assert books({WHERE: account(read=2, filtered=1, delivered=1)}, **broken) == {"MISMATCH"}


def test_a_partition_without_an_account_is_flagged() -> None:
    assert books({f"{TOPIC}/1": account()}) == {"MISMATCH"}


def test_the_counts_of_a_topic_that_was_made_anew_only_have_to_balance() -> None:
    lost: dict[str, Any] = {"journal": {"lost_topics": {TOPIC: 100.0}}}
    assert books({WHERE: account(read=1, delivered=1)}, **lost) == set()
    assert books({WHERE: account(read=2, delivered=1)}, **lost) == {"IMBALANCE"}


def test_a_run_that_should_have_books_and_has_none_is_flagged() -> None:
    assert Sample(TWO, [request(1, 2)], journal={"wants_books": True}).rules() == {"NO_BOOKS"}


def test_the_group_has_committed_up_to_the_last_record() -> None:
    assert Sample(TWO, [request(1, 2)], journal={"group": {WHERE: 3}}).rules() == set()
    assert Sample(TWO, [request(1, 2)], journal={"group": {WHERE: 5}}).rules() == set(), "markers follow the records"
    assert Sample(TWO, [request(1, 2)], journal={"group": {WHERE: 2}}).rules() == {"GROUP"}
    assert Sample(TWO, [request(1, 2)], journal={"group": {}}).rules() == {"GROUP"}
