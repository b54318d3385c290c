"""Where a lane's events come from: live offers, falling behind, catch-up, joining, giving back, retention."""

from __future__ import annotations

import pytest

from forwarder.lane.states import LaneState
from forwarder.model.attempt import DiscardReason
from tests.unit.lane.lane_rig import OK, P0, P1, Rig, event, events

KIB = 1024


# --- full, behind, joined ---


def test_a_full_durable_lane_leaves_the_rest_to_kafka():
    rig = Rig(maxEvents=100)
    rig.offer(range(1200))
    assert rig.lane.behind == {P0: 1000}
    assert rig.lane.state is LaneState.BEHIND
    assert rig.lane.books.held == 1000
    rig.check()


def test_events_offered_while_behind_are_not_taken():
    rig = Rig(maxEvents=100)
    rig.offer(range(1200))
    rig.offer(range(1200, 1300))
    assert rig.lane.books.held == 1000
    assert rig.lane.behind == {P0: 1000}


def test_another_partition_stays_live_while_there_is_room():
    rig = Rig(P0, P1)
    rig.lane.fall_behind(P0, 0)
    rig.offer(range(10), P1)
    assert rig.deliver_all() == [list(range(10))]


def test_a_lane_joins_exactly_where_the_router_stands():
    rig = Rig(maxEvents=100)
    rig.offer(range(1200))
    sent = rig.deliver_all()
    assert rig.lane.wants(P0)
    rig.feed(range(1000, 1200), 1200)
    rig.caught_up()
    assert rig.lane.state is LaneState.LIVE
    rig.offer(range(1200, 1250))
    sent += rig.deliver_all()
    assert [n for batch in sent for n in batch] == list(range(1250))
    rig.check()


def test_catch_up_is_asked_for_only_while_half_of_the_lane_is_free():
    rig = Rig(maxEvents=100)
    rig.offer(range(1200))
    assert not rig.lane.wants(P0)
    for _ in range(5):
        rig.answer(rig.one(), OK)
    assert not rig.lane.wants(P0)
    looks = rig.looks
    rig.answer(rig.one(), OK)
    assert rig.lane.wants(P0)
    assert rig.looks > looks


def test_a_feed_stops_where_the_lane_is_full_and_says_how_much_it_took():
    rig = Rig(maxEvents=100, live=False)
    assert rig.lane.feed(P0, events(range(1500)), 1500, 0.0, range(1500)) == 1000
    assert rig.lane.behind == {P0: 1000}
    rig.check()


def test_flapping_between_behind_and_live_repeats_and_skips_nothing():
    rig = Rig(maxEvents=100)
    sent, position = [], 0
    for turn in range(20):
        rig.offer(range(position, position + 1100 + turn))
        position += 1100 + turn
        while rig.lane.behind:
            sent += rig.deliver_all()
            start = rig.lane.behind[P0]
            upto = min(start + 500, position)
            rig.feed(range(start, upto), upto)
            if rig.lane.behind[P0] == position:
                rig.lane.join(P0)
            rig.check()
    sent += rig.deliver_all()
    assert [n for batch in sent for n in batch] == list(range(position))


def test_an_event_larger_than_the_lane_is_taken_when_the_lane_is_empty():
    rig = Rig(maxEvents=1)
    rig.offer_events([event(0, value=b"x" * 5_000_000)])
    assert rig.deliver_all() == [[0]]


def test_an_event_that_does_not_fit_is_not_read_again_and_again():
    rig = Rig(maxBytes=KIB, live=False)
    rig.lane.feed(P0, [event(0, value=b"x" * 300 * KIB), event(1, value=b"x" * 900 * KIB)], 2, 0.0, [0, 1])
    assert rig.lane.behind == {P0: 1}
    assert not rig.lane.wants(P0), "until something leaves, reading it again would change nothing"
    assert rig.deliver_all() == [[0]]
    assert rig.lane.wants(P0)
    rig.lane.feed(P0, [event(1, value=b"x" * 900 * KIB)], 2, 0.0, [0, 1])
    assert rig.deliver_all() == [[1]]


def test_catch_up_brings_no_more_than_the_lanes_share_while_most_of_the_budget_is_used():
    rig = Rig(budget=100 * KIB, throttle=60, live=False)
    rig.feed(range(40), 40)
    rig.budget.charge(80 * KIB)
    assert not rig.lane.wants(P0)
    rig.budget.release(60 * KIB)
    assert rig.lane.wants(P0)


def test_a_window_that_catch_up_will_not_fill_up_goes_at_once():
    rig = Rig(budget=100 * KIB, throttle=60, live=False)
    rig.budget.charge(60 * KIB)
    rig.feed([0], 1)
    rig.answer(rig.one(), OK)
    rig.feed(range(1, 10), 10)
    assert rig.lane.wants(P0) and not rig.poll(), "there is room for company"
    rig.feed(range(10, 30), 30)
    assert not rig.lane.wants(P0) and rig.poll()


