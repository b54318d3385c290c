"""What a verdict does to a batch: retry, halve, bisect, give up; circuit, dead-letter limit, pause and probe."""

from __future__ import annotations

import math

import pytest

from forwarder.lane.actions import Send, WriteDeadLetters, WriteLedger
from forwarder.lane.states import LaneState
from forwarder.model.attempt import DeadLetterReason, DiscardReason, Fault
from forwarder.model.event import Unreadable
from tests.unit.lane.lane_rig import (
    DROPPED,
    GONE,
    OK,
    P0,
    REFUSED,
    STOPPED,
    TOO_LARGE,
    Rig,
    events,
    later,
    offsets,
    unreadable,
)


def run(rig: Rig, verdict_of, limit: int = 500) -> list[tuple[str, list[int]]]:
    """Do what the lane wants until it rests; `verdict_of` judges a list of offsets. What happened, in order."""
    told: list[tuple[str, list[int]]] = []
    for _ in range(limit):
        actions = rig.poll()
        if not actions:
            return told
        for action in actions:
            some = offsets(action.part.events)
            match action:
                case Send():
                    verdict = verdict_of(some)
                    told.append(("sent" if verdict is OK else "refused", some))
                    rig.answer(action, verdict)
                case WriteDeadLetters():
                    told.append(("dead letter", some))
                    rig.wrote(action)
                case WriteLedger():
                    told.append(("ledger", some))
                    rig.wrote(action)
        rig.check()
    raise AssertionError("the lane never comes to rest")


def done(told, kind):
    return [offset for what, some in told if what == kind for offset in some]


# --- retry ---


def test_a_retry_sends_the_same_part_again_after_the_delay_and_counts_the_attempt():
    rig = Rig()
    rig.offer(range(3))
    first = rig.one()
    assert first.part.attempts == 1
    rig.answer(first, later(), delay=5)
    rig.now = 4.9
    assert rig.poll() == []
    assert rig.next_poll() == 5
    rig.now = 5
    again = rig.one()
    assert again.part is first.part
    assert again.part.attempts == 2
    assert rig.lane.books.delivered == 0


def test_what_comes_during_a_retry_waits_behind_it():
    rig = Rig()
    rig.offer(range(3))
    first = rig.one()
    rig.answer(first, later(), delay=5)
    rig.offer(range(3, 6))
    assert rig.poll() == []
    rig.now = 5
    rig.answer(rig.one(), OK)
    assert rig.deliver_all() == [[3, 4, 5]]


def test_the_receivers_own_wish_is_kept_instead_of_the_back_off():
    rig = Rig()
    rig.offer(range(3))
    rig.answer(rig.one(), later(after=120), delay=1)
    assert rig.next_poll() == 120


def test_a_wish_to_come_again_at_once_does_not_turn_off_the_back_off():
    rig = Rig()
    rig.offer(range(3))
    rig.answer(rig.one(), later(after=0.0), delay=3)
    assert rig.next_poll() == 3


def test_an_interrupted_attempt_was_none():
    rig = Rig()
    rig.offer(range(3))
    first = rig.one()
    rig.answer(first, STOPPED, fault=Fault.CANCELLED)
    assert first.part.attempts == 0
    assert rig.lane.flights.failures == 0
    assert rig.one().part is first.part
    assert first.part.attempts == 1


# --- halve and bisect ---


def test_a_body_too_large_is_sent_in_halves_in_order():
    rig = Rig()
    rig.offer(range(10))
    told = run(rig, lambda some: OK if len(some) <= 3 else TOO_LARGE)
    assert done(told, "sent") == list(range(10))
    assert max(len(some) for what, some in told if what == "sent") <= 3
    assert rig.lane.books.delivered == 10


def test_a_single_event_too_large_is_dead_lettered_and_the_rest_delivered():
    rig = Rig()
    rig.offer(range(10))
    told = run(rig, lambda some: TOO_LARGE if 4 in some else OK)
    assert done(told, "sent") == [0, 1, 2, 3, 5, 6, 7, 8, 9]
    assert done(told, "dead letter") == [4]
    assert rig.lane.books.dead_lettered == {DeadLetterReason.TOO_LARGE: 1}


