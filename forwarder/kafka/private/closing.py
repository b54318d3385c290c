"""Closing an aiokafka consumer when the broker is away: its fetcher then ends in a cancellation that nobody asked for.

Never hides a cancellation of the caller's own.
"""

from __future__ import annotations

import asyncio
from typing import Any


async def stop_consumer(consumer: Any) -> None:
    """Leave the group, if any, and close all connections."""
    try:
        await consumer.stop()
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        await consumer._client.close()
