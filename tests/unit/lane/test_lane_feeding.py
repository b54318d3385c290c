"""Where a lane's events come from: live offers, falling behind, catch-up, joining, giving back, retention, lossy shedding."""

from __future__ import annotations

import pytest

from forwarder.lane.resume import Refreeze
from forwarder.lane.states import LaneState, Trigger
from forwarder.model.attempt import DiscardReason
from tests.unit.lane.lane_rig import GONE, OK, P0, P1, REFUSED, Rig, event, events, later, offsets, webhook

KIB = 1024


def caught_up(rig: Rig, tp=P0) -> None:
    """What catch-up does once the lane has met the router."""
    assert rig.lane.behind[tp] == rig.positions[tp]
    rig.lane.join(tp)


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
    caught_up(rig)
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
    assert rig.lane.feed(P0, events(range(1500)), 1500, 0.0) == 1000
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
    rig.lane.feed(P0, [event(0, value=b"x" * 300 * KIB), event(1, value=b"x" * 900 * KIB)], 2, 0.0)
    assert rig.lane.behind == {P0: 1}
    assert not rig.lane.wants(P0), "until something leaves, reading it again would change nothing"
    assert rig.deliver_all() == [[0]]
    assert rig.lane.wants(P0)
    rig.lane.feed(P0, [event(1, value=b"x" * 900 * KIB)], 2, 0.0)
    assert rig.deliver_all() == [[1]]


def test_no_catch_up_while_most_of_the_budget_is_used():
    rig = Rig(budget=100 * KIB, throttle=60, live=False)
    rig.feed([0], 1)
    rig.budget.charge(80 * KIB)
    assert not rig.lane.wants(P0)
    rig.budget.release(40 * KIB)
    assert rig.lane.wants(P0)


def test_a_lane_that_holds_nothing_is_fed_however_much_memory_dead_endpoints_hold():
    rig = Rig(budget=100 * KIB, live=False)
    rig.budget.charge(200 * KIB)
    assert rig.lane.wants(P0)
    assert rig.lane.feed(P0, events([0]), 1, 0.0) == 1


def test_where_memory_is_scarce_a_lane_keeps_to_its_share():
    rig = Rig(budget=100 * KIB, live=False, throttle=60)
    rig.budget.divide(5)
    rig.budget.charge(60 * KIB)
    assert rig.lane.feed(P0, events(range(100)), 100, 0.0) == rig.budget.share // 500 == 10
    assert rig.lane.holding.bytes <= rig.budget.share


def test_a_window_without_memory_for_company_goes_at_once():
    rig = Rig(budget=100 * KIB, throttle=60)
    rig.budget.charge(60 * KIB)
    rig.offer([0])
    rig.answer(rig.one(), OK)
    rig.offer(range(1, 100))
    assert rig.lane.behind, "the rest waits in Kafka"
    assert rig.poll(), "a backlog could never drain one share per throttle"


def test_a_gap_makes_a_lane_read_what_the_consumer_skipped():
    rig = Rig()
    rig.offer(range(10))
    rig.lane.fall_behind(P0, 10)
    rig.offer(range(50, 60))
    rig.feed(range(10, 60), 60)
    caught_up(rig)
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
    caught_up(rig)
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
    caught_up(rig)
    rig.now = 60
    rig.deliver_all()
    assert rig.lane.books.pending == 0
    assert rig.lane.books.matched == 60
    rig.check()


# --- off, on, another configuration ---


def test_switching_off_sends_nothing_and_keeps_the_cursor():
    rig = Rig()
    rig.offer(range(10))
    rig.lane.switch_off(Trigger.SWITCHED_OFF, "enable is false")
    rig.offer(range(10, 20))
    assert rig.poll() == []
    assert rig.lane.cursors() == {P0: 0}
    assert rig.lane.state is LaneState.DISABLED
    assert not rig.lane.wants(P0)
    rig.check()


def test_switching_on_continues_from_the_cursor():
    rig = Rig()
    rig.offer(range(10))
    rig.lane.switch_off(Trigger.SWITCHED_OFF, "enable is false")
    rig.offer(range(10, 20))
    rig.lane.switch_on(Trigger.SWITCHED_ON)
    assert rig.lane.wants(P0)
    rig.feed(range(20), 20)
    caught_up(rig)
    assert rig.deliver_all() == [list(range(20))]
    assert rig.lane.books.pending == 0
    rig.check()


