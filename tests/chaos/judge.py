"""The judge of a chaos run: `python -m tests.chaos.judge RUN_FOLDER` prints a table and findings, writes result.json, exits 1
on a violation. Its own program, written against the promises: it imports nothing of Forwarder."""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chaos import verdict_books, verdict_delivery, verdict_requests
from tests.chaos.verdict_journal import Journal
from tests.chaos.verdict_load import load
from tests.chaos.verdict_table import table
from tests.chaos.verdict_view import Finding, Rule, View, views

WEBHOOK_RULES = (
    verdict_delivery.lost,
    verdict_delivery.repeated,
    verdict_delivery.disordered,
    verdict_delivery.unwanted,
    verdict_delivery.given_up,
    verdict_delivery.condemned,
    verdict_requests.headers,
    verdict_requests.signature,
    verdict_requests.frozen,
    verdict_requests.untold,
    verdict_requests.expired,
    verdict_requests.letters,
    verdict_books.balance,
    verdict_books.agree,
)
RUN_RULES = (verdict_books.missing_books, verdict_books.unreadable, verdict_books.group_moves)

COLUMNS = (
    "wanted", "received", "lost", "duplicates", "unexcused_duplicates", "out_of_order", "wrong", "aborted_seen",
    "unaccounted", "dead", "discarded",
)  # fmt: skip

Row = dict[str, int]


@dataclass(frozen=True)
class Judgement:
    """`rows` are by webhook, with the columns of the table. `excused` counts repeats by what excuses them."""

    rows: dict[str, Row]
    findings: list[Finding]
    faults: dict[str, int]
    excused: dict[str, int]

    @property
    def ok(self) -> bool:
        return not self.findings

    def as_json(self) -> dict[str, Any]:
        books = {"imbalance": self._count(Rule.IMBALANCE), "mismatch": self._count(Rule.MISMATCH)}
        return {
            "ok": self.ok, "webhooks": self.rows, "faults": self.faults, "books": books, "excused": self.excused,
            "findings": [str(finding) for finding in self.findings],
            "rules": sorted({finding.rule.name for finding in self.findings}),
        }  # fmt: skip

    def _count(self, rule: Rule) -> int:
        return sum(finding.count for finding in self.findings if finding.rule is rule)


def judge(journal: Journal) -> Judgement:
    """All rules over all webhooks."""
    rows: dict[str, Row] = {}
    findings: list[Finding] = []
    excused: Counter[str] = Counter()
    for view in views(journal):
        found = [finding for rule in WEBHOOK_RULES for finding in rule(view)]
        rows[view.webhook.name] = _row(view, found)
        findings += found
        excused += verdict_delivery.excused(view)
    for rule in RUN_RULES:
        findings += rule(journal)
    for name in sorted(set(journal.requests) - set(journal.webhooks)):
        findings.append(Finding(Rule.UNNAMED, name, len(journal.requests[name])))
    return Judgement(rows, findings, _faults(journal), dict(excused))


def _row(view: View, found: list[Finding]) -> Row:
    counts: Counter[Rule] = Counter()
    for finding in found:
        counts[finding.rule] += finding.count
    discarded = sum(sum(account.get("discarded", {}).values()) for account in (view.accounts or {}).values())
    numbers = (
        len(view.wanted), len(view.taken), counts[Rule.LOST], sum(1 for _ in verdict_delivery.repeats(view)),
        counts[Rule.REPEATED], counts[Rule.DISORDERED], counts[Rule.WRONG] + counts[Rule.STRANGER],
        counts[Rule.ABORTED], counts[Rule.IMBALANCE] + counts[Rule.MISMATCH], len(view.lettered),
        max(discarded, len(view.noted)),
    )  # fmt: skip
    return dict(zip(COLUMNS, numbers, strict=True))


def _faults(journal: Journal) -> dict[str, int]:
    counts = Counter(fault.klass for fault in journal.faults)
    process = counts["graceful"] + counts["kill"] + counts["zombie"]
    return {"process": process, **dict(sorted(counts.items()))}


def main(arguments: list[str]) -> int:
    """The exit code: 0 clean, 1 violations, 2 no journal."""
    if len(arguments) != 1:
        print(__doc__)
        return 2
    folder = Path(arguments[0])
    try:
        judgement = judge(load(folder))
    except (OSError, ValueError, KeyError) as error:
        print(f"no journal that can be judged in {folder}: {type(error).__name__}: {error}")
        return 2
    (folder / "result.json").write_text(json.dumps(judgement.as_json(), indent=1) + "\n")
    print(table(COLUMNS, judgement.rows))
    print("faults: " + ", ".join(f"{n} {name}" for name, n in judgement.faults.items()))
    print("repeats excused: " + (", ".join(f"{n} {name}" for name, n in judgement.excused.items()) or "none"))
    print("\n".join(f"- {finding}" for finding in judgement.findings) or "no violation")
    return 0 if judgement.ok else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
