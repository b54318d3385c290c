"""A late wake is measured, shown at the next scrape and, when it is very late, said with where the loop stood."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from forwarder.clock import ManualClock, SystemClock
from forwarder.observe.events import LoopBlocked
from forwarder.observe.looplag import INTERVAL_S, STALL_S, LoopLag, pause
from forwarder.observe.observer import Observer
from forwarder.observe.stacks import thread_stack
from tests.unit.observe.support import Kept, sample


def lags(observer: Observer) -> tuple[float | None, float | None]:
    observer.metrics.refresh()
    worst = sample(observer.metrics, "forwarder_event_loop_lag_max_seconds")
    return sample(observer.metrics, "forwarder_event_loop_lag_seconds"), worst


async def test_the_worst_lag_is_kept_until_it_was_shown(observer: Observer, clock: ManualClock) -> None:
    probe = LoopLag(observer, clock, elapsed=clock.monotonic)
    probe.start()
    for late in (0.0625, 0.03125, 0.0):
        clock.advance(INTERVAL_S + late)
        probe.woke()
    assert lags(observer) == (pytest.approx(0.0), pytest.approx(0.0625))
    clock.advance(INTERVAL_S + 0.03125)
    probe.woke()
    assert lags(observer) == (pytest.approx(0.03125), pytest.approx(0.03125))
    probe.stop()


async def test_a_stall_is_counted_and_said_once_per_interval(
    observer: Observer, clock: ManualClock, kept: Kept
) -> None:
    probe = LoopLag(observer, clock, elapsed=clock.monotonic)
    probe.start()
    for late in (0.125, 0.25, 0.0625):
        clock.advance(INTERVAL_S + late)
        probe.woke()
    probe.stop()
    assert sample(observer.metrics, "forwarder_event_loop_stalls_total") == 2
    assert [(text, facts["lag_s"]) for _, text, facts in kept.lines] == [("event loop stalled", 0.125)]


@pytest.mark.parametrize("after_a_wake", [0.0, 0.4, 0.9])
async def test_a_stall_of_a_tenth_of_a_second_is_counted_wherever_it_falls_between_two_wakes(
    observer: Observer, clock: ManualClock, after_a_wake: float
) -> None:
    probe = LoopLag(observer, clock, elapsed=clock.monotonic)
    probe.start()
    due = clock.monotonic() + INTERVAL_S
    clock.advance(after_a_wake * INTERVAL_S)
    clock.advance(STALL_S * 1.01)
    assert clock.monotonic() > due
    probe.woke()
    probe.stop()
    assert sample(observer.metrics, "forwarder_event_loop_stalls_total") == 1


async def test_it_beats_four_times_a_second_until_it_is_stopped(observer: Observer, clock: ManualClock) -> None:
    beats: list[str] = []
    probe = LoopLag(observer, clock, (lambda: beats.append("beat"), observer.flush), clock.monotonic)
    probe.start()
    for _ in range(round(3 / INTERVAL_S)):
        clock.advance(INTERVAL_S)
        probe.woke()
    assert 11 <= len(beats) <= 12
    probe.stop()
    probe.stop()


async def test_the_running_loop_wakes_it(observer: Observer) -> None:
    woken = asyncio.Event()
    probe = LoopLag(observer, SystemClock(), (woken.set,))
    probe.start()
    await asyncio.wait_for(woken.wait(), 30)
    probe.stop()


def spin_until(ready: threading.Event) -> None:
    while not ready.is_set():
        pass


async def test_a_stall_is_said_with_the_function_that_held_the_loop(
    observer: Observer, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = threading.Event()

    def tell_when_looked(ident: int) -> tuple[str, ...]:
        found = thread_stack(ident)
        looked.set()
        return found

    monkeypatch.setattr("forwarder.observe.looplag.thread_stack", tell_when_looked)
    probe = LoopLag(observer, SystemClock())
    probe.start()
    await asyncio.sleep(INTERVAL_S * 2)
    kept.lines.clear()
    looked.clear()
    spin_until(looked)
    while not kept.lines:
        await asyncio.sleep(INTERVAL_S)
    probe.stop()
    _, text, facts = kept.lines[0]
    assert text == "event loop stalled"
    assert any("spin_until" in line for line in facts["stack"]), facts


async def test_a_loop_that_stands_still_for_long_is_told_by_another_thread_while_it_does(
    observer: Observer, kept: Kept, clock: ManualClock
) -> None:
    """The loop never wakes here: what it says afterwards would come too late."""
    probe = LoopLag(observer, clock, elapsed=clock.monotonic)
    probe.start()
    clock.advance(6.0)
    while not kept.lines:
        time.sleep(0.01)
    probe.stop()
    _, text, facts = kept.lines[0]
    assert text == LoopBlocked.text
    assert facts["for_s"] == 6.0
    assert any("test_a_loop_that_stands_still" in line for line in facts["stack"])


def test_the_next_look_is_when_a_stall_would_begin_to_count() -> None:
    assert pause(0.0) == STALL_S
    assert pause(0.75 * STALL_S) == pytest.approx(0.25 * STALL_S)
    assert 0 < pause(10.0) < 1
