"""Reads what Forwarder left in Kafka into a run's journal: dead letters, ledger, books, committed offsets. By the documented formats
alone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.chaos.journal import write_json
from tests.support.topics import Topics

HEADERS = ("reason", "cluster", "topic", "partition", "offset", "timestamp", "version")
ATTEMPT_HEADERS = ("attempts", "first-attempt", "last-attempt")


async def dump(topics: Topics, group: str, topic: str, folder: Path) -> None:
    """The files `dead.jsonl`, `ledger.jsonl`, `books.json` and `group.json` of a run with one source topic."""
    there = await topics.names()
    dead, ledger, checkpoints = f"{topic}.dead-letters", f"{group}-ledger", f"{group}-checkpoint-{topic}-changelog"
    letters = await topics.read_all(dead) if dead in there else []
    write_lines(folder / "dead.jsonl", [_letter(_texts(record.headers), record.value) for record in letters])
    entries = await topics.read_all(ledger) if ledger in there else []
    write_lines(folder / "ledger.jsonl", [json.loads(record.value or b"{}") for record in entries])
    books: dict[str, dict[str, Any]] = {}
    for partition, record in (await _newest(topics, checkpoints)).items():
        for name, account in record.get("books", {}).items():
            if not name.startswith("~"):
                books.setdefault(name, {})[f"{topic}/{partition}"] = _account(account)
    if books:
        write_json(folder / "books.json", books)
    committed = await topics.group_offsets(group)
    write_json(
        folder / "group.json", {f"{name}/{n}": offset for (name, n), offset in committed.items() if name == topic}
    )


def write_lines(file: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    """The lines as JSON Lines, in place of what was there."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))


def _texts(headers: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    return {name: value.decode() for name, value in headers}


def _letter(headers: Mapping[str, str], value: bytes | None) -> dict[str, Any]:
    ours = {name.removeprefix("forwarder-"): text for name, text in headers.items() if name.startswith("forwarder-")}
    webhook = ours.get("webhook", "")
    needed = HEADERS + (ATTEMPT_HEADERS if webhook else ())
    line = {
        "webhook": webhook,
        "topic": ours["topic"],
        "partition": int(ours["partition"]),
        "offset": int(ours["offset"]),
    }
    line |= {"reason": ours.get("reason", ""), "missing_headers": [name for name in needed if name not in ours]}
    try:
        line["id"] = json.loads(value or b"{}").get("id")
    except (ValueError, AttributeError):
        line["id"] = None
    return line


async def _newest(topics: Topics, name: str) -> dict[int, dict[str, Any]]:
    """The checkpoint of each partition: the highest epoch and number, whatever came last."""
    newest: dict[int, dict[str, Any]] = {}
    for record in await topics.read_all(name):
        found = json.loads(record.value or b"{}")
        best = newest.get(record.partition)
        if best is None or (found["epoch"], found["seq"]) >= (best["epoch"], best["seq"]):
            newest[record.partition] = found
    return newest


def _account(account: Mapping[str, Any]) -> dict[str, Any]:
    """An account as the judge reads it; what is left out is 0."""
    return {
        "read": account.get("r", 0), "filtered": account.get("f", 0), "delivered": account.get("d", 0),
        "pending": account.get("p", 0), "discarded": account.get("x", {}), "dead_lettered": account.get("l", {}),
    }  # fmt: skip
