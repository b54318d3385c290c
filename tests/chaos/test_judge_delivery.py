"""The judge on what arrived: each rule flags the bad run and passes the good one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chaos.verdict_sample import TOPIC, Entry, Kind, Letter, Sample, account, event, fault, request

TWO = [event(1), event(2)]


def test_a_run_in_which_everything_arrived_once_is_clean() -> None:
    assert Sample(TWO, [request(1), request(2)]).rules() == set()


# --- lost ---


def test_a_wanted_event_that_never_arrived_is_lost() -> None:
    assert Sample(TWO, [request(1)]).rules() == {"LOST"}


def test_an_event_that_was_sent_and_refused_is_lost() -> None:
    assert Sample(TWO, [request(1), request(2, status=503, accepted=False, told=False)]).rules() == {"LOST"}


def test_an_event_that_arrived_without_the_sender_learning_of_it_is_not_lost() -> None:
    assert Sample(TWO, [request(1), request(2, told=False)]).rules() == set()


def test_an_event_without_an_acknowledgement_of_kafka_may_be_missing_or_arrive() -> None:
    unsure = event(3, kind=Kind.UNKNOWN)
    assert Sample([*TWO, unsure], [request(1, 2)]).rules() == set()
    assert Sample([*TWO, unsure], [request(1, 2), request(3)]).rules() == set()


def test_an_event_that_nobody_wants_may_be_missing() -> None:
    events = [event(1, type="a", severity=4), event(2, type="b", severity=4), event(3, type="a", severity=1)]
    wants = {"types": frozenset({"a"}), "min_severity": 3}
    assert Sample(events, [request(1)], wants).rules() == set()
    assert Sample(events, [], wants).rules() == {"LOST"}


def test_an_event_without_severity_passes_every_level() -> None:
    assert Sample([event(1)], [], {"min_severity": 5}).rules() == {"LOST"}


def test_a_dead_letter_is_an_outcome() -> None:
    letter = Letter("siem", (TOPIC, 0, 2), "refused", "e2")
    refusal = request(2, status=400, accepted=False, told=False)
    assert Sample(TWO, [request(1), refusal], letters=[letter]).rules() == set()
    assert Sample(TWO, [request(1), refusal], letters=[]).rules() == {"LOST"}


def test_an_entry_of_the_ledger_is_an_outcome_where_events_may_be_given_up() -> None:
    entry = Entry("siem", TOPIC, 0, ((2, 2),), "expired")
    assert Sample(TWO, [request(1)], {"discards": True}, entries=[entry]).rules() == set()
    assert Sample(TWO, [request(1)], {"discards": False}, entries=[entry]).rules() == {"GIVEN_UP"}


def test_as_many_may_be_missing_as_the_books_say_were_shed_in_that_partition() -> None:
    shed = account(read=2, delivered=1, discarded={"shed": 1})
    assert Sample(TWO, [request(1)], {"discards": True}, accounts={f"{TOPIC}/0": shed}).rules() == set()
    none = account(read=2, delivered=2)
    assert "LOST" in Sample(TWO, [request(1)], {"discards": True}, accounts={f"{TOPIC}/0": none}).rules()
    other = {f"{TOPIC}/0": none, f"{TOPIC}/1": shed}
    assert "LOST" in Sample(TWO, [request(1)], {"discards": True}, accounts=other).rules()


def test_what_a_recording_webhook_gave_up_for_failing_must_be_in_the_ledger() -> None:
    books = {f"{TOPIC}/0": account(read=2, delivered=1, discarded={"expired": 1})}
    assert Sample(TWO, [request(1)], {"discards": True}, accounts=books).rules() == set()
    assert Sample(TWO, [request(1)], {"discards": True, "records": True}, accounts=books).rules() == {"LOST"}


def test_without_books_as_many_may_be_missing_as_the_receiver_was_told() -> None:
    told = [request(1, discarded="attempts=1")]
    assert Sample(TWO, told, {"discards": True}).rules() == set()
    assert Sample([*TWO, event(3)], told, {"discards": True}).rules() == {"LOST"}
    assert Sample(TWO, told, {"discards": True, "records": True}).rules() == {"LOST"}


def test_what_was_deleted_with_its_topic_is_not_lost() -> None:
    late = event(500, generation=1)
    assert Sample(TWO, [], journal={"lost_topics": {TOPIC: 1.0}}).rules() == set()
    assert Sample([*TWO, late], [], journal={"lost_topics": {TOPIC: 1.0}}).rules() == {"LOST"}


# --- repeated ---


def twice(first: float, second: float, told: bool = True, **about: Any) -> set[str]:
    """The rules broken by one event that was taken at these two times."""
    taken = [request(1, t=first, told=told), request(1, t=second)]
    return Sample([event(1)], taken, **about).rules()


def test_a_repeat_is_a_violation_unless_the_first_acceptance_was_ambiguous() -> None:
    assert twice(10.0, 20.0) == {"REPEATED"}
    assert twice(10.0, 20.0, told=False) == set()


@pytest.mark.parametrize("klass", ["kill", "zombie"])
def test_a_kill_excuses_repeats_of_what_came_since_the_last_checkpoint(klass: str) -> None:
    kill = [fault(klass, 12.0, 19.0)]
    assert twice(11.0, 25.0, faults=kill) == set()
    assert twice(5.0, 25.0, faults=kill) == {"REPEATED"}
    assert twice(15.0, 25.0, faults=kill) == {"REPEATED"}, "taken well after the kill"


@pytest.mark.parametrize("klass", ["graceful", "endpoint", "load"])
def test_a_graceful_fault_excuses_nothing(klass: str) -> None:
    assert twice(11.0, 25.0, faults=[fault(klass, 12.0, 13.0)]) == {"REPEATED"}


def test_an_outage_of_the_broker_before_a_kill_extends_what_may_be_repeated() -> None:
    kill = fault("kill", 30.0, 31.0)
    assert twice(18.0, 40.0, faults=[kill]) == {"REPEATED"}
    assert twice(18.0, 40.0, faults=[kill, fault("broker", 20.0, 25.0)]) == set()
    assert twice(5.0, 40.0, faults=[kill, fault("broker", 20.0, 25.0)]) == {"REPEATED"}


def test_an_outage_longer_than_the_session_is_a_kill_for_the_group_and_a_shorter_one_is_not() -> None:
    assert twice(21.0, 40.0, faults=[fault("broker", 20.0, 30.0)]) == set()
    assert twice(21.0, 40.0, faults=[fault("broker", 20.0, 23.0)]) == {"REPEATED"}


def test_what_a_zombie_does_in_the_moment_in_which_it_wakes_up_may_be_a_repeat_and_be_repeated() -> None:
    zombie = [fault("zombie", 10.0, 30.0)]
    assert twice(20.0, 31.0, faults=zombie) == set()
    assert twice(31.0, 45.0, faults=zombie) == set()
    assert twice(20.0, 36.0, faults=zombie) == {"REPEATED"}


def test_each_repeat_needs_an_excuse_of_its_own() -> None:
    taken = [request(1, t=11.0), request(1, t=20.0), request(1, t=28.0)]
    assert Sample([event(1)], taken, faults=[fault("kill", 12.0, 13.0)]).rules() == {"REPEATED"}


def test_a_deleted_checkpoint_excuses_repeats_of_its_topic_alone() -> None:
    assert twice(5.0, 50.0, faults=[fault("topic", 20.0, 25.0, "checkpoint-deleted", TOPIC)]) == set()
    assert twice(5.0, 50.0, faults=[fault("topic", 20.0, 25.0, "checkpoint-deleted", "other")]) == {"REPEATED"}


# --- order ---


def test_order_counts_within_a_partition_and_only_for_webhooks_that_keep_it() -> None:
    assert Sample(TWO, [request(2), request(1)]).rules() == {"DISORDERED"}
    assert Sample(TWO, [request(2), request(1)], {"ordered": False}).rules() == set()
    assert Sample([event(1), event(2, partition=1)], [request(2), request(1)]).rules() == set()


def test_a_repeat_does_not_count_for_the_order() -> None:
    kill = [fault("kill", 1.5, 2.0)]
    again = [request(1, t=1.0), request(2, t=1.1), request(1, t=8.0), request(2, t=8.1)]
    assert Sample(TWO, again, faults=kill).rules() == set()
    unsure = [request(1, t=1.0, told=False), request(2, t=1.1), request(1, t=8.0), request(2, t=8.1)]
    assert Sample(TWO, unsure, faults=kill).rules() == set()


def test_an_attempt_that_is_taken_long_after_it_was_given_up_does_not_count_for_the_order() -> None:
    entry = Entry("siem", TOPIC, 0, ((1, 1),), "attempts")
    late = [request(2), request(1, told=False)]
    assert Sample(TWO, late, {"discards": True}, entries=[entry]).rules() == set()
    assert Sample(TWO, [*late, request(1)]).rules() == {"DISORDERED"}


def test_what_was_given_up_may_come_after_all_when_the_progress_was_undone() -> None:
    requests = [request(2, t=1.0), request(1, t=8.0)]
    kill = [fault("kill", 1.5, 2.0)]
    assert Sample(TWO, requests, {"discards": True}, faults=kill).rules() == set()
    assert Sample(TWO, requests, {"discards": True}).rules() == {"DISORDERED"}
    assert Sample(TWO, requests, faults=kill).rules() == {"DISORDERED"}


def test_order_begins_anew_with_a_topic_that_was_made_anew() -> None:
    first, second = event(9), event(1, generation=1)
    assert Sample([first, second], [request(9), request(1)]).rules() == set()


# --- unwanted ---


def test_an_event_that_is_not_wanted_must_not_even_be_sent() -> None:
    events = [event(1, tenant="x"), event(2, tenant="y")]
    wants = {"tenants": frozenset({"x"})}
    assert Sample(events, [request(1, 2)], wants).rules() == {"WRONG"}
    refused = request(2, status=500, accepted=False, told=False)
    assert Sample(events, [request(1), refused], wants).rules() == {"WRONG"}


def test_aborted_events_and_strangers_must_not_be_sent() -> None:
    aborted = event(2, kind=Kind.ABORTED)
    assert Sample([event(1), aborted], [request(1)]).rules() == set()
    assert Sample([event(1), aborted], [request(1), request(2)]).rules() == {"ABORTED"}
    assert Sample([event(1)], [request(1), request(7)]).rules() == {"STRANGER"}


def test_requests_for_a_webhook_that_is_not_planned_are_told() -> None:
    stranger = request(1)
    assert Sample([event(1)], [stranger, type(stranger)("other", ("e1",))]).rules() == {"UNNAMED"}


# --- dead letters ---


def test_a_refused_event_is_dead_lettered_only_after_it_was_refused_alone() -> None:
    letter = Letter("siem", (TOPIC, 0, 2), "refused", "e2")
    both = request(1, 2, status=400, accepted=False, told=False)
    alone = request(2, status=400, accepted=False, told=False)
    assert Sample(TWO, [both, alone, request(1)], letters=[letter]).rules() == set()
    assert Sample(TWO, [both, request(1)], letters=[letter]).rules() == {"CONDEMNED"}


def test_dead_letters_of_expiry_need_a_webhook_that_gives_up() -> None:
    letter = Letter("siem", (TOPIC, 0, 2), "expired", "e2")
    assert Sample(TWO, [request(1)], {"discards": True}, letters=[letter]).rules() == set()
    assert Sample(TWO, [request(1)], {"discards": False}, letters=[letter]).rules() == {"CONDEMNED"}


def test_dead_letters_are_complete_and_written_once_unless_a_kill_came_between() -> None:
    alone = request(2, status=400, accepted=False, told=False)
    letter = Letter("siem", (TOPIC, 0, 2), "refused", "e2")
    poor = Letter("siem", (TOPIC, 0, 2), "refused", "e2", ("status",))
    assert Sample(TWO, [request(1), alone], letters=[poor]).rules() == {"LETTERS"}
    assert Sample(TWO, [request(1), alone], letters=[letter, letter]).rules() == {"LETTERS"}
    kill = [fault("kill", 5.0, 6.0)]
    assert Sample(TWO, [request(1), alone], letters=[letter, letter], faults=kill).rules() == set()


def test_every_unreadable_record_is_a_dead_letter_of_no_webhook_and_nothing_else_is() -> None:
    place = (TOPIC, 0, 9)
    letter = Letter("", place, "not_json")
    assert Sample(letters=[letter], journal={"broken": {place}}).rules() == set()
    assert Sample(journal={"broken": {place}}).rules() == {"LETTERS"}
    assert Sample([event(9)], [request(9)], letters=[letter]).rules() == {"LETTERS"}
    assert Sample(letters=[letter]).rules() == set(), "its acknowledgement may have been lost"
