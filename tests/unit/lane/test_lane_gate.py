"""What a lane does when a limit holds it: nothing is attempted, nothing is lost, nobody else waits for it."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forwarder.lane.actions import Send, WriteDeadLetters, WriteLedger
from forwarder.lane.adaptive import Bearing, after
from forwarder.lane.gate import Gate
from forwarder.lane.hosts import Share, Turns
from forwarder.model.attempt import Attempt, DeadLetterReason, DiscardReason, Fault, Response
from forwarder.model.verdict import Held
from forwarder.observe.declared import Limit
from tests.unit.lane.lane_rig import OK, P0, Rig, later, offsets

NARROW = {"rateLimit": {"perSecond": 1, "burst": 0}}


def gate(rig: Rig) -> Gate:
    return rig.lane.flights.gate


class TestRate:
    def test_waiting_spends_no_attempt_and_gathers_what_comes(self) -> None:
        rig = Rig(**NARROW)
        rig.offer([0])
        rig.answer(rig.one(), OK)
        rig.offer([1])
        assert rig.poll() == []
        assert rig.next_poll() == 1.0
        assert gate(rig).held_by(0.0) is Limit.RATE
        rig.offer([2])
        rig.now = 1.0
        send = rig.one()
        assert (offsets(send.part.events), send.part.attempts) == ([1, 2], 1)
        rig.check()

    def test_a_retry_needs_a_token_too(self) -> None:
        rig = Rig(**NARROW)
        rig.offer([0])
        rig.answer(rig.one(), later(), delay=0.2)
        rig.now = 0.3
        assert rig.poll() == []
        assert rig.next_poll() == 1.0
        rig.now = 1.0
        assert rig.one().part.attempts == 2

    def test_fail_gives_the_batch_up_without_an_attempt(self) -> None:
        rig = Rig(rateLimit={"perSecond": 1, "burst": 0, "onLimit": "fail"})
        rig.offer([0])
        rig.answer(rig.one(), OK)
        rig.offer([1, 2])
        (action,) = rig.poll()
        assert isinstance(action, WriteLedger)
        assert (action.part.reason, action.part.attempts) == (DiscardReason.RATE_LIMITED, 0)
        rig.wrote(action)
        assert rig.lane.books.discarded == {DiscardReason.RATE_LIMITED: 2}
        assert rig.poll() == []
        rig.now = 1.0
        rig.offer([3])
        send = rig.one()
        assert send.discarded == {DiscardReason.RATE_LIMITED: 2}
        rig.check()

    def test_fail_with_dead_letters_copies_the_events(self) -> None:
        rig = Rig(rateLimit={"perSecond": 1, "burst": 0, "onLimit": "fail"}, onDiscard="deadLetter")
        rig.offer([0])
        rig.answer(rig.one(), OK)
        rig.offer([1])
        (action,) = rig.poll()
        assert isinstance(action, WriteDeadLetters)
        assert action.part.reason is DeadLetterReason.RATE_LIMITED

    def test_other_settings_do_not_fill_the_bucket_again(self) -> None:
        rig = Rig(**NARROW)
        rig.offer([0])
        rig.answer(rig.one(), OK)
        rig.lane.reconfigure(rig.lane.webhook.model_copy(update={"timeout": 5.0}))
        rig.offer([1])
        assert rig.poll() == []

    def test_the_share_of_the_group_counts(self) -> None:
        rig, share = Rig(rateLimit={"perSecond": 2, "burst": 0}), Share()
        gate(rig).join(share, None, lambda: None)
        share.members = 2
        rig.offer([0])
        rig.answer(rig.one(), OK)
        rig.offer([1])
        assert (rig.poll(), rig.next_poll()) == ([], 1.0)
        share.members = 1
        assert isinstance(rig.one(), Send)


class Host:
    """Lanes that share a host with `limit` turns; `woken` are their numbers, in order."""

    def __init__(self, lanes: int, limit: int, **given: Any) -> None:
        self.turns, self.woken = Turns(limit, Share()), list[int]()
        self.rigs = [Rig(**given) for _ in range(lanes)]
        for number, rig in enumerate(self.rigs):
            gate(rig).join(Share(), self.turns, lambda n=number: self.woken.append(n))  # type: ignore[misc]

    def end(self, rig: Rig, send: Send) -> None:
        rig.answer(send, OK)
        gate(rig).release()


class TestHost:
    def test_turns_are_taken_in_the_order_of_asking(self) -> None:
        host = Host(4, 1)
        for rig in host.rigs:
            rig.offer([0])
        first = host.rigs[0].one()
        assert [rig.poll() for rig in (host.rigs[2], host.rigs[1], host.rigs[3])] == [[], [], []]
        assert host.rigs[2].next_poll() == math.inf
        assert gate(host.rigs[1]).held_by(0.0) is Limit.HOST
        host.end(host.rigs[0], first)
        assert host.woken == [2]
        host.rigs[0].offer([1])
        assert host.rigs[0].poll() == []
        send = host.rigs[2].one()
        host.end(host.rigs[2], send)
        assert host.woken == [2, 1]

    def test_a_lane_that_waits_has_spent_no_attempt_and_frozen_nothing(self) -> None:
        host = Host(2, 1)
        for rig in host.rigs:
            rig.offer([0])
        send = host.rigs[0].one()
        assert host.rigs[1].poll() == []
        assert host.rigs[1].lane.flights.items == []
        host.rigs[1].offer([1])
        host.end(host.rigs[0], send)
        assert offsets(host.rigs[1].one().part.events) == [0, 1]

    def test_a_lane_that_is_switched_off_in_line_lets_the_next_one_go(self) -> None:
        host = Host(3, 1)
        for rig in host.rigs:
            rig.offer([0])
        send = host.rigs[0].one()
        host.rigs[1].poll(), host.rigs[2].poll()
        host.end(host.rigs[0], send)
        host.rigs[1].lane.draining = True
        assert host.rigs[1].poll() == []
        assert host.woken == [1, 2]
        assert host.rigs[2].one()

    def test_whoever_waits_for_a_token_does_not_stand_in_line(self) -> None:
        host = Host(3, 1, **NARROW)
        host.rigs[1].offer([0])
        send = host.rigs[1].one()
        host.end(host.rigs[1], send)
        for rig in host.rigs:
            rig.offer([1])
        send = host.rigs[0].one()
        assert host.rigs[1].poll() == host.rigs[2].poll() == []
        host.end(host.rigs[0], send)
        assert host.woken == [2]

    def test_whoever_loses_its_token_in_line_lets_the_next_one_go(self) -> None:
        """The group has grown while it stood there."""
        host, share = Host(3, 1, rateLimit={"perSecond": 2, "burst": 0}), Share()
        gate(host.rigs[1]).join(share, host.turns, lambda: host.woken.append(1))
        host.rigs[1].offer([0])
        host.end(host.rigs[1], host.rigs[1].one())
        for rig in host.rigs:
            rig.offer([1])
        send = host.rigs[0].one()
        assert host.rigs[1].poll() == host.rigs[2].poll() == []
        share.members = 2
        host.end(host.rigs[0], send)
        assert host.woken == [1]
        assert host.rigs[1].poll() == []
        assert host.woken == [1, 2]
        assert host.rigs[1].next_poll() == 1.0
        assert host.rigs[2].one()

    @given(st.integers(1, 4), st.lists(st.integers(0, 5), min_size=5, max_size=60))
    def test_law_never_more_than_the_limit_and_nobody_is_forgotten(self, limit: int, order: list[int]) -> None:
        """Random asking and ending, as the dispatcher does it: a lane whose request has ended looks for the next one before its turn
        is given back, and whoever is woken is served."""
        host = Host(6, limit)
        under_way: list[tuple[int, Send]] = []

        def serve(number: int) -> None:
            for action in host.rigs[number].poll():
                assert isinstance(action, Send)
                under_way.append((number, action))

        def end() -> None:
            number, send = under_way.pop(0)
            host.rigs[number].answer(send, OK)
            serve(number)
            gate(host.rigs[number]).release()
            while host.woken:
                serve(host.woken.pop(0))
            assert len(under_way) <= limit

        for step, number in enumerate(order):
            rig = host.rigs[number]
            rig.offer([rig.positions[P0]])
            serve(number)
            assert len(under_way) <= limit
            if step % 3 == 2 and under_way:
                end()
        while under_way:
            end()
        assert all(not rig.lane.window.events and not rig.lane.flights.items for rig in host.rigs)


class TestAdaptive:
    def test_it_grows_while_it_is_used_and_is_cut_when_the_receiver_is_overloaded(self) -> None:
        rig = Rig(concurrency=8, adaptiveConcurrency=True, maxEvents=1)
        assert gate(rig).slots == 1
        rig.offer(range(200))
        for _ in range(40):
            for action in rig.poll():
                rig.answer(action, OK)
            rig.now += 1
        assert gate(rig).slots == 8
        rig.offer(range(200, 203))
        actions = rig.poll()
        attempt = Attempt("b", 1, Response(429), 0.1)
        flight = actions[0]
        assert isinstance(flight, Send)
        rig.lane.on_verdict(flight.flight, attempt, later(), rig.now, rig.wall, 1.0)
        assert gate(rig).slots == 5

    def test_bounds_hold(self) -> None:
        rig = Rig(concurrency=8, adaptiveConcurrency={"min": 2, "max": 4}, maxEvents=1)
        assert gate(rig).slots == 2
        assert Rig(concurrency=3, adaptiveConcurrency={"enable": False}).lane.flights.gate.slots == 3

    def test_requests_of_before_the_cut_do_not_cut_again(self) -> None:
        state = Bearing(8.0, least=0.1)
        cut = after(state, bounds=(1, 8), seconds=0.1, overloaded=True, now=10.0, in_flight=8)
        again = after(cut, bounds=(1, 8), seconds=0.5, overloaded=True, now=10.1, in_flight=7)
        later_on = after(again, bounds=(1, 8), seconds=0.05, overloaded=True, now=10.2, in_flight=7)
        assert cut.limit == again.limit == pytest.approx(5.6)
        assert later_on.limit < cut.limit

    def test_an_answer_much_slower_than_usual_cuts_and_a_little_does_not(self) -> None:
        state = Bearing(4.0, least=0.1)
        for seconds, limit in ((0.2, 4.25), (0.3, 2.8)):
            found = after(state, bounds=(1, 8), seconds=seconds, overloaded=False, now=10.0, in_flight=4)
            assert found.limit == pytest.approx(limit)

    def test_it_does_not_grow_unused(self) -> None:
        state = Bearing(4.0, least=0.1)
        assert after(state, bounds=(1, 8), seconds=0.1, overloaded=False, now=1.0, in_flight=3).limit == 4.0

    @given(st.lists(st.tuples(st.floats(0.001, 30), st.booleans(), st.integers(1, 20)), max_size=60))
    def test_law_the_limit_stays_within_its_bounds(self, answers: list[tuple[float, bool, int]]) -> None:
        state, now = Bearing(2.0), 0.0
        for seconds, overloaded, busy in answers:
            now += 1.0
            state = after(state, bounds=(2, 9), seconds=seconds, overloaded=overloaded, now=now, in_flight=busy)
            assert 2 <= state.limit <= 9

    def test_a_receiver_that_became_slower_for_good_is_used_again(self) -> None:
        state = Bearing(1.0, least=0.1)
        for second in range(2000):
            state = after(state, bounds=(1, 8), seconds=1.0, overloaded=False, now=float(second), in_flight=8)
        assert state.limit > 4


class TestWayOut:
    def test_a_broken_way_out_is_not_held_against_the_endpoint(self) -> None:
        rig = Rig(lossy=True, discardAfter="10s")
        rig.offer([0])
        for number in range(20):
            send = rig.one()
            assert send.part.attempts == 1
            rig.answer(send, Held("way_out_failed: the proxy answered 407"), delay=60.0, fault=Fault.WAY_OUT)
            assert rig.lane.flights.held == number + 1
            assert rig.poll() == []
            rig.now += 60.0
        assert not rig.lane.flights.circuit_open
        assert not rig.lane.flights.may_expire
        rig.answer(rig.one(), OK)
        assert (rig.lane.flights.held, rig.lane.books.discarded.total()) == (0, 0)
        rig.check()
