"""Paths into a JSON answer: `data.access_token`, `tokens[0]`, `data["access.token"]`. Pure; finds, and never raises for an answer."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

Step = str | int

_STEP = re.compile(r"""\.?(?P<name>[^.\[\]"\s]+)|\[(?P<index>\d{1,6})\]|\[(?P<quoted>"(?:[^"\\]|\\.)*")\]""")


@lru_cache(maxsize=256)
def parse(text: str) -> tuple[Step, ...]:
    """The steps. Raises ValueError for what is no path; the empty text is the whole answer."""
    steps: list[Step] = []
    at = 0
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None or (match["name"] and (text[at] == ".") != bool(at)):
            raise ValueError('a path is expected, such as data.access_token, tokens[0] or data["access.token"]')
        if match["index"]:
            steps.append(int(match["index"]))
        else:
            steps.append(match["name"] or json.loads(match["quoted"]))
        at = match.end()
    return tuple(steps)


def find(document: Any, steps: tuple[Step, ...]) -> Any:
    """What stands there; None where nothing does."""
    for step in steps:
        if isinstance(step, str) and isinstance(document, dict):
            document = document.get(step)
        elif isinstance(step, int) and isinstance(document, list) and step < len(document):
            document = document[step]
        else:
            return None
    return document