@pytest.mark.parametrize("bad", [0, 13, 99])
def test_bisecting_finds_the_refused_event_and_delivers_the_rest_in_order(bad):
    rig = Rig()
    rig.offer(range(100))
    told = run(rig, lambda some: REFUSED if bad in some else OK)
    assert done(told, "sent") == [n for n in range(100) if n != bad]
    assert done(told, "dead letter") == [bad]
    assert rig.lane.books.dead_lettered == {DeadLetterReason.REFUSED: 1}
    assert len([what for what, _ in told if what == "refused"]) <= 8  # log2(100), rounded up, and the culprit alone


def test_a_refused_event_is_dead_lettered_before_later_events_are_sent():
    rig = Rig()
    rig.offer(range(4))
    told = run(rig, lambda some: REFUSED if 1 in some else OK)
    assert told.index(("dead letter", [1])) < told.index(("sent", [2, 3]))


def test_a_dead_letter_that_is_not_written_is_tried_again_and_nothing_overtakes_it():
    rig = Rig(maxEvents=1)
    rig.offer(range(2))
    rig.answer(rig.one(), REFUSED)
    (letter,) = rig.poll()
    rig.wrote(letter, ok=False, delay=7)
    assert rig.poll() == []
    assert rig.next_poll() == 7
    assert rig.lane.cursors() == {P0: 0}
    rig.now = 7
    (again,) = rig.poll()
    assert isinstance(again, WriteDeadLetters)
    rig.wrote(again)
    assert rig.deliver_all() == [[1]]


def test_records_that_cannot_be_read_go_to_the_dead_letters_in_their_place():
    rig = Rig()
    rig.offer_events([*events([0]), unreadable(1), *events([2])])
    assert run(rig, lambda some: OK) == [("sent", [0]), ("dead letter", [1]), ("sent", [2])]
    assert rig.lane.books.dead_lettered == {Unreadable.NOT_JSON: 1}


# --- an endpoint that refuses everything ---


def paused(**given) -> Rig:
    """Ten refused in a row, and the eleventh."""
    rig = Rig(**given)
    rig.offer(range(50))
    told = run(rig, lambda some: REFUSED)
    assert done(told, "dead letter") == list(range(10))
    assert rig.lane.state is LaneState.PAUSED
    return rig


def test_past_ten_refusals_in_a_row_the_lane_pauses_and_keeps_one_event_as_its_probe():
    rig = paused()
    assert offsets(rig.lane.flights.events()) == [10]
    assert rig.lane.cursors() == {P0: 10}
    assert rig.lane.behind == {P0: 11}
    assert rig.lane.books.dead_lettered.total() == 10
    assert "400" in rig.lane.why
    rig.check()


def test_a_paused_lane_offers_its_probe_at_the_slowest_pace():
    rig = paused()
    assert rig.next_poll() == rig.lane.policy.retry.cap
    rig.now = rig.lane.policy.retry.cap
    probe = rig.one()
    assert offsets(probe.part.events) == [10]
    rig.answer(probe, REFUSED)
    assert rig.lane.state is LaneState.PAUSED
    assert rig.next_poll() == 2 * rig.lane.policy.retry.cap
    assert rig.lane.books.dead_lettered.total() == 10


def test_a_paused_lane_resumes_when_its_probe_is_accepted():
    rig = paused()
    rig.now = rig.lane.policy.retry.cap
    rig.answer(rig.one(), OK)
    assert rig.lane.state is LaneState.BEHIND
    assert rig.lane.wants(P0)
    assert rig.looks > 0
    rig.feed(range(11, 50), 50)
    assert rig.deliver_all() == [list(range(11, 50))]
    rig.check()


