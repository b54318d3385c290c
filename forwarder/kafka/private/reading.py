"""Where the shared read stands: the stacks of the consumer's thread and of Faust's tasks. Looks; touches nothing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

from forwarder.observe.stacks import task_stack, thread_stack

_READING = ("faust/agents/", "faust/transport/consumer", "faust/tables/recovery", "kafka/membership", "kafka/private/")
"""Files whose coroutines carry a record from the broker to the pipeline, or the partitions to it."""

_THREAD_FRAMES, _TASK_FRAMES = 12, 4
"""Innermost frames of each: a log line has room for about fifty."""


def reading_stacks() -> tuple[str, ...]:
    """The consumer's thread, then every task of Faust that has to do with reading. Call it on the event loop."""
    return (*_threads(), *_tasks()) or ("nothing of the shared read exists",)


def _threads() -> Iterator[str]:
    for thread in threading.enumerate():
        if type(thread).__module__.startswith("mode.") and thread.ident is not None:
            yield f"thread {thread.name}, Faust's consumer"
            yield from thread_stack(thread.ident)[-_THREAD_FRAMES:]


def _tasks() -> Iterator[str]:
    for task in asyncio.all_tasks():
        name, *frames = task_stack(task)
        if any(place in line for line in frames for place in _READING):
            yield name
            yield from frames[-_TASK_FRAMES:]
