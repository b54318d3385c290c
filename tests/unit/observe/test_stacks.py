"""A stack goes down to what is waited for, names no folder of the machine, holds no value, and stays short."""

from __future__ import annotations

import asyncio
import threading

from forwarder.observe.stacks import MOST_FRAMES, task_stack, task_stacks, thread_stack


async def innermost(never: asyncio.Event) -> None:
    secret = "correct-horse-battery"
    await never.wait()
    assert secret


async def middle(never: asyncio.Event) -> None:
    await innermost(never)


async def deep(levels: int, never: asyncio.Event) -> None:
    await (deep(levels - 1, never) if levels else never.wait())


async def stack_of(waiting) -> tuple[str, ...]:
    task = asyncio.create_task(waiting, name="lane siem")
    await asyncio.sleep(0)
    try:
        return task_stack(task)
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_every_coroutine_that_waits_is_shown_down_to_what_it_waits_for() -> None:
    lines = await stack_of(middle(asyncio.Event()))
    assert lines[0] == "task lane siem"
    names = [line.partition(":")[2].split()[1].rstrip(":") for line in lines[1:-1]]
    assert names == ["middle", "innermost", "Event.wait"]
    assert lines[2].endswith("await never.wait()")
    assert lines[-1].startswith("waits for ")


async def test_source_is_shown_and_values_and_whole_paths_are_not() -> None:
    lines = await stack_of(middle(asyncio.Event()))
    assert not any("correct-horse" in line for line in lines)
    assert not any(line.startswith("/") for line in lines)
    assert lines[1].startswith("unit/observe/test_stacks.py:")


async def test_a_deep_stack_keeps_its_inner_end() -> None:
    lines = await stack_of(deep(3 * MOST_FRAMES, asyncio.Event()))
    assert len(lines) == MOST_FRAMES + 2
    assert "Event.wait" in lines[-2]
    assert lines[1].endswith("more)")


async def test_a_task_that_has_ended_or_does_not_exist_says_so() -> None:
    task = asyncio.create_task(asyncio.sleep(0), name="done")
    await task
    assert task_stack(task) == ("task done has ended",)
    assert task_stacks([], "nobody reads it") == ("nobody reads it",)


def test_another_thread_is_seen_where_it_waits() -> None:
    ready, over = threading.Event(), threading.Event()

    def wait_here() -> None:
        ready.set()
        over.wait()

    thread = threading.Thread(target=wait_here)
    thread.start()
    ready.wait()
    lines = thread_stack(thread.ident or 0)
    over.set()
    thread.join()
    assert any("wait_here" in line for line in lines)
    assert thread_stack(-1) == ()
