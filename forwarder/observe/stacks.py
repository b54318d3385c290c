"""Where code stands: the stack of a task down to what it waits for, and of a thread. Texts for people; holds no values.

A line is `file:line function: source`. Only source text is shown, never what a variable holds.
"""

from __future__ import annotations

import asyncio
import linecache
import sys
from collections.abc import Iterable, Iterator
from pathlib import PurePath
from types import CodeType, FrameType
from typing import Any

MOST_FRAMES = 40
"""Innermost frames shown: enough to see who waits for what, few enough for a log line."""

_MOST_AWAITS = 200
_SHOWN_FOLDERS = 3
_MOST_NAME = 60


def task_stack(task: asyncio.Task[Any]) -> tuple[str, ...]:
    """Outermost first: each coroutine that the task's coroutine awaits, and last what the innermost one waits for.

    asyncio's own `get_stack` ends at the outermost coroutine of a suspended task.
    """
    name = f"task {task.get_name()[:_MOST_NAME]}"
    return (f"{name} has ended",) if task.done() else (name, *_last([*_awaits(task.get_coro())]))


def task_stacks(tasks: Iterable[asyncio.Task[Any]], missing: str) -> tuple[str, ...]:
    """Those of several tasks, one after the other; `missing` when there is none."""
    return tuple(line for task in tasks for line in task_stack(task)) or (missing,)


def thread_stack(ident: int) -> tuple[str, ...]:
    """What a thread executes just now, outermost first; empty when there is no such thread. Any thread may ask."""
    frame: FrameType | None = sys._current_frames().get(ident)
    lines: list[str] = []
    while frame is not None and len(lines) < MOST_FRAMES:
        lines.append(_line(frame.f_code, frame.f_lineno))
        frame = frame.f_back
    return tuple(reversed(lines))


def _awaits(waiting: Any) -> Iterator[str]:
    for _ in range(_MOST_AWAITS):
        frame, inner = _inside(waiting)
        if frame is None:
            break
        yield _line(frame.f_code, frame.f_lineno)
        waiting = inner
    if waiting is not None:
        yield f"waits for {type(waiting).__name__}"


def _inside(waiting: Any) -> tuple[FrameType | None, Any]:
    """The frame of a coroutine, generator or asynchronous generator, and what that one awaits."""
    for frame, inner in (("cr_frame", "cr_await"), ("gi_frame", "gi_yieldfrom"), ("ag_frame", "ag_await")):
        if hasattr(waiting, frame):
            return getattr(waiting, frame), getattr(waiting, inner)
    return None, waiting


def _last(lines: list[str]) -> list[str]:
    return lines if len(lines) <= MOST_FRAMES else [f"({len(lines) - MOST_FRAMES} more)", *lines[-MOST_FRAMES:]]


def _line(code: CodeType, number: int) -> str:
    """The end of the path is enough to find the file, and says nothing about the machine."""
    file = "/".join(PurePath(code.co_filename).parts[-_SHOWN_FOLDERS:])
    return f"{file}:{number} {code.co_qualname}: {linecache.getline(code.co_filename, number).strip()}"
