"""A strict double of Elasticsearch's `_bulk`, from the reference ("Bulk API", "Data streams", "Common options": filter_path), checked
against OpenSearch 2.19.3, which the tests of real receivers run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.support.receivers.double import Asked, Said, said

Verdict = tuple[int, str, str]
"""Status, type and reason of one document."""


@dataclass
class ElasticDouble:
    """`data_streams`: names that take only `create`, and want `@timestamp`. `judge`: what is wrong with a document, by its id."""

    key: str = ""
    data_streams: tuple[str, ...] = ()
    most_bytes: int = 100 * 1024 * 1024
    judge: Callable[[str, dict[str, Any]], Verdict | None] = lambda _id, _document: None
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: int = 0

    def answer(self, asked: Asked) -> Said:
        assert (asked.method, asked.path) == ("POST", "/_bulk"), asked
        self.requests += 1
        if self.key and asked.headers.get("Authorization") != f"ApiKey {self.key}":
            return said(401, {"error": {"type": "security_exception"}, "status": 401})
        if asked.headers["Content-Type"] not in ("application/x-ndjson", "application/json"):
            return said(406, {"error": "Content-Type header is not supported"})
        if len(asked.body) > self.most_bytes:
            return Said(413)
        if not asked.body.endswith(b"\n"):
            return _malformed("The bulk request must be terminated by a newline [\\n]")
        lines = asked.body.decode().split("\n")[:-1]
        if len(lines) % 2:
            return _malformed("Malformed action/metadata line")
        return self._results(list(zip(lines[::2], lines[1::2], strict=True)), asked.query.get("filter_path", ""))

    def _results(self, pairs: list[tuple[str, str]], filter_path: str) -> Said:
        items = []
        for action, source in pairs:
            [(verb, where)] = json.loads(action).items()
            assert verb == "create", verb
            assert 0 < len(where["_id"].encode()) <= 512
            status, kind, reason = self._create(where["_index"], where["_id"], source)
            item: dict[str, Any] = {"_index": where["_index"], "_id": where["_id"], "status": status}
            if kind:
                item["error"] = {"type": kind, "reason": reason, "index_uuid": "_na_"}
            items.append({"create": item})
        answer = {"took": 1, "errors": any("error" in item["create"] for item in items), "items": items}
        return said(200, _filtered(answer, filter_path.split(",")) if filter_path else answer)

    def _create(self, index: str, key: str, source: str) -> Verdict:
        if index != index.lower():
            return 400, "invalid_index_name_exception", f"Invalid index name [{index}], must be lowercase"
        if key in self.documents:
            return 409, "version_conflict_engine_exception", f"[{key}]: version conflict, document already exists"
        try:
            document = json.loads(source, object_pairs_hook=_unique)
        except ValueError as error:
            return 400, "mapper_parsing_exception", f"failed to parse: {error}"
        if not isinstance(document, dict):
            return 400, "mapper_parsing_exception", "failed to parse: not an object"
        if index in self.data_streams and "@timestamp" not in document:
            return 400, "mapper_parsing_exception", "data stream timestamp field [@timestamp] is missing"
        wrong = self.judge(key, document)
        if wrong is not None:
            return wrong
        self.documents[key] = document
        return 201, "", ""


def _malformed(reason: str) -> Said:
    return said(400, {"error": {"type": "illegal_argument_exception", "reason": reason}, "status": 400})


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Duplicate keys are refused (strict duplicate detection)."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("Duplicate field")
    return found


def _filtered(value: Any, paths: list[str]) -> Any:
    """`filter_path`: of a mapping only the keys on a path; `*` stands for any; lists are passed through."""
    if isinstance(value, list):
        return [_filtered(each, paths) for each in value]
    return dict(_kept(value, paths)) if isinstance(value, dict) else value


def _kept(value: dict[str, Any], paths: list[str]) -> Iterator[tuple[str, Any]]:
    for key, inner in value.items():
        rests = [rest for head, _, rest in (path.partition(".") for path in paths) if head in (key, "*")]
        if rests:
            yield key, inner if "" in rests else _filtered(inner, rests)