def test_a_paused_lane_takes_no_events():
    rig = paused()
    rig.offer(range(50, 60))
    assert not rig.lane.wants(P0)
    assert offsets(rig.lane.flights.events()) == [10]
    assert rig.lane.behind == {P0: 11}


def give_the_probe_up(rig: Rig, how: str) -> None:
    rig.now = rig.lane.policy.retry.cap
    if how == "dropped":
        rig.answer(rig.one(), DROPPED)
    else:
        rig.answer(rig.one(), later(), delay=1)
    rig.now += 1000
    for _ in range(3):
        for action in rig.poll():
            rig.wrote(action)


@pytest.mark.parametrize(
    ("how", "given"), [("dropped", {}), ("expired", {"discardAfter": 60}), ("attempts", {"retry": {"maxAttempts": 2}})]
)
def test_a_paused_lane_whose_probe_is_given_up_finds_another_and_does_not_stop_for_ever(how, given):
    rig = paused(**given)
    give_the_probe_up(rig, how)
    assert not list(rig.lane.flights.events())
    assert rig.lane.wants(P0)
    rig.feed(range(1300, 1340), 1340)
    told = run(rig, lambda some: REFUSED)
    assert done(told, "dead letter") == []  # still refused: it pauses again at once
    assert rig.lane.state is LaneState.PAUSED
    assert offsets(rig.lane.flights.events()) == [1300]


def test_ten_in_a_row_means_without_a_delivery_between():
    rig = Rig(maxEvents=1)
    rig.offer(range(120))
    told = run(rig, lambda some: OK if some[0] % 10 == 9 else REFUSED)
    assert rig.lane.state is LaneState.PAUSED  # by the ratio: 1 % of 10,000
    assert len(done(told, "dead letter")) == 100


def test_more_than_one_percent_of_the_last_ten_thousand_pauses_the_lane():
    rig = Rig(maxEvents=100, deadLetterLimit={"inARow": 1000, "ratio": 0.05, "window": 100})
    rig.offer(range(900))
    told = run(rig, lambda some: REFUSED if any(n % 30 == 7 for n in some) else OK)
    assert rig.lane.state is LaneState.LIVE  # never more than 4 in 100
    assert done(told, "dead letter") == list(range(7, 900, 30))
    rig.offer(range(900, 960))
    told = run(rig, lambda some: REFUSED if any(n % 5 == 0 for n in some) else OK)
    assert rig.lane.state is LaneState.PAUSED
    assert len(done(told, "dead letter")) == 2  # 867 and 897 were among the last hundred


# --- circuit ---


def failing(count: int, times: int, **given) -> Rig:
    """A batch of `count` events that failed `times` times."""
    rig = Rig(**given)
    rig.offer(range(count))
    for _ in range(times):
        rig.answer(rig.one(), later(), delay=1)
        rig.now += 1
    return rig


def test_the_circuit_opens_after_five_failures_in_a_row_and_probes_with_few_events():
    rig = failing(100, 4)
    assert not rig.lane.flights.circuit_open
    probe = rig.one()
    assert len(probe.part.events) == 100
    rig.answer(probe, later(), delay=1)
    assert rig.lane.flights.circuit_open
    rig.now += 1
    probe = rig.one()
    assert offsets(probe.part.events) == list(range(10))
    rig.answer(probe, OK)
    assert not rig.lane.flights.circuit_open
    assert rig.deliver_all() == [list(range(10, 100))]


@pytest.mark.parametrize("fault", [Fault.TIMEOUT, Fault.RESET, Fault.PROTOCOL])
def test_a_batch_that_may_have_arrived_stays_whole_even_as_a_probe(fault):
    rig = Rig()
    rig.offer(range(100))
    first = rig.one()
    rig.answer(first, later(), delay=1, fault=fault)
    for _ in range(10):
        rig.now += 1
        action = rig.one()
        assert action.part is first.part
        rig.answer(action, later(), delay=1, fault=Fault.REFUSED)


