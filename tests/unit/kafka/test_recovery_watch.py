"""A lost end-of-recovery signal is given again; one that is merely awaited is left alone."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

from mode.utils.locks import Event

from forwarder.kafka.private.recovery import RecoveryWatch


def recovery(*, running: bool) -> SimpleNamespace:
    return SimpleNamespace(signal_recovery_end=Event(), in_recovery=running)


async def test_a_signal_that_was_cleared_too_early_is_given_again_at_the_second_look() -> None:
    found = recovery(running=False)
    watch = RecoveryWatch(SimpleNamespace(tables=SimpleNamespace(recovery=found)))
    waiting = asyncio.ensure_future(found.signal_recovery_end.wait())
    await asyncio.sleep(0)
    assert watch.look() is False
    assert watch.look() is True
    await waiting
    assert not found.signal_recovery_end.is_set(), "the next recovery must wait for its own signal"


async def test_a_recovery_that_still_runs_and_one_that_nobody_waits_for_are_left_alone() -> None:
    found = recovery(running=True)
    watch = RecoveryWatch(SimpleNamespace(tables=SimpleNamespace(recovery=found)))
    waiting = asyncio.ensure_future(found.signal_recovery_end.wait())
    await asyncio.sleep(0)
    assert [watch.look() for _ in range(3)] == [False] * 3
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    found.in_recovery = False
    assert [watch.look() for _ in range(3)] == [False] * 3
