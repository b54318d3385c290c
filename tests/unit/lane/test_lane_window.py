"""When a window closes and what it gives: every rule of throttle, maxWait, idleGap, maxEvents, maxBytes and flushLevel."""

from __future__ import annotations

import json
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forwarder.deliver.payload.registry import provider_of
from forwarder.lane.policy import LanePolicy
from forwarder.lane.window import Window, sending_order
from forwarder.model.batch import Batch
from forwarder.settings.payload import payload_of
from tests.unit.lane.lane_rig import P0, P1, P2, WALL, event, events, offsets, policy, unreadable

NEVER = -math.inf
"""No batch has started yet."""


def filled(rules: LanePolicy, count: int, at: float = 0.0) -> Window:
    window = Window()
    for number in range(count):
        window.extend([event(number)], at, rules)
    return window


def test_an_empty_window_is_never_due():
    assert Window().due_at(policy(throttle=1), NEVER) == math.inf


def test_after_a_pause_the_first_event_goes_at_once():
    assert filled(policy(throttle=5), 1, at=100.0).due_at(policy(throttle=5), last_start=10.0) == 100.0


def test_throttle_is_the_least_time_between_two_starts():
    assert filled(policy(throttle=5), 1, at=100.0).due_at(policy(throttle=5), last_start=99.0) == 104.0


def test_max_wait_above_the_throttle_lengthens_the_wait_for_company():
    rules = policy(throttle=1, maxWait=5)
    assert filled(rules, 1, at=100.0).due_at(rules, last_start=99.0) == 104.0


def test_max_wait_below_the_throttle_does_not_break_the_throttle():
    rules = policy(throttle=5, maxWait=1)
    assert filled(rules, 1, at=100.0).due_at(rules, last_start=99.0) == 104.0


def test_an_event_never_waits_longer_than_throttle_and_max_wait_allow():
    rules = policy(throttle=2, maxWait=7)
    for last_start in (NEVER, 90.0, 99.5, 100.0):
        assert filled(rules, 1, at=100.0).due_at(rules, last_start) <= 100.0 + 7


@pytest.mark.parametrize("limit", [{"maxEvents": 3}, {"maxBytes": 303}])
def test_a_full_window_does_not_wait_for_the_throttle(limit):
    rules = policy(throttle=60, **limit)
    window = filled(rules, 2)
    assert window.due_at(rules, last_start=0.0) == 60.0
    window.extend([event(2)], 0.0, rules)
    assert window.due_at(rules, last_start=0.0) == NEVER


@pytest.mark.parametrize("given", [{"maxEvents": 3}, {"flushLevel": "medium"}])
def test_strict_throttle_holds_for_full_and_urgent_windows_too(given):
    rules = policy(throttle=60, strictThrottle=True, **given)
    assert filled(rules, 3).due_at(rules, last_start=0.0) == 60.0


def test_flush_level_closes_the_window_at_once_at_that_level_and_above():
    rules = policy(throttle=60, flushLevel="high")
    window = Window()
    window.extend([event(0, severity=3)], 0.0, rules)
    assert window.due_at(rules, last_start=0.0) == 60.0
    window.extend([event(1, severity=4)], 0.0, rules)
    assert window.due_at(rules, last_start=0.0) == NEVER


def test_an_urgent_event_behind_a_full_batch_still_goes_at_once():
    rules = policy(throttle=60, flushLevel="high", maxEvents=2)
    window = Window()
    window.extend([*events([0, 1]), event(2, severity=5)], 0.0, rules)
    assert offsets(window.take(rules, 1000)) == [0, 1]
    assert window.due_at(rules, last_start=0.0) == NEVER
    assert offsets(window.take(rules, 1000)) == [2]
    window.extend([event(3)], 0.0, rules)
    assert window.due_at(rules, last_start=0.0) == 60.0


def test_what_is_left_of_a_full_window_has_a_due_time():
    rules = policy(throttle=5, maxEvents=3)
    window = filled(rules, 4, at=100.0)
    window.take(rules, 1000)
    assert window.due_at(rules, last_start=100.0) == 105.0


