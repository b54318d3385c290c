"""Retry, circuit, giving up: what an endpoint that fails does to a batch."""

from __future__ import annotations

import math

import pytest

from forwarder.lane.actions import WriteDeadLetters, WriteLedger
from forwarder.lane.states import LaneState
from forwarder.model.attempt import DeadLetterReason, DiscardReason, Fault
from tests.unit.lane.lane_rig import (
    DROPPED,
    GONE,
    OK,
    P0,
    STOPPED,
    Rig,
    done,
    later,
    offsets,
)

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


def test_an_open_circuit_starts_nothing_beside_its_probe():
    rig = failing(3, 5, concurrency=4)
    rig.offer(range(3, 50))
    (probe,) = rig.poll()
    assert offsets(probe.part.events) == [0, 1, 2]
    assert rig.poll() == []


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
    rig.lane.flights.hold_until = 10_001  # once its pause is over an attempt comes first: see test_lane_late.py
    told = rig.run(lambda some: pytest.fail("nothing that old is sent to an endpoint that is down"))
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
