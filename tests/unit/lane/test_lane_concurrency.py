"""Several requests at once, and what each tells the receiver of discards."""

from __future__ import annotations

from forwarder.model.attempt import DiscardReason
from tests.unit.lane.lane_rig import (
    OK,
    P0,
    Rig,
    later,
    offsets,
)

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
    assert rig.lane.delivered_ahead[P0].runs() == [(2, 3)]


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
