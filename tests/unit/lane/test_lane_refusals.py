"""Halve, bisect, dead-letter: what an endpoint that refuses does to a batch; and the pause of one that refuses everything."""

from __future__ import annotations

import pytest

from forwarder.lane.actions import WriteDeadLetters
from forwarder.lane.states import LaneState
from forwarder.model.attempt import DeadLetterReason
from forwarder.model.event import Unreadable
from tests.unit.lane.lane_rig import (
    DROPPED,
    OK,
    P0,
    REFUSED,
    TOO_LARGE,
    Rig,
    done,
    events,
    later,
    offsets,
    unreadable,
)

# --- halve and bisect ---


def test_a_body_too_large_is_sent_in_halves_in_order():
    rig = Rig()
    rig.offer(range(10))
    told = rig.run(lambda some: OK if len(some) <= 3 else TOO_LARGE)
    assert done(told, "sent") == list(range(10))
    assert max(len(some) for what, some in told if what == "sent") <= 3
    assert rig.lane.books.delivered == 10


def test_a_single_event_too_large_is_dead_lettered_and_the_rest_delivered():
    rig = Rig()
    rig.offer(range(10))
    told = rig.run(lambda some: TOO_LARGE if 4 in some else OK)
    assert done(told, "sent") == [0, 1, 2, 3, 5, 6, 7, 8, 9]
    assert done(told, "dead letter") == [4]
    assert rig.lane.books.dead_lettered == {DeadLetterReason.TOO_LARGE: 1}


@pytest.mark.parametrize("bad", [0, 13, 99])
def test_bisecting_finds_the_refused_event_and_delivers_the_rest_in_order(bad):
    rig = Rig()
    rig.offer(range(100))
    told = rig.run(lambda some: REFUSED if bad in some else OK)
    assert done(told, "sent") == [n for n in range(100) if n != bad]
    assert done(told, "dead letter") == [bad]
    assert rig.lane.books.dead_lettered == {DeadLetterReason.REFUSED: 1}
    assert len([what for what, _ in told if what == "refused"]) <= 8  # log2(100), rounded up, and the culprit alone


def test_a_refused_event_is_dead_lettered_before_later_events_are_sent():
    rig = Rig()
    rig.offer(range(4))
    told = rig.run(lambda some: REFUSED if 1 in some else OK)
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
    assert rig.run(lambda some: OK) == [("sent", [0]), ("dead letter", [1]), ("sent", [2])]
    assert rig.lane.books.dead_lettered == {Unreadable.NOT_JSON: 1}


# --- an endpoint that refuses everything ---


def paused(**given) -> Rig:
    """Ten refused in a row, and the eleventh."""
    rig = Rig(**given)
    rig.offer(range(50))
    told = rig.run(lambda some: REFUSED)
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
    told = rig.run(lambda some: REFUSED)
    assert done(told, "dead letter") == []  # still refused: it pauses again at once
    assert rig.lane.state is LaneState.PAUSED
    assert offsets(rig.lane.flights.events()) == [1300]


def test_ten_in_a_row_means_without_a_delivery_between():
    rig = Rig(maxEvents=1)
    rig.offer(range(120))
    told = rig.run(lambda some: OK if some[0] % 10 == 9 else REFUSED)
    assert rig.lane.state is LaneState.PAUSED  # by the ratio: 1 % of 10,000
    assert len(done(told, "dead letter")) == 100


def test_more_than_one_percent_of_the_last_ten_thousand_pauses_the_lane():
    rig = Rig(maxEvents=100, deadLetterLimit={"inARow": 1000, "ratio": 0.05, "window": 100})
    rig.offer(range(900))
    told = rig.run(lambda some: REFUSED if any(n % 30 == 7 for n in some) else OK)
    assert rig.lane.state is LaneState.LIVE  # never more than 4 in 100
    assert done(told, "dead letter") == list(range(7, 900, 30))
    rig.offer(range(900, 960))
    told = rig.run(lambda some: REFUSED if any(n % 5 == 0 for n in some) else OK)
    assert rig.lane.state is LaneState.PAUSED
    assert len(done(told, "dead letter")) == 2  # 867 and 897 were among the last hundred