def test_the_age_of_what_is_left_counts_from_its_own_arrival():
    rules = policy(throttle=0, maxWait=5, idleGap=5, maxEvents=2)
    window = Window()
    window.extend(events([0, 1]), 0.0, rules)
    window.extend(events([2, 3]), 3.0, rules)
    window.take(rules, 1000)
    assert window.opened == 3.0


def test_what_comes_after_the_newest_were_dropped_has_an_age_of_its_own():
    rules = policy(throttle=0, maxWait=60, idleGap=5)
    window = Window()
    window.extend(events([0]), 0.0, rules)
    window.extend(events([1, 2]), 3.0, rules)
    window.drop_newest(1, rules)
    assert (window.opened, window.last_added) == (0.0, 0.0)
    window.extend(events([1]), 9.0, rules)
    window.take(rules, 1)
    assert window.opened == 9.0


def test_idle_gap_closes_the_window_when_nothing_came_for_that_long():
    rules = policy(throttle=0, maxWait=60, idleGap=2)
    window = filled(rules, 1, at=100.0)
    assert window.due_at(rules, NEVER) == 102.0
    window.extend([event(1)], 101.5, rules)
    assert window.due_at(rules, NEVER) == 103.5


def test_idle_gap_waits_no_longer_than_max_wait_and_no_less_than_the_throttle():
    rules = policy(throttle=3, maxWait=5, idleGap=2)
    window = filled(rules, 1, at=100.0)
    for number in range(1, 5):
        window.extend([event(number)], 100.0 + number * 1.5, rules)
    assert window.due_at(rules, NEVER) == 105.0
    assert window.due_at(rules, last_start=104.0) == 107.0


def test_idle_gap_on_event_times_groups_a_backlog_as_it_would_have_been_live():
    rules = policy(throttle=0, maxWait=60, idleGap=2)
    window = Window()
    window.extend(events([0, 1, 2, 10, 11, 20]), 500.0, rules)
    assert window.due_at(rules, NEVER) == NEVER
    assert offsets(window.take(rules, 1000)) == [0, 1, 2]
    assert offsets(window.take(rules, 1000)) == [10, 11]
    assert window.due_at(rules, NEVER) == 502.0  # the clock closes the last group
    assert offsets(window.take(rules, 1000)) == [20]


def test_a_gap_between_two_chunks_is_seen():
    rules = policy(throttle=0, maxWait=60, idleGap=2)
    window = filled(rules, 1)
    window.extend([event(10)], 0.0, rules)
    assert window.due_at(rules, NEVER) == NEVER


def test_a_gap_does_not_break_the_throttle():
    rules = policy(throttle=5, maxWait=60, idleGap=2)
    window = Window()
    window.extend(events([0, 10]), 500.0, rules)
    assert window.due_at(rules, last_start=499.0) == 504.0


def test_max_events_caps_a_batch():
    rules = policy(maxEvents=3)
    window = filled(rules, 7)
    assert [len(window.take(rules, 1000)) for _ in range(3)] == [3, 3, 1]


@pytest.mark.parametrize("sizes", [[100] * 9, [499, 1], [500], [501, 1], [1, 5000, 1], [249, 249, 1], [250, 250, 250]])
def test_the_body_of_a_batch_is_within_max_bytes_unless_one_event_alone_is_larger(sizes):
    rules = policy(maxBytes=500)
    window = Window()
    window.extend([event(i, value=b"x" * size) for i, size in enumerate(sizes)], 0.0, rules)
    seen: list[int] = []
    while len(window):
        batch = window.take(rules, 1000)
        body = b"[" + b",".join(item.value or b"null" for item in batch) + b"]"
        assert len(body) <= 500 or len(batch) == 1
        assert Batch("w", tuple(batch)).size <= 500 or len(batch) == 1
        seen += offsets(batch)
    assert seen == list(range(len(sizes)))
    assert window.bytes == 0


