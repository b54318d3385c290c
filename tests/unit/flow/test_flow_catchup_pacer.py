"""Catch-up leaves half of the loop's time to those who want it, and takes all of it when nobody does."""

from __future__ import annotations

import asyncio

from forwarder.clock import ManualClock
from forwarder.flow.catchup_pacer import Pacer


class Loop(ManualClock):
    """Others take `busy` seconds at each pause; `rests` are those that were asked for beyond a mere look at the loop."""

    def __init__(self, busy: float = 0.0) -> None:
        super().__init__()
        self.busy = busy
        self.rests: list[float] = []

    async def sleep(self, seconds: float) -> None:
        if seconds:
            self.rests.append(round(seconds, 6))
        await super().sleep(seconds or self.busy)


async def test_others_that_have_work_get_as_much_time_as_catch_up_had():
    clock = Loop(busy=0.01)
    async with Pacer(clock):
        clock.advance(0.05)
    assert clock.rests == [0.04]


async def test_others_that_took_their_share_at_once_get_no_more():
    clock = Loop(busy=0.06)
    async with Pacer(clock):
        clock.advance(0.05)
    assert clock.rests == []


async def test_an_idle_loop_is_all_for_catch_up():
    clock = Loop()
    async with Pacer(clock):
        clock.advance(0.05)
    assert clock.rests == []


async def test_only_the_time_since_the_last_pause_counts():
    clock = Loop(busy=0.001)
    async with Pacer(clock) as pacer:
        clock.advance(0.03)
        await pacer.pause()
        clock.advance(0.01)
    assert clock.rests == [0.029, 0.009]


async def test_partitions_take_turns():
    pacer, order = Pacer(Loop()), []

    async def work(name: str) -> None:
        async with pacer:
            order.append(f"{name} begins")
            await pacer.pause()
            order.append(f"{name} ends")

    await asyncio.gather(work("first"), work("second"))
    assert order == ["first begins", "first ends", "second begins", "second ends"]


async def test_a_turn_that_fails_is_over():
    pacer = Pacer(Loop())
    for _ in range(2):
        try:
            async with pacer:
                raise ValueError
        except ValueError:
            continue
