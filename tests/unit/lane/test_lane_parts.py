"""The small parts of a lane: timers, transitions, refusal meter, shedding, reassembly, policy."""

from __future__ import annotations

import asyncio
import math
import random

import pytest

from forwarder.lane.flight import Fate, Flight, part_of
from forwarder.lane.limits import RefusalMeter
from forwarder.lane.resume import Refreeze
from forwarder.lane.shedding import SHARE, Shedder
from forwarder.lane.states import TRANSITIONS, LaneState, Trigger, after
from forwarder.lane.timers import Timers
from forwarder.lane.window import sending_order
from forwarder.model.attempt import DiscardReason
from forwarder.model.batch import offset_runs
from forwarder.settings.webhook import DeadLetterLimit
from tests.unit.lane.lane_rig import P0, P1, event, events, offsets, policy

# --- timers ---


async def test_a_key_fires_once_at_its_latest_due_time():
    fired: list[str] = []
    timers: Timers[str] = Timers(fired.append)
    timers.schedule("a", 10.0)
    timers.schedule("a", 30.0)
    timers.schedule("b", 20.0)
    assert timers.run_due(25.0) == 1
    assert fired == ["b"]
    assert timers.due("a") == 30.0
    timers.run_due(30.0)
    timers.run_due(99.0)
    assert fired == ["b", "a"]
    assert timers.due("a") == math.inf
    timers.close()


async def test_infinity_cancels_and_minus_infinity_is_at_once():
    fired: list[str] = []
    timers: Timers[str] = Timers(fired.append)
    timers.schedule("a", 10.0)
    timers.schedule("a", math.inf)
    timers.schedule("b", -math.inf)
    timers.run_due(0.0)
    timers.run_due(99.0)
    assert fired == ["b"]
    timers.close()


async def test_a_key_may_set_its_next_time_while_it_fires():
    fired: list[float] = []
    timers: Timers[str] = Timers(lambda key: (fired.append(timers.due(key)), timers.schedule(key, 20.0))[0])
    timers.schedule("a", 10.0)
    timers.run_due(15.0)
    assert fired == [math.inf]
    assert timers.due("a") == 20.0
    timers.close()


@pytest.mark.looptime
async def test_one_loop_timer_serves_thousands_of_keys_each_in_time():
    loop = asyncio.get_running_loop()
    late: list[float] = []
    due = {key: loop.time() + random.Random(key).uniform(0, 60) for key in range(5000)}
    timers: Timers[int] = Timers(lambda key: late.append(loop.time() - due[key]))
    for key, when in due.items():
        timers.schedule(key, when + 100)
        timers.schedule(key, when)
    before = len(asyncio.all_tasks())
    await asyncio.sleep(61)
    assert len(late) == 5000
    assert min(late) >= -1e-6
    assert max(late) < 0.01
    assert len(asyncio.all_tasks()) == before
    timers.close()


@pytest.mark.looptime
async def test_an_earlier_time_moves_the_timer_forward_and_one_in_the_past_fires_at_once():
    loop = asyncio.get_running_loop()
    fired: list[tuple[str, float]] = []
    start = loop.time()
    timers: Timers[str] = Timers(lambda key: fired.append((key, round(loop.time() - start, 3))))
    timers.schedule("late", start + 50)
    timers.schedule("soon", start + 5)
    timers.schedule("past", start - 5)
    await asyncio.sleep(60)
    assert fired == [("past", 0.0), ("soon", 5.0), ("late", 50.0)]


@pytest.mark.looptime
async def test_nothing_fires_after_closing():
    fired: list[str] = []
    timers: Timers[str] = Timers(fired.append)
    timers.schedule("a", asyncio.get_running_loop().time() + 1)
    timers.close()
    await asyncio.sleep(5)
    assert fired == []


# --- states ---


def test_every_pair_of_state_and_trigger_has_an_answer():
    for state in LaneState:
        for trigger in Trigger:
            assert after(state, trigger) is TRANSITIONS.get((state, trigger), state)


def test_only_switching_on_ends_disabled():
    for trigger in Trigger:
        wanted = LaneState.BEHIND if trigger is Trigger.SWITCHED_ON else LaneState.DISABLED
        assert after(LaneState.DISABLED, trigger) is wanted


def test_a_paused_lane_is_not_made_live_by_joining():
    assert after(LaneState.PAUSED, Trigger.JOINED) is LaneState.PAUSED


@pytest.mark.parametrize("state", [LaneState.LIVE, LaneState.BEHIND, LaneState.PAUSED])
def test_410_disables_from_any_state(state):
    assert after(state, Trigger.GONE) is LaneState.DISABLED


# --- refusals ---


def test_the_ratio_looks_back_at_exactly_the_last_events():
    meter = RefusalMeter(DeadLetterLimit(in_a_row=1000, ratio=0.02, window=100))
    meter.refused()
    meter.refused()
    assert meter.would_exceed()
    meter.delivered(97)
    assert meter.would_exceed()  # the refusals are the first two of the last hundred, with the one that is asked about
    meter.delivered(1)
    assert not meter.would_exceed()