@pytest.mark.parametrize("style", ["nanoseconds", "rfc3339"])
@pytest.mark.parametrize("name", ["json", "ndjson", "stalwart"])
@given(
    values=st.lists(
        st.tuples(st.text(max_size=40), st.text(max_size=9), st.text(max_size=9), st.booleans()), max_size=9
    )
)
def test_max_bytes_bounds_the_body_of_every_payload_format(name, style, values):
    rules = policy(maxBytes=600, payload={"format": name})
    window = Window()
    window.extend(
        [
            event(i, value=(value if text else json.dumps(value)).encode(), id=id_, type=type_, text=text)
            for i, (value, id_, type_, text) in enumerate(values)
        ],
        0.0,
        rules,
    )
    provider = provider_of(payload_of({"format": name, "timestampFormat": style}), "c" * 64)
    while len(window):
        batch = window.take(rules, 1000)
        body = provider.render(batch)
        assert len(body.content) <= 600 or len(batch) == 1
    assert window.bytes == 0


def test_an_event_that_cannot_be_read_never_shares_a_batch_with_one_that_is_sent():
    rules = policy()
    window = Window()
    window.extend([event(0), unreadable(1), event(2), unreadable(3), unreadable(4)], 0.0, rules)
    assert [offsets(window.take(rules, 1000)) for _ in range(4)] == [[0], [1], [2], [3, 4]]
    assert window.urgent == 0


def test_an_event_that_cannot_be_read_keeps_nobody_waiting():
    rules = policy(throttle=60)
    window = filled(rules, 1)
    window.extend([event(1), unreadable(2)], 0.0, rules)
    assert window.due_at(rules, last_start=0.0) == NEVER


def test_partitions_are_merged_by_time_with_the_order_of_each_kept():
    rules = policy()
    window = Window()
    for tp, numbers in ((P1, [5, 6]), (P0, [1, 2, 9]), (P2, [4])):
        window.extend(events(numbers, tp), 0.0, rules)
    batch = window.take(rules, 1000)
    assert [(item.tp.partition, item.offset) for item in batch] == [(0, 1), (0, 2), (2, 4), (1, 5), (1, 6), (0, 9)]


def stamped(tp, stamps):
    return [event(i, tp, timestamp_ms=int((WALL + stamp) * 1000)) for i, stamp in enumerate(stamps)]


@pytest.mark.parametrize("clocks", [([1, 2, 3], [1, 2, 3]), ([5, 1, 9], [3, 2, 2]), ([7], [7, 7, 7])])
def test_sending_order_depends_on_the_events_alone_and_never_turns_a_partition_round(clocks):
    parts = [stamped(tp, stamps) for tp, stamps in zip((P0, P1), clocks, strict=True)]
    together = [item for part in parts for item in part]
    wanted = sending_order(list(together))
    for seed in range(20):
        shuffled = list(together)
        random.Random(seed).shuffle(shuffled)
        arrived = []
        queues = [list(part) for part in parts]
        for item in shuffled:  # any interleaving of the partitions
            arrived.append(queues[item.tp.partition].pop(0))
        assert sending_order(arrived) == wanted
    for tp in (P0, P1):
        assert offsets(item for item in wanted if item.tp == tp) == sorted(
            offsets(item for item in together if item.tp == tp)
        )


def test_dropping_the_newest_returns_them_in_arrival_order_and_leaves_the_sums_right():
    rules = policy(flushLevel="high")
    window = Window()
    window.extend([*events([0, 1, 2]), event(3, severity=5)], 0.0, rules)
    assert offsets(window.drop_newest(2, rules)) == [2, 3]
    assert (offsets(window.events), window.urgent, window.bytes) == ([0, 1], 0, 202)


def test_the_oldest_offset_of_each_partition_is_known():
    rules = policy()
    window = Window()
    window.extend(events([4, 5]), 0.0, rules)
    window.extend(events([2, 3], P1), 0.0, rules)
    assert window.first_offsets() == {P0: 4, P1: 2}
