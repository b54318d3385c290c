"""What a run leaves in Kafka, brought into its folder at the end: dead letters, the ledger, the books of the newest checkpoints.

Reads checkpoint records as the plain JSON that they are, by code of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.chaos.journal import Journal, write_json
from tests.chaos.scene import GROUP, TOPICS
from tests.support.topics import Topics

HEADERS = ("reason", "cluster", "topic", "partition", "offset", "timestamp", "version")
"""What every dead letter must say, each behind `forwarder-`."""

AFTER_ATTEMPTS = ("webhook", "attempts", "first-attempt", "last-attempt")
"""What one must say, too, that a receiver has refused."""

KEYS = {"r": "read", "f": "filtered", "d": "delivered", "p": "pending", "x": "discarded", "l": "dead_lettered"}


async def harvest(topics: Topics, folder: Path) -> None:
    """Writes dead.jsonl, ledger.jsonl, books.json and group.json."""
    names = await topics.names()
    await _dead_letters(topics, names, folder)
    await _ledger(topics, names, folder)
    books: dict[str, dict[str, Any]] = {}
    for topic in TOPICS:
        name = f"{GROUP}-checkpoint-{topic.name}-changelog"
        if name in names:
            records = await topics.read_all(name, timeout=120.0)
            add_books(books, topic.name, ((record.partition, record.value) for record in records))
    write_json(folder / "books.json", books)
    offsets = await topics.group_offsets(GROUP)
    sources = {topic.name for topic in TOPICS}
    write_json(folder / "group.json", {f"{t}/{p}": at for (t, p), at in sorted(offsets.items()) if t in sources})


async def _dead_letters(topics: Topics, names: set[str], folder: Path) -> None:
    journal = Journal(folder / "dead.jsonl")
    for topic in TOPICS:
        name = f"{topic.name}.dead-letters"
        for record in await topics.read_all(name, timeout=120.0) if name in names else ():
            journal.write(letter(record.value, record.headers), flush=False)
    journal.close()


def letter(value: bytes | None, headers: Iterable[tuple[str, bytes]]) -> dict[str, Any]:
    """A dead letter's line in the journal."""
    found = {key.removeprefix("forwarder-"): text.decode() for key, text in headers if key.startswith("forwarder-")}
    wanted = HEADERS + (AFTER_ATTEMPTS if found.get("attempts") else ())
    return {
        "webhook": found.get("webhook", ""), "topic": found.get("topic", ""),
        "partition": int(found.get("partition", -1)), "offset": int(found.get("offset", -1)),
        "reason": found.get("reason", ""), "id": _identity(value),
        "missing_headers": [key for key in wanted if key not in found],
    }  # fmt: skip


def _identity(value: bytes | None) -> str | None:
    try:
        found = json.loads(value or b"")["id"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return found if isinstance(found, str) else None


async def _ledger(topics: Topics, names: set[str], folder: Path) -> None:
    journal, name = Journal(folder / "ledger.jsonl"), f"{GROUP}-ledger"
    for record in await topics.read_all(name, timeout=120.0) if name in names else ():
        journal.write(json.loads(record.value or b"{}"), flush=False)
    journal.close()


def add_books(books: dict[str, dict[str, Any]], topic: str, records: Iterable[tuple[int, bytes | None]]) -> None:
    """Adds what the newest record (by epoch, then sequence) of each partition says of each webhook."""
    newest: dict[int, Mapping[str, Any]] = {}
    for partition, value in records:
        record = json.loads(value) if value else None
        if record is not None and (partition not in newest or _order(newest[partition]) < _order(record)):
            newest[partition] = record
    for partition, record in newest.items():
        for webhook, account in record.get("books", {}).items():
            if not webhook.startswith("~"):
                books.setdefault(webhook, {})[f"{topic}/{partition}"] = _account(account)


def _account(written: Mapping[str, Any]) -> dict[str, Any]:
    """With whole names for the short ones of the record (docs/checkpoint.md), and what it leaves out because it is nothing."""
    known = {KEYS.get(key, key): value for key, value in written.items()}
    return {"read": 0, "filtered": 0, "delivered": 0, "pending": 0, "discarded": {}, "dead_lettered": {}} | known


def _order(record: Mapping[str, Any]) -> tuple[int, int]:
    return record["epoch"], record["seq"]
