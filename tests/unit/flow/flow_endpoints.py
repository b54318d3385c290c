"""Endpoints as a flow's fake client plays them: each is a coroutine function from a request to an Exchange. Judges nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from forwarder.deliver.request import Exchange
from forwarder.model.attempt import Response

Endpoint = Callable[[Any], Awaitable[Exchange]]

WELL, BUSY = Exchange(Response(200)), Exchange(Response(503))


def answering(*exchanges: Exchange) -> Endpoint:
    """An endpoint with a script; its last answer goes on for ever."""
    left = list(exchanges)

    async def answer(_request: Any) -> Exchange:
        return left.pop(0) if len(left) > 1 else left[0]

    return answer


def slow(seconds: float, *only: str) -> Endpoint:
    """It takes the request after so long; where names are given, it takes all others at once."""

    async def answer(request: Any) -> Exchange:
        if not only or any(name in request.url for name in only):
            await asyncio.sleep(seconds)
        return WELL

    return answer
