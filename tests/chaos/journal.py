"""What a run leaves on disk, as JSON Lines: one line per fact, flushed before anybody relies on it. Judges nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Line = dict[str, Any]


class Journal:
    """One file, appended to. `write` returns once the operating system has the line: a kill of this process loses none."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab")

    def write(self, line: Line, *, flush: bool = True) -> None:
        self._file.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
        if flush:
            self._file.flush()

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()


class Tail:
    """Reads a journal while others write it: each call of `new` gives the complete lines that came since the last one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0

    def new(self) -> Iterator[Line]:
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._at)
            for text in file:
                if not text.endswith(b"\n"):
                    return
                self._at += len(text)
                yield json.loads(text)


def write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


def read_lines(path: Path) -> Iterator[Line]:
    yield from Tail(path).new()