def test_with_an_open_circuit_only_one_request_is_in_flight_whatever_the_concurrency():
    rig = Rig(concurrency=4, maxEvents=20)
    rig.offer(range(80))
    actions = rig.poll()
    assert len(actions) == 4
    for action in actions:
        rig.answer(action, later(), delay=1)
    rig.now += 1
    actions = rig.poll()
    assert len(actions) == 4
    for action in actions:
        rig.answer(action, later(), delay=1)
    assert rig.lane.flights.circuit_open
    rig.now += 1
    (probe,) = rig.poll()
    assert offsets(probe.part.events) == list(range(10))
    rig.answer(probe, OK)
    assert len(rig.poll()) == 4


def test_a_new_batch_while_the_circuit_is_open_is_small_too():
    rig = failing(3, 5, retry={"maxAttempts": 5})
    rig.offer(range(3, 103))
    (ledger,) = rig.poll()
    rig.wrote(ledger)
    rig.now += 1
    assert offsets(rig.one().part.events) == list(range(3, 13))


def test_a_probe_is_small_also_when_it_was_another_batch_that_opened_the_circuit():
    rig = Rig(concurrency=2, maxEvents=20)
    rig.offer(range(40))
    first, second = rig.poll()
    rig.answer(first, later(), delay=50)
    for _ in range(4):
        rig.answer(second, later(), delay=1)
        rig.now += 1
        if not rig.lane.flights.circuit_open:
            (second,) = rig.poll()
    rig.now = 100
    (probe,) = rig.poll()
    assert offsets(probe.part.events) == list(range(10))


# --- giving up ---


def test_events_older_than_discard_after_are_given_up_while_the_endpoint_fails():
    rig = Rig(discardAfter=60)
    rig.now = 50
    rig.offer([0, 49])
    rig.answer(rig.one(), later(), delay=1000)
    rig.now = 59
    assert rig.poll() == []
    assert rig.next_poll() == pytest.approx(60, abs=0.01)
    rig.now = 60.1
    (given_up,) = rig.poll()
    assert isinstance(given_up, WriteLedger)
    assert offsets(given_up.part.events) == [0]
    rig.wrote(given_up)
    assert rig.lane.books.discarded == {DiscardReason.EXPIRED: 1}
    assert rig.poll() == []  # the rest keeps the back-off
    rig.now = 1050
    rig.check()


def test_nothing_expires_on_a_healthy_endpoint_however_late_we_are():
    rig = Rig(discardAfter=60)
    rig.offer(range(3))
    rig.now = 100_000
    assert rig.deliver_all() == [[0, 1, 2]]


def test_while_an_endpoint_is_down_new_batches_expire_without_an_attempt():
    rig = failing(3, 2, discardAfter=60)
    rig.offer(range(3, 10))
    rig.now = 10_000
    told = run(rig, lambda some: pytest.fail("nothing that old is sent to an endpoint that is down"))
    assert done(told, "ledger") == list(range(10))


def test_on_discard_dead_letter_copies_the_events_given_up():
    rig = failing(3, 1, discardAfter=60, onDiscard="deadLetter")
    rig.now = 10_000
    (letter,) = rig.poll()
    assert isinstance(letter, WriteDeadLetters)
    rig.wrote(letter)
    assert rig.lane.books.dead_lettered == {DeadLetterReason.EXPIRED: 3}
    assert rig.lane.books.discarded.total() == 0


def test_max_attempts_bounds_the_attempts_of_a_batch():
    rig = failing(3, 2, retry={"maxAttempts": 3})
    rig.answer(rig.one(), later(), delay=1)
    (ledger,) = rig.poll()
    assert isinstance(ledger, WriteLedger)
    rig.wrote(ledger)
    assert rig.lane.books.discarded == {DiscardReason.ATTEMPTS: 3}


def test_a_lossy_webhook_makes_two_attempts():
    rig = failing(3, 1, lossy=True)
    rig.answer(rig.one(), later(), delay=1)
    assert rig.lane.flights.items[0].head.reason is DiscardReason.ATTEMPTS


