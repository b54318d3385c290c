"""Forwarder being late is not the endpoint being down: `discardAfter` never costs a backlog that a healthy endpoint would take."""

from __future__ import annotations

from forwarder.lane.actions import Send
from tests.unit.lane.lane_rig import OK, P0, WALL, Rig, later, offsets


def late_backlog(rig: Rig, count: int) -> None:
    """Events that were ten minutes old when this worker first saw them."""
    rig.offer(range(count), timestamp_ms=int((WALL - 600) * 1000))


def run_healthy(rig: Rig) -> tuple[list[int], list[int]]:
    """Everything that the lane wants is done at once; the offsets delivered, and those given up."""
    delivered: list[int] = []
    given_up: list[int] = []
    for _ in range(100):
        actions = rig.poll()
        for action in actions:
            if isinstance(action, Send):
                delivered += offsets(action.part.events)
                rig.answer(action, OK)
            else:
                given_up += offsets(action.part.events)
                rig.wrote(action)
        rig.now = max(rig.now, min(rig.next_poll(), rig.now + 60.0))
    rig.check()
    return delivered, given_up


def test_failures_that_another_worker_saw_expire_nothing() -> None:
    for failures in (1, 5, 50):
        rig = Rig(discardAfter=60, maxEvents=10)
        rig.lane.flights.restore(failures, 0)
        late_backlog(rig, 100)
        assert run_healthy(rig) == (list(range(100)), [])


def test_one_failed_attempt_costs_at_most_the_batch_that_failed() -> None:
    rig = Rig(discardAfter=60, maxEvents=10)
    late_backlog(rig, 100)
    rig.answer(rig.one(), later(), delay=0.2)
    delivered, given_up = run_healthy(rig)
    assert given_up == list(range(10)), "it was older than discardAfter when its attempt failed"
    assert delivered == list(range(10, 100))


def test_once_the_endpoint_has_failed_for_that_long_what_waits_expires_too() -> None:
    rig = Rig(discardAfter=60, maxEvents=10)
    late_backlog(rig, 100)
    rig.answer(rig.one(), later(), delay=3600.0)
    rig.now = 70.0
    _, given_up = run_healthy(rig)
    assert sorted(given_up) == list(range(100))


def test_an_old_failure_expires_nothing_that_came_after_its_back_off() -> None:
    rig = Rig(discardAfter=60, maxEvents=10)
    rig.offer(range(1))
    rig.answer(rig.one(), later(), delay=4.0)
    rig.lane.disown(frozenset({P0}))
    rig.now = 900.0
    rig.lane.own(P0, 1)
    rig.lane.join(P0)
    rig.offer(range(1, 101), timestamp_ms=int((WALL + 300) * 1000))
    assert run_healthy(rig) == (list(range(1, 101)), [])
