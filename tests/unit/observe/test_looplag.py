"""A late wake is measured, shown at the next scrape and, when it is very late, said."""

from __future__ import annotations

import asyncio

from forwarder.clock import ManualClock
from forwarder.observe.looplag import INTERVAL_S, LoopLag
from forwarder.observe.observer import Observer
from tests.unit.observe.support import Kept, sample


def lags(observer: Observer) -> tuple[float | None, float | None]:
    observer.metrics.refresh()
    worst = sample(observer.metrics, "forwarder_event_loop_lag_max_seconds")
    return sample(observer.metrics, "forwarder_event_loop_lag_seconds"), worst


async def test_the_worst_lag_is_kept_until_it_was_shown(observer: Observer, clock: ManualClock) -> None:
    probe = LoopLag(observer, clock)
    probe.start()
    for late in (0.0625, 0.03125, 0.0):
        clock.advance(INTERVAL_S + late)
        probe.woke()
    assert lags(observer) == (0.0, 0.0625)
    clock.advance(INTERVAL_S + 0.03125)
    probe.woke()
    assert lags(observer) == (0.03125, 0.03125)
    probe.stop()


async def test_a_stall_is_counted_and_said_once_per_interval(
    observer: Observer, clock: ManualClock, kept: Kept
) -> None:
    probe = LoopLag(observer, clock)
    probe.start()
    for late in (0.125, 0.25, 0.0625):
        clock.advance(INTERVAL_S + late)
        probe.woke()
    probe.stop()
    assert sample(observer.metrics, "forwarder_event_loop_stalls_total") == 2
    assert [(text, facts["lag_s"]) for _, text, facts in kept.lines] == [("event loop stalled", 0.125)]


async def test_it_beats_at_each_wake_until_it_is_stopped(observer: Observer, clock: ManualClock) -> None:
    beats: list[str] = []
    probe = LoopLag(observer, clock, (lambda: beats.append("beat"), observer.flush))
    probe.start()
    for _ in range(3):
        clock.advance(INTERVAL_S)
        probe.woke()
    assert beats == ["beat"] * 3
    probe.stop()
    probe.stop()


async def test_the_running_loop_wakes_it(observer: Observer, clock: ManualClock) -> None:
    woken = asyncio.Event()
    probe = LoopLag(observer, clock, (woken.set,))
    probe.start()
    await asyncio.wait_for(woken.wait(), 30)
    probe.stop()
