"""Giving an aiokafka producer up: it would wait for ever for what a broker refuses for ever, and keep it in memory.

Nothing that it had not acknowledged is written afterwards, but for what is on the wire.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from aiokafka.errors import KafkaError

PATIENCE_SECONDS = 5.0


class GivenUp(KafkaError):  # type: ignore[misc]
    """The producer was replaced while the record waited in it."""

    message = "given up together with another record; it is written again"


async def give_up(producer: Any) -> None:
    """Fail what waits, then close. Never raises for what goes wrong on the way; takes PATIENCE_SECONDS at most."""
    producer._closed = True  # or its destructor would warn
    producer._message_accumulator.fail_all(GivenUp())
    with suppress(Exception, asyncio.CancelledError):
        async with asyncio.timeout(PATIENCE_SECONDS):
            await producer.client.close()
            await producer._sender.close()