def test_a_jump_skips_what_was_not_read():
    rig = Rig()
    rig.lane.switch_off(Trigger.SWITCHED_OFF, "enable is false")
    rig.offer(range(20))
    rig.lane.jump(P0)
    assert rig.lane.behind == {P0: 20}


def test_an_attempt_under_way_at_switch_off_still_counts():
    rig = Rig()
    rig.offer(range(10))
    action = rig.one()
    rig.lane.switch_off(Trigger.SWITCHED_OFF, "enable is false")
    rig.offer(range(10, 12))
    rig.answer(action, OK)
    assert rig.lane.cursors() == {P0: 10}
    assert rig.lane.books.delivered == 10
    rig.check()


def test_an_attempt_that_fails_after_switch_off_goes_back_to_kafka():
    rig = Rig()
    rig.offer(range(10))
    action = rig.one()
    rig.lane.switch_off(Trigger.SWITCHED_OFF, "enable is false")
    rig.answer(action, later())
    assert rig.lane.cursors() == {P0: 0}
    assert rig.budget.used == 0
    rig.check()


def test_another_configuration_judges_anew_what_waits_and_leaves_the_frozen_batch_alone():
    rig = Rig(maxEvents=5)
    rig.offer(range(12))
    frozen = rig.one()
    rig.answer(frozen, later(), delay=5)
    rig.lane.reconfigure(webhook(maxEvents=3, level="high"))
    assert offsets(rig.lane.flights.events()) == [0, 1, 2, 3, 4]
    assert rig.lane.behind == {P0: 5}
    assert rig.one().part is frozen.part
    assert rig.lane.policy.max_events == 3
    rig.check()


def test_another_configuration_also_judges_anew_what_was_put_on_its_way_but_never_sent():
    rig = Rig(maxEvents=8)
    rig.offer(range(8))
    rig.answer(rig.one(), REFUSED)
    first = rig.one()
    assert offsets(first.part.events) == [0, 1, 2, 3]
    rig.lane.reconfigure(webhook(level="high"))
    assert rig.lane.behind == {P0: 4}
    rig.answer(first, OK)
    assert list(rig.lane.flights.events()) == []
    rig.check()


def test_another_configuration_mends_the_back_off():
    rig = Rig()
    rig.offer(range(3))
    rig.answer(rig.one(), later(after=3000))
    rig.lane.reconfigure(webhook(maxEvents=3))
    assert len(rig.poll()) == 1


# --- several requests at once ---


def test_what_is_in_flight_is_not_read_from_kafka_a_second_time():
    rig = Rig(concurrency=2, maxEvents=5)
    rig.offer(range(10))
    first, second = rig.poll()
    rig.answer(first, later(), delay=100)
    rig.lane.switch_off(Trigger.SWITCHED_OFF, "enable is false")  # `second` is under way and stays
    assert rig.lane.behind == {P0: 0}
    rig.lane.switch_on(Trigger.SWITCHED_ON)
    rig.feed(range(10), 10)
    assert offsets(rig.lane.window.events) == [0, 1, 2, 3, 4]
    rig.answer(second, OK)
    caught_up(rig)
    assert rig.deliver_all() == [[0, 1, 2, 3, 4]]
    assert rig.lane.books.delivered == 10
    rig.check()


def test_what_was_delivered_out_of_order_is_not_read_from_kafka_a_second_time():
    rig = Rig(concurrency=2, maxEvents=5)
    rig.offer(range(10))
    first, second = rig.poll()
    rig.answer(second, OK)
    rig.answer(first, GONE)
    rig.lane.switch_on(Trigger.SWITCHED_ON)
    rig.feed(range(10), 10)
    assert rig.deliver_all() == [[0, 1, 2, 3, 4]]
    assert rig.lane.books.delivered == 10


def test_joining_does_not_forget_what_was_delivered_out_of_order():
    rig = Rig(concurrency=2, maxEvents=5)
    rig.offer(range(10))
    _first, second = rig.poll()
    rig.answer(second, OK)
    rig.lane.fall_behind(P0, 10)
    rig.lane.join(P0)
    assert rig.lane.cursors() == {P0: 0}
    assert rig.lane.delivered_ahead == {P0: {5, 6, 7, 8, 9}}


def test_lowering_concurrency_with_requests_in_flight_repeats_nothing():
    rig = Rig(concurrency=2, maxEvents=5)
    rig.offer(range(10))
    first, second = rig.poll()
    rig.lane.reconfigure(webhook(maxEvents=5))
    rig.answer(second, OK)
    assert rig.lane.delivered_ahead == {P0: {5, 6, 7, 8, 9}}
    rig.answer(first, GONE)
    rig.lane.switch_on(Trigger.SWITCHED_ON)
    rig.feed(range(10), 10)
    assert rig.deliver_all() == [[0, 1, 2, 3, 4]]


