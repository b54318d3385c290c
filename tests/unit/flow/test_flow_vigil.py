"""A process that slept asks the group before it delivers again, whatever fires first when it wakes."""

from __future__ import annotations

import asyncio

import pytest

from forwarder.flow.vigil import ASK_AGAIN_SECONDS, Vigil
from forwarder.kafka.group import Fence
from tests.unit.flow.flow_rig import hook

pytestmark = pytest.mark.looptime

LIMIT = 2.0


class Watched:
    """A vigil whose sleeps are made by moving its clock ahead of the loop's: as when the process is stopped within a turn."""

    def __init__(self, flow, *answers):
        self.answers = list(answers)
        self.slept = 0.0
        self.asked = 0
        self.confirmed = 0
        self.vigil = Vigil(
            LIMIT, self.prove, self.now, self.confirm, flow.crashes.append, flow.observer, flow.clock
        )  # fmt: skip
        self.ticking = asyncio.ensure_future(self.vigil.run())

    def now(self):
        return asyncio.get_running_loop().time() + self.slept

    async def prove(self):
        self.asked += 1
        await asyncio.sleep(0)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def confirm(self):
        self.confirmed += 1

    async def end(self):
        self.ticking.cancel()
        await asyncio.wait({self.ticking})


async def test_a_process_that_runs_is_never_in_doubt(make_flow):
    watched = Watched(make_flow(), Fence.OK)
    for _ in range(20):
        await asyncio.sleep(1)
        assert not watched.vigil.doubtful()
    assert watched.asked == 0
    await watched.end()


async def test_after_a_sleep_there_is_doubt_at_once_until_the_group_confirms(make_flow):
    watched = Watched(make_flow(), Fence.UNKNOWN, Fence.OK)
    await asyncio.sleep(1)
    watched.slept += LIMIT + 0.1
    assert watched.vigil.doubtful(), "before any tick"
    await asyncio.sleep(ASK_AGAIN_SECONDS / 2)
    assert watched.vigil.doubtful()
    await asyncio.sleep(ASK_AGAIN_SECONDS)
    assert not watched.vigil.doubtful()
    assert (watched.asked, watched.confirmed) == (2, 1)
    await watched.end()


async def test_the_tick_that_comes_late_does_not_wipe_the_evidence(make_flow):
    watched = Watched(make_flow(), Fence.REFUSED)
    await asyncio.sleep(1)
    watched.slept += LIMIT + 0.1
    await asyncio.sleep(3)  # ticks, and nobody asked meanwhile
    assert watched.asked == 1
    assert watched.vigil.doubtful()
    await watched.end()


async def test_refused_it_waits_for_the_next_assignment_however_long(make_flow):
    watched = Watched(make_flow(), Fence.REFUSED)
    await asyncio.sleep(1)
    watched.slept += 100
    assert watched.vigil.doubtful()
    await asyncio.sleep(1000)
    assert watched.vigil.doubtful()
    assert (watched.asked, watched.confirmed) == (1, 0)
    watched.vigil.assigned(proven=True)
    assert not watched.vigil.doubtful()
    await watched.end()


async def test_a_sleep_while_the_group_is_asked_makes_the_answer_void(make_flow):
    watched = Watched(make_flow(), Fence.OK)
    await asyncio.sleep(1)
    watched.slept += LIMIT + 0.1
    assert watched.vigil.doubtful()
    await asyncio.sleep(0)
    assert watched.asked == 1
    watched.slept += LIMIT + 0.1
    await asyncio.sleep(ASK_AGAIN_SECONDS / 2)
    assert watched.vigil.doubtful()
    await asyncio.sleep(ASK_AGAIN_SECONDS)
    assert not watched.vigil.doubtful()
    assert watched.asked == 2
    await watched.end()


async def test_an_error_that_nobody_expected_ends_the_worker(make_flow):
    flow = make_flow()
    watched = Watched(flow, RuntimeError("bad"))
    await asyncio.sleep(1)
    watched.slept += 10
    watched.vigil.doubtful()
    await asyncio.sleep(1)
    assert [str(crash) for crash in flow.crashes] == ["bad"]
    flow.crashes.clear()
    await watched.end()


async def test_a_lane_whose_timer_fires_first_after_the_sleep_starts_no_attempt(make_flow):
    flow = make_flow(hook(throttle=1))
    watched = Watched(flow, Fence.UNKNOWN)
    flow.dispatcher.doubtful = watched.vigil.doubtful
    await flow.assign()
    flow.fill_and_take(1)
    await asyncio.sleep(0.2)
    flow.fill_and_take(5)
    watched.slept += LIMIT + 0.1
    await asyncio.sleep(20)
    assert flow.client.ids() == ["e0"]
    watched.answers = [Fence.OK]
    await asyncio.sleep(1)
    flow.dispatcher.wake(flow.lane(), flow.clock.monotonic())
    await asyncio.sleep(1)
    assert flow.client.ids() == [f"e{n}" for n in range(6)]
    await watched.end()
