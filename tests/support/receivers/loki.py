"""A strict double of Loki's push API, from its documentation ("HTTP API: Ingest logs", "Enforce rate limits and push request
validation"); the words of refusals are those of Loki's own source. What is valid of a request is kept, also where a 400 comes back."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.support.receivers.double import Asked, Said, said

SECOND = 1_000_000_000


@dataclass
class LokiDouble:
    """Times in nanoseconds. `now`: what clock it has. `max_age`: `reject_old_samples_max_age`. `behind`: how far an entry may lie
    behind the newest of its stream. `tenant`: the only one that may write, where multi-tenancy is on."""

    now: int
    max_age: int = 7 * 24 * 3600 * SECOND
    grace: int = 600 * SECOND
    behind: int = 3600 * SECOND
    max_line: int = 262_144
    metadata: bool = True
    tenant: str = ""
    limited: int = 0
    entries: dict[str, list[tuple[int, str, dict[str, str]]]] = field(default_factory=dict)

    def answer(self, asked: Asked) -> Said:
        assert (asked.method, asked.path) == ("POST", "/loki/api/v1/push"), asked
        if self.tenant and asked.headers.get("X-Scope-OrgID") != self.tenant:
            return Said(401, b"no org id")
        if asked.headers["Content-Type"] != "application/json":
            return Said(400, b"unsupported content type")
        if self.limited:
            self.limited -= 1
            return Said(429, b"Ingestion rate limit exceeded for user fake (limit: 4194304 bytes/sec)")
        document = json.loads(asked.body)
        assert set(document) == {"streams"}
        wrong = ""
        for stream in document["streams"]:
            wrong = self._push(stream) or wrong
        return Said(400, wrong.encode()) if wrong else said(204, None)

    def _push(self, stream: dict[str, Any]) -> str:
        """What is wrong with the stream; the last complaint wins, as in Loki."""
        assert set(stream) == {"stream", "values"}
        labels = stream["stream"]
        if not labels:
            return "error at least one label pair is required per stream"
        assert len(labels) <= 15
        for name, value in labels.items():
            assert re.fullmatch("[a-zA-Z_][a-zA-Z0-9_]*", name), name
            assert isinstance(value, str) and len(value) <= 2048
        name = "{" + ", ".join(f'{key}="{labels[key]}"' for key in sorted(labels)) + "}"
        wrong, valid = "", []
        for value in stream["values"]:
            complaint = self._complaint(name, value)
            wrong = complaint or wrong
            if not complaint:
                valid.append((int(value[0]), value[1], value[2] if len(value) > 2 else {}))
        return self._ingest(name, valid) or wrong

    def _complaint(self, name: str, value: list[Any]) -> str:
        assert isinstance(value[0], str) and value[0].isdigit(), "times are text"
        assert isinstance(value[1], str)
        time = int(value[0])
        if len(value) > 2:
            assert all(isinstance(text, str) for text in value[2].values())
            if not self.metadata:
                return f"stream '{name}' includes structured metadata, but this feature is disallowed."
        if time < self.now - self.max_age:
            oldest = _rfc3339(self.now - self.max_age)
            return f"entry for stream '{name}' has timestamp too old: {_rfc3339(time)}, oldest acceptable timestamp is: {oldest}"
        if time > self.now + self.grace:
            return f"entry for stream '{name}' has timestamp too new: {_rfc3339(time)}"
        length = len(value[1].encode())
        if length > self.max_line:
            return (
                f"Max entry size '{self.max_line}' bytes exceeded for stream '{name}' "
                f"while adding an entry with length '{length}' bytes"
            )
        return ""

    def _ingest(self, name: str, valid: list[tuple[int, str, dict[str, str]]]) -> str:
        kept = self.entries.setdefault(name, [])
        ignored = []
        for entry in valid:
            newest = max((each[0] for each in kept), default=entry[0])
            if entry[0] < newest - self.behind:
                ignored.append(entry[0])
            elif not any(each[:2] == entry[:2] for each in kept):
                kept.append(entry)
        if not ignored:
            return ""
        told = "".join(
            f"entry with timestamp {_go(time)} ignored, reason: 'entry too far behind',\n" for time in ignored[:10]
        )
        return f"{told}user 'fake', total ignored: {len(ignored)} out of {len(valid)} for stream: {name}"


def _rfc3339(time: int) -> str:
    return datetime.fromtimestamp(time // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _go(time: int) -> str:
    """As Go prints a time: no more digits than it needs."""
    moment = datetime.fromtimestamp(time // SECOND, UTC).strftime("%Y-%m-%d %H:%M:%S")
    fraction = f"{time % SECOND:09}".rstrip("0")
    return f"{moment}.{fraction} +0000 UTC" if fraction else f"{moment} +0000 UTC"