# --- lossy ---


def lossy(**given) -> Rig:
    return Rig(lossy=True, maxEvents=100, throttle=60, **given)


def test_a_full_lossy_lane_gives_up_the_lowest_severity_first():
    rig = lossy()
    rig.lane.flights.last_start = 0.0
    rig.offer_events([event(n, severity=5 if n % 2 else 2) for n in range(1000)])
    rig.offer_events([event(n, severity=5) for n in range(1000, 1100)])
    assert rig.lane.behind == {}
    assert rig.lane.books.discarded == {DiscardReason.SHED: 100}
    assert sum(item.severity == 5 for item in rig.lane.window.events) == 600
    rig.check()


def test_a_full_lossy_lane_gives_up_the_incoming_event_when_nothing_is_lower():
    rig = lossy()
    rig.offer_events([event(n, severity=5) for n in range(1000)])
    rig.offer_events([event(1000, severity=1)])
    assert rig.lane.books.discarded == {DiscardReason.SHED: 1}
    assert len(rig.lane.window) == 1000
    rig.check()


def test_among_equals_the_oldest_is_given_up():
    rig = lossy()
    rig.offer(range(1001))
    assert rig.lane.window.events[0].offset > 0
    assert rig.lane.window.events[-1].offset == 1000
    rig.check()


def test_a_lossy_lane_sheds_what_is_only_waiting_never_what_is_in_flight():
    rig = Rig(lossy=True, maxEvents=1000)
    rig.offer_events([event(n, severity=1) for n in range(1000)])
    action = rig.one()
    rig.offer_events([event(n, severity=6) for n in range(1000, 5000)])
    assert len(action.part.events) == 1000
    rig.answer(action, OK)
    assert rig.lane.books.delivered == 1000
    rig.check()


def test_what_a_lossy_lane_sheds_while_catching_up_is_not_counted_twice():
    rig = Rig(P0, P1, lossy=True, maxEvents=100, throttle=60)
    rig.offer(range(1000))
    rig.lane.switch_off(Trigger.SWITCHED_OFF, "enable is false")
    rig.positions[P1] = 2000
    rig.lane.switch_on(Trigger.SWITCHED_ON)
    rig.feed(range(2000), 2000, P1)
    rig.lane.feed(P0, [event(n, severity=n % 7) for n in range(1000)], 1000, 0.0)
    caught_up(rig)
    caught_up(rig, P1)
    rig.check()
    assert rig.lane.books.matched == 3000
    assert rig.lane.books.returned == 0
    for rig.now in (1000, 1060):
        rig.deliver_all()
    books = rig.lane.books
    assert books.delivered + books.discarded.total() == books.matched


# --- partitions come and go ---


def test_lost_partitions_are_forgotten_and_the_others_kept():
    rig = Rig(P0, P1)
    rig.offer(range(5))
    rig.offer(range(5), P1)
    rig.answer(rig.one(), later(), delay=5)
    rig.offer(range(5, 8))
    rig.offer(range(5, 8), P1)
    rig.lane.disown(frozenset({P1}))
    assert rig.lane.cursors() == {P0: 0}
    assert rig.lane.owned == {P0}
    rig.check()
    rig.now = 5
    assert [n for batch in rig.deliver_all() for n in batch] == list(range(8))


def test_nothing_stays_pending_for_a_partition_that_went_away():
    rig = Rig(throttle=60)
    rig.lane.flights.last_start = 0.0
    rig.offer(range(10))
    rig.lane.shrink()
    rig.lane.disown(frozenset({P0}))
    assert rig.lane.books.pending == 0
    assert rig.lane.books.released == 10
    rig.check()


def test_a_verdict_for_a_lane_that_was_removed_meanwhile_is_harmless():
    rig = Rig()
    rig.offer(range(5))
    action = rig.one()
    rig.lane.switch_off(Trigger.SWITCHED_OFF, "removed")
    rig.lane.disown(frozenset({P0}))
    rig.answer(action, OK)
    rig.answer(action, REFUSED)
    assert rig.poll() == []
    rig.check()


def test_a_dead_letter_written_for_a_lane_that_was_removed_meanwhile_is_harmless():
    rig = Rig()
    rig.offer(range(1))
    rig.answer(rig.one(), REFUSED)
    (letter,) = rig.poll()
    rig.lane.switch_off(Trigger.SWITCHED_OFF, "removed")
    rig.lane.disown(frozenset({P0}))
    rig.wrote(letter)
    rig.wrote(letter, ok=False)
    rig.check()


