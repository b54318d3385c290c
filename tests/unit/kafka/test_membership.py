"""The order of hooks: one at a time, bounded, cancelled where a rebalance overtakes them, and a drain that holds a revoke."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from forwarder.kafka.membership import Membership
from forwarder.model.event import TP

A, B = TP("ev", 0), TP("ev", 1)
BOTH = frozenset({A, B})


class FakeGroup:
    def __init__(self) -> None:
        self.owned: frozenset[TP] = frozenset()
        self.opened = 0

    def assignment(self) -> frozenset[TP]:
        return self.owned

    def install(self, owned: frozenset[TP]) -> None:
        self.owned = owned

    def uninstall(self, revoked: frozenset[TP]) -> None:
        self.owned -= revoked

    def open(self) -> None:
        self.opened += 1


class FakeHandler:
    """Notes the begin and the end of each hook; `during[hook]` runs in between."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.during: dict[str, Callable[[], Awaitable[object]]] = {}

    async def _hook(self, name: str) -> None:
        self.log.append(f"{name} begins")
        try:
            if name in self.during:
                await self.during[name]()
        except asyncio.CancelledError:
            self.log.append(f"{name} cancelled")
            raise
        self.log.append(f"{name} ends")

    def on_chunk(self, tp: TP, chunk: object) -> None:
        raise AssertionError("not here")

    async def on_assigned(self, owned: frozenset[TP], generation: int) -> None:
        await self._hook("assigned")

    async def on_revoked(self, revoked: frozenset[TP]) -> None:
        await self._hook(f"revoked {len(revoked)}")

    async def on_stopping(self) -> None:
        await self._hook("stopping")


def build(limit: float = 5.0) -> tuple[Membership, FakeHandler, FakeGroup]:
    group, handler = FakeGroup(), FakeHandler()
    return Membership(group, handler, revoke_limit=limit, drain_limit=limit), handler, group  # type: ignore[arg-type]


async def turns(count: int = 10) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_partitions_are_handed_over_and_taken_back() -> None:
    membership, handler, group = build()
    await membership.assigned(BOTH, 1)
    assert (group.owned, group.opened) == (BOTH, 1)
    await membership.revoked(BOTH)
    assert group.owned == frozenset()
    assert handler.log == ["assigned begins", "assigned ends", "revoked 2 begins", "revoked 2 ends"]


async def test_a_revoke_of_what_was_never_ours_drains_nothing() -> None:
    membership, handler, _ = build()
    await membership.revoked(BOTH)
    assert handler.log == []


async def test_a_revoke_cancels_a_hook_that_still_loads_and_nothing_is_opened() -> None:
    membership, handler, group = build()
    handler.during["assigned"] = asyncio.Event().wait
    assigning = asyncio.ensure_future(membership.assigned(BOTH, 1))
    await turns()
    await membership.revoked(BOTH)
    assert handler.log == ["assigned begins", "assigned cancelled", "revoked 2 begins", "revoked 2 ends"]
    assert group.opened == 0
    await turns()
    assert not assigning.done(), "Faust would go on to resume the flow"
    assigning.cancel()
    await asyncio.wait({assigning})


async def test_cancelling_the_hand_over_cancels_the_hook() -> None:
    membership, handler, _ = build()
    handler.during["assigned"] = asyncio.Event().wait
    assigning = asyncio.ensure_future(membership.assigned(BOTH, 1))
    await turns()
    assigning.cancel()
    await asyncio.wait({assigning})
    assert handler.log == ["assigned begins", "assigned cancelled"]
    await membership.revoked(BOTH)
    assert handler.log[2:] == ["revoked 2 begins", "revoked 2 ends"]


async def test_an_exception_of_a_hook_reaches_the_worker() -> None:
    membership, handler, _ = build()

    async def fail() -> None:
        raise RuntimeError("no checkpoint")

    handler.during = {"assigned": fail, "revoked 2": fail, "stopping": fail}
    with pytest.raises(RuntimeError, match="no checkpoint"):
        await membership.assigned(BOTH, 1)
    with pytest.raises(RuntimeError, match="no checkpoint"):
        await membership.revoked(BOTH)
    with pytest.raises(RuntimeError, match="no checkpoint"):
        await membership.stopping(crashed=False)
    await membership.hold()


async def test_a_drain_that_takes_too_long_is_cut_off_and_the_partitions_go() -> None:
    membership, handler, group = build(limit=0.01)
    await membership.assigned(BOTH, 1)
    handler.during["revoked 2"] = asyncio.Event().wait
    await membership.revoked(BOTH)
    assert handler.log[-1] == "revoked 2 cancelled"
    assert group.owned == frozenset()


async def test_a_revoke_during_the_drain_at_shutdown_waits_for_its_end() -> None:
    membership, handler, _ = build()
    drained = asyncio.Event()
    handler.during["stopping"] = drained.wait
    await membership.assigned(BOTH, 1)
    held = asyncio.ensure_future(membership.hold())
    stopping = asyncio.ensure_future(membership.stopping(crashed=False))
    await turns()
    assert not held.done()
    drained.set()
    await asyncio.wait({held, stopping})
    assert handler.log[-1] == "stopping ends"


async def test_the_hold_ends_even_if_the_drain_does_not() -> None:
    membership, _, _ = build(limit=0.01)
    await membership.hold()


async def test_a_stop_waits_for_the_drain_of_a_revoke() -> None:
    membership, handler, _ = build()
    drained = asyncio.Event()
    await membership.assigned(BOTH, 1)
    handler.during["revoked 2"] = drained.wait
    revoking = asyncio.ensure_future(membership.revoked(BOTH))
    await turns()
    stopping = asyncio.ensure_future(membership.stopping(crashed=False))
    await turns()
    assert "stopping begins" not in handler.log
    drained.set()
    await asyncio.wait({revoking, stopping})
    assert handler.log[-2:] == ["stopping begins", "stopping ends"]


async def test_after_a_crash_nothing_is_drained_and_nobody_is_held() -> None:
    membership, handler, _ = build()
    await membership.assigned(BOTH, 1)
    await membership.stopping(crashed=True)
    await membership.hold()
    assert "stopping begins" not in handler.log
