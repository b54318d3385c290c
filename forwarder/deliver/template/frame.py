"""What one rendering holds: the events, variables, what is written so far, and how much it may still take."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from forwarder.deliver.template.bounds import MAX_OUTPUT_BYTES, WORK, WORK_PER_EVENT
from forwarder.deliver.template.subject import Subject
from forwarder.deliver.template.values import MISSING


class Frame:
    """One per rendering. `room` counts bytes, `work` steps; either below 0 ends the rendering."""

    __slots__ = ("found", "out", "room", "slots", "subject", "subjects", "values", "work")

    def __init__(self, subjects: Sequence[Subject], slots: int, values: Mapping[str, str]) -> None:
        self.subjects = subjects
        self.values = values
        self.subject = subjects[0]
        self.found = subjects[0].found
        self.slots: list[Any] = [MISSING] * slots
        self.out: list[bytes] = []
        self.room = MAX_OUTPUT_BYTES
        self.work = WORK + WORK_PER_EVENT * len(subjects)


Step = Callable[[Frame], None]
"""A statement, ready to run."""
