"""Defects in what is remembered: checkpoints, hand-overs, dead letters. Each is a small patch of the running program."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.chaos.mutants.registry import defect, put


@defect("restart", "GROUP")
def forget_the_fence() -> None:
    """A checkpoint is written without asking the group first whether the partition is still ours."""
    from forwarder.kafka.group import Fence, Group

    async def trust(self: Any, *_: Any, **__: Any) -> Fence:
        return Fence.OK

    put(Group, "commit", trust)


@defect("late-write", "REPEATED")
def ignore_the_order_of_checkpoints() -> None:
    """The last record to arrive wins, also a zombie's; nobody looks at epoch and number, nor at what the group says of them."""
    from forwarder.flow import recall
    from forwarder.kafka.private.app import CheckpointTable

    put(recall, "_newer", lambda *_: False)
    put(CheckpointTable, "_older", lambda *_: False)


@defect("restart", "FROZEN")
def drop_the_frozen_batch() -> None:
    """The checkpoint does not say which batch was under way."""
    from forwarder.flow import marks

    put(marks, "_frozen", lambda *_: None)


@defect("kill", "LOST")
def move_the_cursor_past_the_window() -> None:
    """What waits in a lane's window is left out of the checkpoint's cursor."""
    from forwarder.lane.window import Window

    put(Window, "first_offsets", lambda *_: {})


@defect("restart", "REPEATED")
def forget_what_was_delivered_ahead() -> None:
    """The checkpoint holds the cursor alone, not what was delivered above it."""
    from forwarder.lane.lane import Lane
    from forwarder.lane.spans import Spans

    put(Lane, "ahead", lambda *_: Spans())


@defect("restart", "REPEATED")
def forget_the_checkpoint_at_a_stop() -> None:
    """A stop leaves behind the checkpoint that the timer wrote last."""
    from forwarder.flow.drain import Drain
    from forwarder.flow.keeper import Keeper

    run, save = Drain.run, Keeper.save
    draining = False

    async def drain(self: Any, *rest: Any, **options: Any) -> Any:
        nonlocal draining
        draining = True
        return await run(self, *rest, **options)

    async def save_unless_draining(self: Any, **options: Any) -> bool:
        return True if draining else await save(self, **options)

    put(Drain, "run", drain)
    put(Keeper, "save", save_unless_draining)


@defect("weather", "LOST")
def forget_the_ack_of_a_dead_letter() -> None:
    """An event counts as dead-lettered before Kafka has the letter."""
    from forwarder.flow.letters import Letters

    write = Letters.dead_letters
    pending: set[asyncio.Task[bool]] = set()

    async def go_on(self: Any, webhook: str, part: Any) -> bool:
        pending.add(asyncio.ensure_future(write(self, webhook, part)))
        return True

    put(Letters, "dead_letters", go_on)


@defect("weather", "LOST")
def forget_the_ledger() -> None:
    """Discarded events are counted, and written down nowhere."""
    from forwarder.flow.letters import Letters

    async def pretend(self: Any, webhook: str, part: Any) -> bool:
        return True

    put(Letters, "discards", pretend)


@defect("hand-over", "REPEATED")
def no_drain_at_a_revoke() -> None:
    """Partitions are given up while attempts on their events are under way."""
    from forwarder.flow.dispatch import Dispatcher

    async def go_on(self: Any, seconds: float) -> int:
        return 0

    put(Dispatcher, "drain", go_on)


@defect("stop-and-join", "REPEATED")
def do_not_hold_a_revoke_at_a_stop() -> None:
    """A rebalance during the drain of a stop moves the partitions before the last checkpoint."""
    from forwarder.kafka.worker import Worker

    async def go_on(self: Any) -> None:
        return None

    put(Worker, "_hold", go_on)
