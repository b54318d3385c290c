"""The table at the end of a run, from the judge's result and the harness's own findings. Decides nothing but how it looks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from tests.chaos.workers import Report

COLUMNS = (
    ("wanted", "wanted"), ("received", "received"), ("lost", "lost"), ("duplicates", "repeats"),
    ("unexcused_duplicates", "unexcused"), ("out_of_order", "disorder"), ("wrong", "wrong"),
    ("aborted_seen", "aborted"), ("unaccounted", "unaccounted"), ("dead", "dead"), ("discarded", "discarded"),
)  # fmt: skip


def faults(counts: Mapping[tuple[str, str], int]) -> list[str]:
    """A line per class of faults."""
    classes: dict[str, list[str]] = defaultdict(list)
    sums: dict[str, int] = defaultdict(int)
    for (klass, kind), count in sorted(counts.items()):
        classes[klass].append(f"{kind.removeprefix('endpoint-')} {count}")
        sums[klass] += count
    return [f"  {klass:<9} {sums[klass]:>5}  {', '.join(kinds)}" for klass, kinds in sorted(classes.items())]


def webhooks(plan: Mapping[str, Any], result: Mapping[str, Any]) -> list[str]:
    """A line per group of webhooks that are delivered alike, and their sum."""
    groups: dict[str, dict[str, int]] = {}
    for name, counts in result["webhooks"].items():
        group = groups.setdefault(plan["webhooks"].get(name, {}).get("mode", "?"), defaultdict(int))
        for key, _ in COLUMNS:
            group[key] += int(counts.get(key) or 0)
    total: dict[str, int] = defaultdict(int)
    for group in groups.values():
        for key, count in group.items():
            total[key] += count
    head = f"  {'webhooks':<20}" + "".join(f"{title:>12}" for _, title in COLUMNS)
    rows = [*groups.items(), ("all", total)]
    return [head, *(f"  {name:<20}" + "".join(f"{row[key]:>12}" for key, _ in COLUMNS) for name, row in rows)]


def findings(texts: Sequence[str], most: int = 40) -> list[str]:
    more = [f"  ... and {len(texts) - most} more"] if len(texts) > most else []
    return [f"  - {_short(text)}" for text in texts[:most]] + more


def _short(text: str) -> str:
    """Its first line and one example; the whole is in result.json."""
    first, *examples = text.splitlines()
    return "\n".join([first[:300], *(example[:260] for example in examples[:1])])


def table(
    plan: Mapping[str, Any], result: Mapping[str, Any], report: Report, counts: Mapping[tuple[str, str], int]
) -> str:
    """The whole of it."""
    process = sum(n for (klass, _), n in counts.items() if klass in ("graceful", "kill", "zombie"))
    broker = sum(n for (klass, _), n in counts.items() if klass == "broker")
    takeover = f"worst of {len(report.takeover)}: {max(report.takeover):.1f} s" if report.takeover else "none measured"
    stops = f"worst of {len(report.stops)}: {max(report.stops):.1f} s" if report.stops else "none"
    books = ", ".join(f"{key} {value}" for key, value in result.get("books", {}).items()) or "none"
    texts = [*result["findings"], *report.findings]
    verdict = "PASSED" if not texts and result["ok"] else f"FAILED: {len(texts)} findings"
    return "\n".join(
        [
            f"seed {plan['seed']}, {plan['minutes']:g} minutes, {plan['workers']} workers: "
            f"{process} process faults, {broker} broker faults",
            *faults(counts),
            f"  takeover after a kill, {takeover} (session timeout {plan['session_timeout']:g} s); stops, {stops}",
            *webhooks(plan, result),
            f"  books: {books}",
            *(["findings:", *findings(texts)] if texts else []),
            verdict,
        ]
    )
