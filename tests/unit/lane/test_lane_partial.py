"""A receiver that takes some events of a batch and not others; and batches of which no request can be made."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from forwarder.lane.actions import Send, WriteDeadLetters
from forwarder.lane.outcomes import Alarm
from forwarder.lane.states import LaneState
from forwarder.model.attempt import Attempt, DeadLetterReason, Failure, Fault
from forwarder.model.verdict import Delivered, Halve, Partial, Verdict
from tests.unit.lane.lane_rig import OK, P0, Rig, done, offsets


def some(again: tuple[int, ...] = (), refused: tuple[int, ...] = (), after: float | None = None) -> Partial:
    return Partial("told item by item", again, refused, after=after)


def unsendable(rig: Rig, verdict: Verdict) -> None:
    """The lane's present batch turns out to be one that cannot be sent."""
    action = rig.one()
    nothing = Attempt("", action.part.attempts, Failure(Fault.UNSENDABLE, "why"), 0.0)
    rig.lane.on_verdict(action.flight, nothing, verdict, rig.now, rig.wall, 1.0)


def test_what_is_asked_for_again_is_sent_alone_and_what_is_refused_is_dead_lettered() -> None:
    rig = Rig()
    rig.offer(range(6))
    rig.answer(rig.one(), some(again=(1, 4), refused=(2,)), delay=5.0)
    (letter,) = rig.poll()
    assert isinstance(letter, WriteDeadLetters)
    assert (offsets(letter.part.events), letter.part.reason) == ([2], DeadLetterReason.REFUSED)
    rig.wrote(letter)
    assert (rig.poll(), rig.next_poll()) == ([], 5.0)
    rig.now = 5.0
    last = rig.one()
    assert (offsets(last.part.events), last.part.attempts, last.part.earlier) == ([1, 4], 1, 1)
    rig.answer(last, OK)
    account = rig.lane.holding.accounts.of[P0]
    assert (account.delivered, account.dead_lettered["refused"], account.held) == (5, 1, 0)
    assert rig.lane.cursors() == {}


def test_the_receivers_own_wish_counts_for_what_is_sent_again() -> None:
    rig = Rig()
    rig.offer(range(2))
    rig.answer(rig.one(), some(again=(0,), after=30.0), delay=1.0)
    assert rig.next_poll() == 30.0


def test_an_answer_that_takes_nothing_counts_as_a_failure_and_one_that_takes_something_does_not() -> None:
    rig = Rig()
    rig.offer(range(3))
    for attempt in range(1, 4):
        rig.answer(rig.one(), some(again=(0, 1, 2)), delay=1.0)
        assert rig.lane.flights.failures == attempt
        rig.now += 1.0
    rig.answer(rig.one(), some(again=(0,)))
    assert rig.lane.flights.failures == 0


def test_an_endpoint_that_refuses_every_item_pauses_the_lane_and_loses_nothing() -> None:
    rig = Rig(deadLetterLimit={"inARow": 3})
    rig.offer(range(4))
    rig.answer(rig.one(), some(refused=(0, 1, 2, 3)))
    assert rig.lane.state is LaneState.PAUSED
    assert rig.lane.holding.accounts.of[P0].dead_lettered.total() == 0


def test_refusals_among_accepted_items_are_not_in_a_row() -> None:
    rig = Rig(deadLetterLimit={"inARow": 2, "ratio": 0.9, "window": 100})
    rig.offer(range(10))
    rig.answer(rig.one(), some(refused=(0, 2, 4, 6)))
    assert rig.lane.state is LaneState.LIVE
    assert [offsets(action.part.events) for action in rig.poll()] == [[0, 2, 4, 6]]


def test_past_the_ratio_the_accepted_items_count_and_the_refused_ones_wait() -> None:
    rig = Rig(deadLetterLimit={"ratio": 0.01, "window": 100})
    rig.offer(range(10))
    rig.answer(rig.one(), some(refused=(8, 9)))
    account = rig.lane.holding.accounts.of[P0]
    assert (rig.lane.state, account.delivered, account.dead_lettered.total()) == (LaneState.PAUSED, 8, 0)


def test_a_body_that_is_too_large_is_halved_without_blaming_anybody() -> None:
    rig = Rig()
    rig.offer(range(4))
    unsendable(rig, Halve("too large"))
    assert rig.lane.flights.failures == 0
    first = rig.one()
    assert (offsets(first.part.events), first.part.attempts) == ([0, 1], 1)


def test_an_event_too_large_for_the_format_is_dead_lettered_and_costs_no_refusal() -> None:
    rig = Rig(deadLetterLimit={"inARow": 1, "window": 100}, maxEvents=1)
    rig.offer(range(5))
    for offset in range(5):
        unsendable(rig, Halve("too large"))
        (letter,) = rig.poll()
        assert isinstance(letter, WriteDeadLetters)
        assert (offsets(letter.part.events), letter.part.reason) == ([offset], DeadLetterReason.TOO_LARGE)
        assert letter.part.attempts == 0
        rig.wrote(letter)
    assert rig.lane.state is LaneState.LIVE


def test_an_event_that_cannot_be_rendered_is_dead_lettered_and_the_others_go_on_at_once() -> None:
    rig = Rig()
    rig.offer(range(3))
    unsendable(rig, Partial("no such field", (0, 2), (1,), DeadLetterReason.UNRENDERABLE, 0.0))
    told = rig.run(lambda _: OK)
    assert told == [("dead letter", [1]), ("sent", [0, 2])]
    assert rig.lane.holding.accounts.of[P0].dead_lettered["unrenderable"] == 1


@given(st.data())
def test_whatever_an_answer_says_every_event_has_one_outcome(data: Any) -> None:
    rig = Rig(deadLetterLimit={"inARow": 1000, "ratio": 1.0}, maxEvents=7)
    rig.offer(range(20))
    told: list[tuple[str, list[int]]] = []
    for _ in range(200):
        for action in rig.poll():
            inside = list(action.part.events)
            if isinstance(action, Send):
                fates = data.draw(st.lists(st.sampled_from("dar"), min_size=len(inside), max_size=len(inside)))
                picked = {kind: tuple(i for i, fate in enumerate(fates) if fate == kind) for kind in "ar"}
                verdict: Verdict = Partial("mixed", picked["a"], picked["r"]) if set(fates) != {"d"} else Delivered()
                rig.answer(action, verdict, delay=1.0)
                told.append(("sent", [e.offset for e, fate in zip(inside, fates, strict=True) if fate == "d"]))
            else:
                rig.wrote(action)
                told.append(("dead letter", offsets(inside)))
        rig.now += 1.0
        rig.check()
        if not rig.lane.cursors():
            break
    assert sorted(done(told, "sent") + done(told, "dead letter")) == list(range(20))


def test_the_alarm_is_what_stops_the_lane() -> None:
    rig = Rig(deadLetterLimit={"inARow": 1})
    rig.offer(range(2))
    action = rig.one()
    attempt = Attempt("b", 1, Failure(Fault.PROTOCOL, "x"), 0.1)
    alarm = rig.lane.flights.on_verdict(action.flight, attempt, some(refused=(0, 1)), 0.0, rig.wall, 1.0)
    assert alarm is Alarm.REFUSES_ALL
