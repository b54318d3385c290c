"""A batch that was frozen at a restart is put together again, goes first, and holds nobody up for ever."""

from __future__ import annotations

import pytest

from forwarder.lane.resume import Refreeze
from tests.unit.lane.lane_rig import OK, P0, P1, Rig, later, offsets

KIB = 1024


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