def test_while_draining_nothing_starts():
    rig = Rig()
    rig.offer(range(5))
    rig.lane.draining = True
    assert rig.poll() == []
    assert rig.next_poll() == float("inf")
    assert not rig.lane.wants(P0)


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


# --- a batch put together again after a restart ---


def restarted(frozen: Refreeze, cursor: int = 0, position: int = 2000, **given) -> Rig:
    rig = Rig(live=False, **given)
    rig.positions[P0] = position
    rig.lane.own(P0, cursor)
    rig.lane.refreeze = frozen
    return rig


def test_a_frozen_batch_goes_first_with_the_same_events_order_and_attempts():
    rig = restarted(Refreeze({P0: [(0, 4)]}, 5, attempts=3), maxEvents=100)
    rig.feed(range(50), 50)
    action = rig.one()
    assert offsets(action.part.events) == [0, 1, 2, 3, 4]
    assert action.part.attempts == 4
    rig.answer(action, OK)
    assert rig.lane.behind == {P0: 5}
    assert rig.lane.wants(P0)


def test_a_frozen_batch_that_takes_several_feeds_is_sent_when_it_is_complete():
    rig = restarted(Refreeze({P0: [(0, 599)]}, 600, attempts=1))
    rig.feed(range(500), 500)
    assert rig.poll() == []
    rig.next_poll()
    rig.woken.clear()
    rig.feed(range(500, 605), 605)
    assert rig.woken, "nobody would ever ask this lane again"
    assert len(rig.one().part.events) == 600


def test_a_frozen_batch_partly_lost_by_retention_does_not_hold_the_lane_up():
    rig = restarted(Refreeze({P0: [(0, 9)]}, 10, attempts=1))
    rig.poll()
    rig.next_poll()
    rig.woken.clear()
    rig.lane.skip(P0, 20)
    assert rig.woken
    rig.poll()
    assert rig.lane.wants(P0)
    rig.feed(range(20, 25), 25)
    assert rig.deliver_all() == [list(range(20, 25))]


@pytest.mark.parametrize("given", [{"maxEvents": 10}, {"maxBytes": KIB}, {"maxEvents": 1, "maxBytes": 1}])
def test_a_frozen_batch_larger_than_a_new_configuration_allows_still_goes_as_it_was(given):
    rig = restarted(Refreeze({P0: [(0, 2999)]}, 3000, attempts=1), position=3000, **given)
    fed = 0
    while rig.lane.wants(P0):
        rig.feed(range(fed, fed + 500), fed + 500)
        fed += 500
    action = rig.one()
    assert len(action.part.events) == 3000
    assert action.part.attempts == 2


def test_a_frozen_batch_is_put_together_even_when_the_budget_is_used():
    rig = restarted(Refreeze({P0: [(0, 9)]}, 10, attempts=1), budget=KIB)
    rig.budget.charge(KIB)
    assert rig.lane.wants(P0)
    rig.feed(range(10), 10)
    assert len(rig.one().part.events) == 10


def test_a_window_in_which_a_batch_is_put_together_again_is_not_given_back():
    rig = restarted(Refreeze({P0: [(0, 9)]}, 10, attempts=1))
    rig.feed(range(5), 5)
    rig.lane.shrink()
    assert offsets(rig.lane.window.events) == [0, 1, 2, 3, 4]


def test_a_batch_put_together_again_stays_whole_when_the_circuit_is_open():
    rig = restarted(Refreeze({P0: [(0, 99)]}, 100, attempts=7))
    rig.lane.flights.restore(failures=7, refused_in_a_row=0)
    rig.feed(range(100), 100)
    action = rig.one()
    rig.answer(action, later(), delay=1)
    rig.now = 1
    assert rig.one().part is action.part


def test_a_frozen_batch_that_is_not_all_there_is_a_new_batch():
    rig = restarted(Refreeze({P0: [(0, 4)], P1: [(0, 4)]}, 10, attempts=3))  # P1 went to another worker
    rig.feed(range(10), 10)
    action = rig.one()
    assert offsets(action.part.events) == [0, 1, 2, 3, 4]
    assert action.part.attempts == 1


def test_a_frozen_batch_is_forgotten_with_its_partitions():
    rig = restarted(Refreeze({P0: [(0, 4)]}, 5, attempts=3))
    rig.lane.disown(frozenset({P0}))
    assert rig.lane.refreeze is None
