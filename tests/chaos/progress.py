"""What is still missing at the receivers: kept up to date from the journals while a run ends. Only to know how long to wait: the
judge makes up its own mind."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

from tests.chaos.fleet import Hook, fleet
from tests.chaos.journal import Tail


class Missing:
    """Per webhook the events that must still come. Webhooks that may discard are left out, and so are poisoned events."""

    def __init__(self, folder: Path) -> None:
        self._hooks = [hook for hook in fleet() if not hook.mode.discards]
        self._produced = Tail(folder / "produced.jsonl")
        self._received = [Tail(file) for file in sorted((folder / "received").glob("*.jsonl"))]
        self._wanted: dict[str, set[str]] = defaultdict(set)
        self._taken: dict[str, set[str]] = defaultdict(set)
        self._by_kind: dict[tuple[str, str, int], list[Hook]] = {}
        self._topics: dict[str, set[str]] = defaultdict(set)

    def look(self) -> dict[str, int]:
        """How many are missing, by webhook; webhooks that have everything are not in it."""
        for line in self._produced.new():
            self._note(line)
        for tail in self._received:
            for line in tail.new():
                if line["accepted"]:
                    self._taken[line["webhook"]].update(line["ids"])
        counts = {hook.name: len(self._wanted[hook.name] - self._taken[hook.name]) for hook in self._hooks}
        return {name: count for name, count in counts.items() if count}

    def _note(self, line: dict[str, Any]) -> None:
        if "lost_topic" in line:
            gone = self._topics.pop(line["lost_topic"], set())
            for wanted in self._wanted.values():
                wanted -= gone
            return
        if "aborted" in line or "unknown" in line or "broken" in line:
            return
        self._topics[line["topic"]].add(line["id"])
        for hook in self._wanters(line["type"], line["tenant"], line["severity"]):
            if not (hook.mode.poison and line["poison"]):
                self._wanted[hook.name].add(line["id"])

    def _wanters(self, kind: str, tenant: str, severity: int) -> list[Hook]:
        key = (kind, tenant, severity)
        if key not in self._by_kind:
            self._by_kind[key] = [hook for hook in self._hooks if hook.wants.matches(kind, tenant, severity)]
        return self._by_kind[key]
