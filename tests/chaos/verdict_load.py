"""Reads a run's journal from its folder. Written against the journal's format alone: it shares no code with the program it judges."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.chaos.verdict_journal import SESSION_SECONDS, Entry, Event, Fault, Journal, Kind, Letter, Request, Webhook


def load(folder: Path) -> Journal:
    """The journal in `folder`. Raises OSError and ValueError when there is none or it is broken."""
    plan = json.loads((folder / "plan.json").read_text())
    journal = Journal(
        webhooks={name: _webhook(name, about) for name, about in plan["webhooks"].items()},
        interval=float(plan.get("checkpoint_interval", 1.0)),
        session=float(plan.get("session_timeout", SESSION_SECONDS)),
        workers=int(plan.get("workers", 2)),
        wants_books=bool(plan.get("books", True)),
        start_earliest=plan.get("start_at", "earliest") == "earliest",
    )
    for line in _lines(folder / "produced.jsonl"):
        _take_produced(journal, line)
    for file in sorted((folder / "received").glob("*.jsonl")):
        for line in _lines(file):
            _take_received(journal, line)
    journal.faults = _faults(_lines(folder / "faults.jsonl"))
    journal.letters = [_letter(line) for line in _lines(folder / "dead.jsonl")]
    journal.entries = [_entry(line) for line in _lines(folder / "ledger.jsonl")]
    journal.books = _json(folder / "books.json")
    journal.group = _json(folder / "group.json")
    return journal


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSON Lines file; a last line that was cut off (its writer was killed) is no line."""
    if not file.exists():
        return
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            if line.endswith("\n") and line.strip():
                yield json.loads(line)


def _json(file: Path) -> Any:
    return json.loads(file.read_text()) if file.exists() else None


def _webhook(name: str, about: Mapping[str, Any]) -> Webhook:
    wants = about.get("wants") or {}

    def some(key: str) -> frozenset[str] | None:
        return None if wants.get(key) is None else frozenset(wants[key])

    return Webhook(
        name, some("types"), some("tenants"), wants.get("min_severity"), some("topics"),
        ordered=about.get("ordered", about.get("concurrency", 1) == 1),
        discards=about.get("discards", about.get("lossy", False)),
        records=about.get("records", False), mode=about.get("mode", ""),
    )  # fmt: skip


def _take_produced(journal: Journal, line: Mapping[str, Any]) -> None:
    if "lost_topic" in line:
        name = line["lost_topic"]
        journal.lost_topics[name] = max(line["t"], journal.lost_topics.get(name, -math.inf))
    elif line.get("broken"):
        journal.broken.add((line["topic"], line["partition"], line["offset"]))
    else:
        kind = Kind.ABORTED if line.get("aborted") else Kind.UNKNOWN if line.get("unknown") else Kind.ACKED
        offset = line.get("offset")
        journal.events[line["id"]] = Event(
            line["id"], line.get("topic", ""), _number(line.get("partition")), _number(offset), line.get("t", 0.0),
            line.get("type"), line.get("tenant"), line.get("severity"), line.get("generation", 0), kind,
        )  # fmt: skip


def _number(value: int | None) -> int:
    return -1 if value is None else value


def _request(line: Mapping[str, Any]) -> Request:
    count = line.get("count")
    return Request(
        line["webhook"], tuple(line["ids"]), line["t"], line.get("batch_id") or "", int(line.get("attempt") or 1),
        None if count is None else str(count), line.get("offsets") or "", line.get("discarded") or "",
        line.get("status", 0), bool(line["accepted"]), bool(line["told"]), line.get("signature_ok") is not False,
        line.get("digest") or "",
    )  # fmt: skip


def _take_received(journal: Journal, line: Mapping[str, Any]) -> None:
    """A line with `untold` takes back that an earlier request was told; one without ids of a known shape was never accepted."""
    requests = journal.requests[line["webhook"]]
    if line.get("untold"):
        for at in range(len(requests) - 1, -1, -1):
            if (requests[at].batch_id, requests[at].attempt) == (line.get("batch_id"), line.get("attempt")):
                requests[at] = replace(requests[at], told=False)
                return
    elif "accepted" in line:
        requests.append(_request(line))


def _faults(lines: Iterator[dict[str, Any]]) -> list[Fault]:
    """A fault that began and never ended (the run was cut off) lasts for ever."""
    ended: list[Fault] = []
    begun: list[Fault] = []
    for line in lines:
        fault = Fault(line["kind"], str(line.get("target", "")), line["class"], line["t0"], line.get("t1") or math.inf)
        (begun if line.get("begin") else ended).append(fault)
    known = {(fault.kind, fault.target, fault.t0) for fault in ended}
    return sorted(
        ended + [fault for fault in begun if (fault.kind, fault.target, fault.t0) not in known], key=lambda f: f.t0
    )


def _letter(line: Mapping[str, Any]) -> Letter:
    place = (line["topic"], int(line["partition"]), int(line["offset"]))
    return Letter(
        line.get("webhook") or "", place, line.get("reason") or "", line.get("id"),
        tuple(line.get("missing_headers") or ()),
    )  # fmt: skip


def _entry(line: Mapping[str, Any]) -> Entry:
    runs = tuple((int(first), int(last)) for first, last in line["runs"])
    return Entry(
        line["webhook"], line["topic"], int(line["partition"]), runs, line.get("reason") or "",
        line.get("at") or 0.0, line.get("count"),
    )  # fmt: skip