def test_a_delivery_ends_a_row():
    meter = RefusalMeter(DeadLetterLimit(in_a_row=2, ratio=1.0, window=1000))
    meter.refused()
    meter.delivered(1)
    meter.refused()
    assert not meter.would_exceed()
    meter.refused()
    assert meter.would_exceed()


# --- shedding ---


def test_shedding_takes_a_share_of_the_lowest_oldest_first():
    shedder = Shedder()
    window = [event(n, severity=2 if n % 2 else 4) for n in range(100)]
    for item in window:
        shedder.added(item.severity)
    victims = shedder.choose(window, event(100, severity=3), capacity=100)
    assert len(victims) == 100 // SHARE
    assert offsets(victims) == [1, 3, 5, 7, 9]


def test_shedding_never_gives_up_a_higher_severity_for_a_lower_one():
    for incoming in range(7):
        for present in range(7):
            shedder = Shedder()
            shedder.added(present)
            window = [event(0, severity=present)]
            new = event(1, severity=incoming)
            (victim,) = shedder.choose(window, new, capacity=1)
            assert victim.severity == min(incoming, present)


def test_the_lowest_severity_is_that_of_what_is_there_not_of_what_has_left():
    shedder = Shedder()
    shedder.added(1)  # delivered since
    shedder.added(3)
    new = event(9, severity=2)
    assert shedder.choose([event(0, severity=3)], new, capacity=1) == [new]


# --- parts ---


def test_a_part_split_keeps_every_event_in_order():
    flight = Flight(1)
    flight.parts.append(part_of(events(range(7))))
    flight.split_head(3)
    assert [offsets(part.events) for part in flight.parts] == [[0, 1, 2], [3, 4, 5, 6]]


def test_condemning_some_keeps_the_rest_behind_them():
    flight = Flight(1)
    part = part_of(events(range(5)))
    part.attempts = 3
    flight.parts.append(part)
    flight.condemn(part.events[1:3], Fate.DISCARD, DiscardReason.EXPIRED)
    assert [offsets(part.events) for part in flight.parts] == [[1, 2], [0, 3, 4]]
    assert (flight.head.fate, flight.head.attempts) == (Fate.DISCARD, 3)
    assert (flight.parts[1].fate, flight.parts[1].attempts) == (Fate.SEND, 0)


def test_what_is_left_of_a_batch_can_be_found_again_in_the_same_order():
    left = [event(n, P0, timestamp_ms=stamp) for n, stamp in enumerate([5, 1, 9])]
    right = [event(0, P1, timestamp_ms=3)]
    flight = Flight(1)
    part = part_of(sending_order(left + right))
    flight.parts.append(part)
    flight.condemn([left[0]], Fate.DISCARD, DiscardReason.EXPIRED)
    rest = flight.parts[1].events
    again = Refreeze(dict(offset_runs(rest)), len(rest), 1).part(list(rest))
    assert again.events == rest


@pytest.mark.parametrize("seed", range(20))
def test_a_batch_put_together_again_has_the_same_order_whatever_the_arrival(seed):
    dice = random.Random(seed)
    parts = {tp: [event(n, tp, timestamp_ms=dice.randint(1, 20)) for n in range(8)] for tp in (P0, P1)}
    batch = sending_order(parts[P0] + parts[P1])
    arrived = parts[P1] + parts[P0]
    frozen = Refreeze({tp: list(runs) for tp, runs in offset_runs(batch).items()}, len(batch), 2)
    again = frozen.part([item for item in arrived if frozen.contains(item)])
    assert offsets(again.events) == offsets(batch)
    assert (again.attempts, again.ambiguous) == (2, True)


def test_a_batch_knows_when_everything_that_can_come_has_come():
    frozen = Refreeze({P0: [(5, 9)], P1: [(0, 1), (7, 7)]}, 8, 1)
    assert frozen.needs(P1, {P1: 7})
    assert not frozen.needs(P1, {P1: 8})
    assert not frozen.needs(P1, {})
    assert not frozen.complete({P0: 10, P1: 3}, {P0, P1})
    assert frozen.complete({P0: 10, P1: 3}, {P0})
    assert frozen.complete({P0: 10}, {P0, P1})


# --- policy ---


def test_the_longer_of_throttle_and_max_wait_is_the_interval():
    assert policy(throttle=2).interval == 2
    assert policy(throttle=2, maxWait=5).interval == 5
    assert policy(throttle=5, maxWait=2).interval == 5


def test_a_lane_holds_a_few_full_batches():
    rules = policy(maxEvents=1000, maxBytes="1MiB")
    assert (rules.capacity_events, rules.capacity_bytes) == (4000, 4 * 1024 * 1024)
    assert policy(maxEvents=1).capacity_events == 1000
