"""`forwarder run` with one deliberate defect, for the tests of what must notice it: SABOTAGE says which."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from functools import partialmethod
from typing import Any

from forwarder import app
from forwarder.cli.main import main
from forwarder.deliver.client import Client
from forwarder.flow.drain import Drain
from forwarder.flow.guards import Guards
from forwarder.flow.intake import Intake
from forwarder.model.event import TP

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


KINDS = {"attempts": hang_in_attempts_to_stuck, "loop": block_the_loop_once_and_for_ever_in_the_drain}

if __name__ == "__main__":
    KINDS[os.environ["SABOTAGE"]]()
    sys.argv[0] = "forwarder"
    main()
