"""Patches that make rare things happen often, in the control run as well: what a guard is for must occur, or nobody can tell that
the guard is missing."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.chaos.mutants.registry import put

HELD, LANDED = "provoked: a checkpoint is held up", "provoked: the held checkpoint is written"
WAITING, DOOR = "provoked: waits at the door", "open"
SKIP_EVERY = 5
HELD_SECONDS = 1.5


def skips() -> None:
    """Every fifth chunk of the shared read is lost between Kafka and the router, as Faust does at rebalances."""
    from forwarder.kafka.group import Group

    admits, count = Group.admits, 0

    def admit_most(self: Any, chunk: Any) -> bool:
        nonlocal count
        good = admits(self, chunk)
        count += good
        return good and count % SKIP_EVERY != 0

    put(Group, "admits", admit_most)


def late_writes() -> None:
    """A checkpoint stays on its way for a while after the fence has let it pass. Says so on stderr."""
    from forwarder.kafka.group import Group

    write = Group.write_checkpoint

    async def write_late(self: Any, tp: Any, record: bytes) -> Any:
        print(HELD, file=sys.stderr, flush=True)
        await asyncio.sleep(HELD_SECONDS)
        answer = await write(self, tp, record)
        print(LANDED, file=sys.stderr, flush=True)
        return answer

    put(Group, "write_checkpoint", write_late)


def at_the_door() -> None:
    """The worker has loaded its program, and goes on when the file `open` lies beside its configuration. Says so on stderr."""
    import forwarder.app

    assert forwarder.app
    print(WAITING, file=sys.stderr, flush=True)
    door = Path(sys.argv[-1]).parent / DOOR
    while not door.exists():
        time.sleep(0.05)


PROVOCATIONS: dict[str, Callable[[], None]] = {"skips": skips, "late-writes": late_writes, "at-the-door": at_the_door}
