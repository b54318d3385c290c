"""Laws of the window alone: nothing lost or turned round, limits kept, due times that keep throttle and maxWait, no stranded tail."""

from __future__ import annotations

import itertools
import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from forwarder.lane.window import Window, sending_order
from forwarder.model.event import TP, Event
from tests.unit.lane.lane_rig import WALL, event, policy, unreadable

TPS = [TP("logs", 0), TP("logs", 1), TP("other", 0)]
RULES = st.fixed_dictionaries(
    {"throttle": st.sampled_from([0, 1, 5]), "maxEvents": st.integers(1, 6), "maxBytes": st.integers(1, 700)},
    optional={
        "maxWait": st.sampled_from([0, 2, 10]),
        "idleGap": st.sampled_from([0.5, 3]),
        "flushLevel": st.integers(1, 6),
        "strictThrottle": st.booleans(),
    },
)
ARRIVAL = st.tuples(
    st.sampled_from(TPS), st.integers(1, 5), st.sampled_from([0.0, 0.3, 4.0]), st.integers(0, 6), st.integers(0, 300),
    st.booleans(), st.integers(-3, 3),
)  # fmt: skip


def made(tp: TP, first: int, count: int, severity: int, size: int, bad: bool, shift: int) -> list[Event]:
    """Consecutive events of one partition; their clocks may be a little wrong."""
    if bad:
        return [unreadable(first + n, tp) for n in range(count)]
    stamp = int((WALL + first + shift) * 1000)
    value = b"x" * size
    return [event(first + n, tp, severity=severity, value=value, timestamp_ms=stamp, when=stamp * 1_000_000)
            for n in range(count)]  # fmt: skip


@given(RULES, st.lists(ARRIVAL, min_size=1, max_size=25))
def test_a_window_served_when_due_keeps_every_rule(rules: dict[str, Any], arrivals: list[Any]) -> None:
    limits = policy(**rules)
    window, now, last_start = Window(), 0.0, -math.inf
    nexts = dict.fromkeys(TPS, 0)
    arrived: dict[tuple[TP, int], float] = {}
    sent: dict[TP, list[int]] = {tp: [] for tp in TPS}
    starts: list[tuple[float, bool]] = []
    leftover = False

    def serve(until: float) -> None:
        nonlocal now, last_start, leftover
        while (due := window.due_at(limits, last_start)) <= until:
            now = max(now, due)
            waived = window.is_full(limits) or window.urgent > 0
            batch = window.take(limits, 100)
            assert batch, "due means that there is something"
            starts.append((now, waived))
            last_start = now
            size = sum(len(item.value or b"") + 1 for item in batch) + 1
            assert len(batch) <= limits.max_events
            assert len({item.problem for item in batch}) == 1
            assert size <= limits.max_bytes or len(batch) == 1 or batch[0].problem is not None
            for item in batch:
                sent[item.tp].append(item.offset)
                # What one batch had no place for waits for the next one; anything else goes in time.
                waited = now - arrived[item.tp, item.offset]
                assert leftover or waited <= max(limits.throttle, limits.max_wait) + 1e-6
            leftover = len(window) > 0
        now = max(now, until)

    for tp, count, pause, severity, size, bad, shift in arrivals:
        serve(now + pause)
        some = made(tp, nexts[tp], count, severity, size, bad, shift)
        nexts[tp] += count
        arrived.update({(tp, item.offset): now for item in some})
        window.extend(some, now, limits)
        assert window.due_at(limits, last_start) < math.inf
    serve(now + 10_000)
    assert len(window) == window.bytes == window.urgent == window.cuts == 0
    assert {tp: list(range(count)) for tp, count in nexts.items()} == sent, "all of it, each partition in its order"
    for (before, _), (after, waived) in itertools.pairwise(starts):
        assert after - before >= limits.throttle - 1e-6 or (waived and not limits.strict)


@given(st.lists(st.tuples(st.sampled_from(TPS), st.integers(0, 20)), min_size=1, max_size=30), st.randoms())
def test_sending_order_is_a_function_of_the_set(stamps: list[tuple[TP, int]], dice: Any) -> None:
    nexts = dict.fromkeys(TPS, 0)
    events = []
    for tp, stamp in stamps:
        events.append(event(nexts[tp], tp, timestamp_ms=stamp))
        nexts[tp] += 1
    wanted = sending_order(list(events))
    queues = {tp: [item for item in events if item.tp == tp] for tp in TPS}
    mixed = [tp for tp, _ in stamps]
    dice.shuffle(mixed)
    assert sending_order([queues[tp].pop(0) for tp in mixed]) == wanted
    for tp in TPS:
        mine = [item.offset for item in wanted if item.tp == tp]
        assert mine == sorted(mine)


@given(st.lists(st.tuples(st.sampled_from(TPS), st.integers(0, 20)), min_size=2, max_size=30), st.data())
def test_any_cut_of_a_batch_is_in_the_order_that_its_set_has(stamps: list[tuple[TP, int]], data: st.DataObject) -> None:
    nexts = dict.fromkeys(TPS, 0)
    events = []
    for tp, stamp in stamps:
        events.append(event(nexts[tp], tp, timestamp_ms=stamp))
        nexts[tp] += 1
    batch = sending_order(events)
    at = data.draw(st.integers(1, len(batch) - 1))
    for part in (batch[:at], batch[at:]):
        assert sending_order(sorted(part, key=lambda item: (item.tp, item.offset))) == part
