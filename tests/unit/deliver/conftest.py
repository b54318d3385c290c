"""No event loop exists before the first asynchronous test: asking asyncio for one would make one that nobody closes."""

from __future__ import annotations

import asyncio

asyncio.set_event_loop(None)
