"""Off and on, another configuration, partitions that go away, several requests at once: nothing lost, nothing twice."""

from __future__ import annotations

from forwarder.lane.states import LaneState, Trigger
from tests.unit.lane.lane_rig import GONE, OK, P0, P1, REFUSED, Rig, later, offsets, webhook

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
    rig.caught_up()
    assert rig.deliver_all() == [list(range(20))]
    assert rig.lane.books.pending == 0
    rig.check()


def test_switching_on_forgets_the_back_off_and_the_circuit():
    rig = Rig()
    rig.offer(range(100))
    for _ in range(6):
        rig.answer(rig.one(), later(), delay=500)
        rig.now += 500
    rig.lane.switch_off(Trigger.SWITCHED_OFF, "enable is false")
    rig.lane.switch_on(Trigger.SWITCHED_ON)
    rig.feed(range(100), 100)
    assert not rig.lane.flights.circuit_open
    assert len(rig.one().part.events) == 100


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
    rig.caught_up()
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
    assert rig.lane.delivered_ahead[P0].runs() == [(5, 9)]


def test_lowering_concurrency_with_requests_in_flight_repeats_nothing():
    rig = Rig(concurrency=2, maxEvents=5)
    rig.offer(range(10))
    first, second = rig.poll()
    rig.lane.reconfigure(webhook(maxEvents=5))
    rig.answer(second, OK)
    assert rig.lane.delivered_ahead[P0].runs() == [(5, 9)]
    rig.answer(first, GONE)
    rig.lane.switch_on(Trigger.SWITCHED_ON)
    rig.feed(range(10), 10)
    assert rig.deliver_all() == [[0, 1, 2, 3, 4]]


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
    assert rig.lane.accounts.of == {}, "its account left with the checkpoint"
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
