"""A lossy lane: bounded, lowest severity first, never what is in flight, every event counted once."""

from __future__ import annotations

from forwarder.lane.states import Trigger
from forwarder.model.attempt import DiscardReason
from tests.unit.lane.lane_rig import OK, P0, P1, Rig, event


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
    rig.lane.feed(P0, [event(n, severity=n % 7) for n in range(1000)], 1000, 0.0, range(1000))
    rig.caught_up()
    rig.caught_up(P1)
    rig.check()
    assert rig.lane.books.matched == 3000
    assert rig.lane.books.returned == 0
    for rig.now in (1000, 1060):
        rig.deliver_all()
    books = rig.lane.books
    assert books.delivered + books.discarded.total() == books.matched
