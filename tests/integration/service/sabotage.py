"""`forwarder run` with one deliberate defect, for the tests of what must notice it: SABOTAGE says which."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partialmethod
from pathlib import Path
from typing import Any

from forwarder import app
from forwarder.cli.main import main
from forwarder.deliver.client import Client
from forwarder.flow.drain import Drain
from forwarder.flow.guards import Guards
from forwarder.flow.intake import Intake
from forwarder.model.event import TP
from tests.support.forwarder import ForwarderProcess

BLOCK_SECONDS = 0.6


def hang_in_attempts_to_stuck() -> None:
    """An attempt to a path that ends in /stuck never ends, whatever its time limit; topics named deaf-... are not routed."""
    real, take, look = Client.post, Intake.take, Guards._look_at_tail

    def deaf(self: Any, tp: TP, *rest: Any, heard: Any) -> None:
        if not tp.topic.startswith("deaf-"):
            heard(self, tp, *rest)

    async def post(self: Client, request: Any, *, fresh: bool = False) -> Any:
        if request.url.endswith("/stuck"):
            await hang_for_ever()
        return await real(self, request, fresh=fresh)

    Client.post = post  # type: ignore[method-assign]
    Intake.take = partialmethod(deaf, heard=take)  # type: ignore[assignment, method-assign]
    Guards._look_at_tail = partialmethod(deaf, heard=look)  # type: ignore[assignment, method-assign]


async def hang_for_ever() -> None:
    await asyncio.Event().wait()


def block_the_loop_once_and_for_ever_in_the_drain() -> None:
    """The first attempt blocks the event loop for a while; a drain blocks it for good."""
    real, blocked = Client.post, threading.Event()

    async def post(self: Client, request: Any, *, fresh: bool = False) -> Any:
        if not blocked.is_set():
            blocked.set()
            block_the_loop(BLOCK_SECONDS)
        return await real(self, request, fresh=fresh)

    async def run(*_: Any) -> None:
        block_the_loop(3600.0)

    Client.post = post  # type: ignore[method-assign]
    Drain.run = run  # type: ignore[method-assign]
    app.STOP_MARGIN_SECONDS = 1.0


def block_the_loop(seconds: float) -> None:
    time.sleep(seconds)


def dawdle_before_joining() -> None:
    """Between the checks of Kafka and joining the group lies time enough to take the broker away: until the file PASS exists."""
    real, passage = app.wait_ready, Path(os.environ["PASS"])

    async def wait_ready(*given: Any) -> Any:
        found = await real(*given)
        logging.getLogger(__name__).warning("kafka was checked")
        while not passage.exists():
            await asyncio.sleep(0.02)
        return found

    app.wait_ready = wait_ready


KINDS = {
    "attempts": hang_in_attempts_to_stuck,
    "joining": dawdle_before_joining,
    "loop": block_the_loop_once_and_for_ever_in_the_drain,
}


@asynccontextmanager
async def sabotaged(config: Path, kind: str, ready: bool = True, **environ: str) -> AsyncIterator[ForwarderProcess]:
    """A worker with that defect, killed at the end."""
    worker = ForwarderProcess(config, environ={"SABOTAGE": kind, **environ})
    worker.process.command[1:3] = ["-m", __name__]
    await asyncio.to_thread(worker.start)
    try:
        if ready:
            await asyncio.to_thread(worker.wait_ready)
        yield worker
    finally:
        worker.kill()


if __name__ == "__main__":
    KINDS[os.environ["SABOTAGE"]]()
    sys.argv[0] = "forwarder"
    main()
