"""A strict double of an OTLP/HTTP receiver of logs, from the OpenTelemetry Protocol specification (JSON Protobuf Encoding, OTLP/HTTP
Response, Partial Success) and opentelemetry-proto's logs.proto."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.support.receivers.double import Asked, Said, said

RECORD = {
    "timeUnixNano", "observedTimeUnixNano", "severityNumber", "severityText", "body", "attributes", "flags", "traceId", "spanId",
}  # fmt: skip
VALUES: dict[str, Callable[[Any], bool]] = {
    "stringValue": lambda value: isinstance(value, str),
    "boolValue": lambda value: isinstance(value, bool),
    "intValue": lambda value: isinstance(value, str) and -(2**63) <= int(value) < 2**63,
    "doubleValue": lambda value: isinstance(value, int | float),
}


@dataclass
class OtlpDouble:
    """`rejects`: whether a record, by its attributes, is rejected: with a 200 that tells only how many. `statuses`: what the next
    requests are answered instead."""

    rejects: Callable[[dict[str, Any]], bool] = lambda _attributes: False
    statuses: list[int] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, asked: Asked) -> Said:
        assert (asked.method, asked.path) == ("POST", "/v1/logs"), asked
        if self.statuses:
            return said(self.statuses.pop(0), {"message": "not now"})
        if asked.headers["Content-Type"] != "application/json":
            return Said(415)
        rejected = 0
        for resource in json.loads(asked.body)["resourceLogs"]:
            _attributes(resource["resource"]["attributes"])
            for scope in resource["scopeLogs"]:
                assert set(scope["scope"]) <= {"name", "version"}
                for record in scope["logRecords"]:
                    rejected += not self._take(record)
        if not rejected:
            return said(200, {})
        return said(200, {"partialSuccess": {"rejectedLogRecords": str(rejected), "errorMessage": "made up"}})

    def _take(self, record: dict[str, Any]) -> bool:
        assert set(record) <= RECORD, record
        for key in ("timeUnixNano", "observedTimeUnixNano"):
            assert re.fullmatch("[0-9]{1,20}", record.get(key, "0")), "64-bit numbers are text"
        assert record.get("severityNumber", 0) in range(25)
        assert re.fullmatch("[0-9a-f]{32}", record.get("traceId", "0" * 32))
        assert re.fullmatch("[0-9a-f]{16}", record.get("spanId", "0" * 16))
        _any_value(record["body"])
        found = _attributes(record["attributes"])
        if self.rejects(found):
            return False
        self.records.append(found)
        return True


def _attributes(given: list[dict[str, Any]]) -> dict[str, Any]:
    names = [each["key"] for each in given]
    assert len(set(names)) == len(names), "attributes are unique"
    for each in given:
        _any_value(each["value"])
    return {each["key"]: next(iter(each["value"].values())) for each in given}


def _any_value(value: dict[str, Any]) -> None:
    """Raises AssertionError, ValueError."""
    assert len(value) <= 1
    for kind, inner in value.items():
        if kind == "arrayValue":
            for each in inner["values"]:
                _any_value(each)
        elif kind == "kvlistValue":
            for each in inner["values"]:
                assert set(each) == {"key", "value"}
                _any_value(each["value"])
        else:
            assert VALUES[kind](inner), (kind, inner)