def test_a_lane_that_holds_nothing_is_fed_however_much_memory_dead_endpoints_hold():
    rig = Rig(budget=100 * KIB, live=False)
    rig.budget.charge(200 * KIB)
    assert rig.lane.wants(P0)
    assert rig.lane.feed(P0, events([0]), 1, 0.0, [0]) == 1


def test_where_memory_is_scarce_a_lane_keeps_to_its_share():
    rig = Rig(budget=100 * KIB, live=False, throttle=60)
    rig.budget.divide(5)
    rig.budget.charge(60 * KIB)
    assert rig.lane.feed(P0, events(range(100)), 100, 0.0, range(100)) == rig.budget.share // 500 == 10
    assert rig.lane.holding.bytes <= rig.budget.share


def test_a_window_without_memory_for_company_goes_at_once():
    rig = Rig(budget=100 * KIB, throttle=60)
    rig.budget.charge(60 * KIB)
    rig.offer([0])
    rig.answer(rig.one(), OK)
    rig.offer(range(1, 100))
    assert rig.lane.behind, "the rest waits in Kafka"
    assert rig.poll(), "a backlog could never drain one share per throttle"


def test_a_chunk_takes_no_more_than_what_is_left_of_the_plentiful_half():
    rig = Rig(budget=60 * KIB, throttle=60)
    rig.lane.flights.last_start = 0.0
    rig.offer_events([event(n, value=b"x" * 3 * KIB) for n in range(40)])
    assert rig.budget.used <= 30 * KIB + event(0, value=b"x" * 3 * KIB).size
    assert rig.lane.behind
    rig.check()


def test_a_gap_makes_a_lane_read_what_the_consumer_skipped():
    rig = Rig()
    rig.offer(range(10))
    rig.lane.fall_behind(P0, 10)
    rig.offer(range(50, 60))
    rig.feed(range(10, 60), 60)
    rig.caught_up()
    assert rig.deliver_all() == [list(range(60))]


def test_falling_behind_again_never_moves_the_cursor_forward():
    rig = Rig()
    rig.lane.fall_behind(P0, 10)
    rig.lane.fall_behind(P0, 20)
    assert rig.lane.cursors() == {P0: 10}


# --- giving back ---


def test_a_shrunk_window_comes_back_from_kafka_and_is_counted_once():
    rig = Rig(throttle=60)
    rig.offer([0])
    rig.answer(rig.one(), OK)
    rig.offer(range(1, 11))
    rig.lane.shrink()
    assert (rig.lane.books.held, rig.lane.books.returned, rig.budget.used) == (0, 10, 0)
    assert rig.lane.cursors() == {P0: 1}
    rig.check()
    rig.feed(range(1, 11), 11)
    rig.caught_up()
    rig.now = 60
    assert rig.deliver_all() == [list(range(1, 11))]
    assert (rig.lane.books.matched, rig.lane.books.pending) == (11, 0)
    rig.check()


def test_cursors_are_the_oldest_offset_without_an_outcome_per_partition():
    rig = Rig(P0, P1, maxEvents=3)
    rig.offer(range(5, 9))
    rig.offer(range(7, 9), P1)
    rig.one()
    assert rig.lane.cursors() == {P0: 5, P1: 7}
    rig.lane.fall_behind(P1, 9)
    assert rig.lane.cursors() == {P0: 5, P1: 7}


def test_a_lane_that_is_caught_up_has_no_cursors():
    rig = Rig()
    rig.offer(range(5))
    rig.deliver_all()
    assert rig.lane.cursors() == {}


def test_what_retention_took_is_lost_once_and_told():
    rig = Rig()
    rig.lane.fall_behind(P0, 10)
    rig.lane.skip(P0, 100)
    assert rig.lane.behind == {P0: 100}
    assert rig.lane.books.discarded == {DiscardReason.RETENTION: 90}
    assert rig.lane.holding.notices == {DiscardReason.RETENTION: 90}
    rig.check()


@pytest.mark.parametrize("log_start", [4, 10, 50])
def test_events_given_back_and_then_lost_by_retention_do_not_stay_pending_for_ever(log_start):
    rig = Rig(throttle=60)
    rig.lane.flights.last_start = 0.0
    rig.offer(range(10))
    rig.lane.shrink()
    rig.positions[P0] = 60
    rig.lane.skip(P0, log_start)
    rig.feed(range(log_start, 60), 60)
    rig.caught_up()
    rig.now = 60
    rig.deliver_all()
    assert rig.lane.books.pending == 0
    assert rig.lane.books.matched == 60
    rig.check()


# --- waking ---


def test_the_first_event_asks_for_a_poll_and_company_does_not_ask_again():
    rig = Rig(throttle=5)
    rig.lane.flights.last_start = 0.0
    rig.now = 1.0
    rig.offer([0])
    assert rig.woken == [5.0]
    rig.offer([1])
    assert rig.woken == [5.0]


def test_a_window_that_fills_asks_for_a_poll_at_once():
    rig = Rig(throttle=5, maxEvents=3)
    rig.lane.flights.last_start = 0.0
    rig.now = 1.0
    rig.offer([0])
    rig.offer([1, 2])
    assert rig.woken == [5.0, 1.0]
