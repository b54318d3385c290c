"""Finds and reads the files of a configuration: bounded size, UTF-8, YAML or JSON. Knows nothing of what they mean."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from forwarder.settings.json_tree import parse_json
from forwarder.settings.problems import Problem, Unparsable
from forwarder.settings.tree import Mark, Node
from forwarder.settings.yaml_tree import parse_yaml

MAX_FILE_BYTES = 4 * 1024 * 1024
"""About 5,000 webhooks in one file; a larger one is a mistake or an attack, and would take many seconds to read."""
SUFFIXES = (".yaml", ".yml", ".json")


def documents(path: Path) -> list[Node]:
    """All documents of a file. Raises Unparsable when it cannot be read, is too large, or is neither YAML nor JSON."""
    text = _decode(path, _read(path))
    return [parse_json(text, str(path))] if path.suffix == ".json" else parse_yaml(text, str(path))


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
        problem = "" if len(content) <= MAX_FILE_BYTES else f"is larger than {MAX_FILE_BYTES // 1024**2} MiB; split it"
    except OSError as error:
        problem = f"cannot be read: {error.strerror or error}"
    if problem:
        raise Unparsable(Problem(Mark(str(path)), "", problem))
    return content


def _decode(path: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
    raise Unparsable(Problem(Mark(str(path), line, 1), "", "is not UTF-8 text"))


def webhook_files(folder: Path, config: Path) -> list[Path]:
    """The webhook files of a folder and its sub-folders, sorted. Symbolic links are followed; hidden names (a ConfigMap keeps
    its versions in `..data`), pipes, sockets and devices are not looked at. The configuration itself is never one of them.

    Raises Unparsable when the folder cannot be listed.
    """
    problem = "" if folder.is_dir() else "no such folder"
    if problem:
        raise Unparsable(Problem(Mark(str(folder)), "", problem))
    own = os.path.realpath(config)
    return sorted(path for path in _walk(folder, set()) if os.path.realpath(path) != own)


def _walk(folder: Path, seen: set[str]) -> Iterator[Path]:
    """Files below a folder; a loop of links is walked once."""
    real = os.path.realpath(folder)
    if real in seen:
        return
    seen.add(real)
    for path in folder.iterdir():
        if path.name.startswith("."):
            continue
        if path.is_dir():
            yield from _walk(path, seen)
        elif path.suffix in SUFFIXES and (path.is_file() or not path.exists()):  # opening a pipe waits for a writer
            yield path