def test_the_next_batch_after_one_given_up_still_waits_for_the_back_off():
    rig = Rig(retry={"maxAttempts": 1})
    rig.offer(range(3))
    rig.answer(rig.one(), later(after=30), delay=1)
    rig.wrote(rig.poll()[0])
    rig.offer(range(3, 6))
    assert rig.poll() == []
    assert rig.next_poll() == 30


def test_a_batch_held_back_by_the_back_off_counts_for_the_throttle_when_it_really_starts():
    rig = Rig(throttle=5, retry={"maxAttempts": 1})
    rig.offer(range(3))
    rig.answer(rig.one(), later(after=30), delay=1)
    rig.wrote(rig.poll()[0])
    rig.now = 6
    rig.offer(range(3, 6))
    assert rig.poll() == []
    rig.now = 30
    rig.answer(rig.one(), OK)
    rig.offer(range(6, 9))
    assert rig.poll() == []
    assert rig.next_poll() == 35


def test_a_status_that_the_webhook_drops_is_a_counted_discard():
    rig = Rig()
    rig.offer(range(3))
    rig.answer(rig.one(), DROPPED)
    rig.wrote(rig.poll()[0])
    assert rig.lane.books.discarded == {DiscardReason.REJECTED: 3}


def test_410_disables_the_lane_and_loses_nothing():
    rig = Rig()
    rig.offer(range(3))
    rig.answer(rig.one(), GONE)
    assert rig.lane.state is LaneState.DISABLED
    assert rig.lane.cursors() == {P0: 0}
    assert rig.poll() == []
    assert rig.next_poll() == math.inf
    rig.offer(range(3, 6))
    assert rig.lane.books.held == 0
    assert "410" in rig.lane.why
    rig.check()


# --- concurrency ---


def test_with_concurrency_as_many_requests_are_in_flight_as_allowed():
    rig = Rig(concurrency=3, maxEvents=2)
    rig.offer(range(20))
    actions = rig.poll()
    assert [offsets(action.part.events) for action in actions] == [[0, 1], [2, 3], [4, 5]]
    assert rig.poll() == []
    rig.answer(actions[1], OK)
    assert offsets(rig.one().part.events) == [6, 7]
    assert rig.lane.cursors() == {P0: 0}
    assert rig.lane.delivered_ahead == {P0: {2, 3}}


def test_with_concurrency_one_request_at_a_time_is_the_default():
    rig = Rig(maxEvents=2)
    rig.offer(range(20))
    rig.one()
    assert rig.poll() == []


# --- telling the receiver of losses ---


def test_discards_are_told_with_the_next_batch_until_one_is_delivered():
    rig = Rig(retry={"maxAttempts": 1})
    rig.offer(range(3))
    rig.answer(rig.one(), later(), delay=0)
    rig.wrote(rig.poll()[0])
    rig.offer(range(3, 6))
    send = rig.one()
    assert send.discarded == {DiscardReason.ATTEMPTS: 3}
    rig.answer(send, OK)
    rig.lane.holding.told(dict(send.discarded))
    rig.offer(range(6, 9))
    assert rig.one().discarded == {}


def test_two_requests_in_flight_do_not_tell_the_same_discards():
    rig = Rig(concurrency=2, maxEvents=2, lossy=True)
    rig.lane.fall_behind(P0, 0)
    rig.lane.skip(P0, 5)
    rig.lane.join(P0)
    rig.offer(range(5, 9))
    first, second = rig.poll()
    assert (first.discarded, second.discarded) == ({DiscardReason.RETENTION: 5}, {})
    rig.lane.fall_behind(P0, 9)
    rig.lane.skip(P0, 12)
    for action in (first, second):
        rig.answer(action, OK)
        rig.lane.holding.told(dict(action.discarded))
    rig.lane.join(P0)
    rig.offer(range(12, 14))
    assert rig.one().discarded == {DiscardReason.RETENTION: 3}
