"""Strict doubles of services that take logs as JSON, each from the documents that it names."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.support.receivers.double import Asked, Said, said
from tests.support.receivers.strict import Strict, need, only, read, text

KEY = "k" * 32


@dataclass
class Datadog(Strict):
    """https://docs.datadoghq.com/api/latest/logs/send-logs/: 1000 entries, 5 MB; a log above 1 MB is cut, with a 202."""

    logs: list[dict[str, Any]] = field(default_factory=list)
    cut: int = 0

    def take(self, asked: Asked) -> Said:
        need(asked.headers.get("DD-API-KEY") == KEY, 403, "API key")
        need(asked.path == "/api/v2/logs" and asked.headers["Content-Type"] == "application/json", 400, "path, type")
        need(len(asked.body) <= 5_000_000, 413, "payload too large")
        logs = read(asked.body)
        need(isinstance(logs, list) and len(logs) <= 1000, 400, "an array of 1000 at most")
        for log in logs:
            need(
                all(isinstance(value, str) for key, value in log.items() if key != "timestamp"),
                400,
                "attributes are text",
            )
            need("message" in log, 400, "message")
            text(log["message"], 1_000_000, "message", least=0)
            need(all(":" in tag and " " not in tag for tag in log["ddtags"].split(",")), 400, "ddtags")
            self.cut += len(json.dumps(log, ensure_ascii=False, separators=(",", ":")).encode()) > 1_000_000
        self.logs += logs
        self.identities += [log["event_identity"] for log in logs]
        return said(202, {})


@dataclass
class Sentinel(Strict):
    """Azure Monitor, "Logs Ingestion API": an array, `TimeGenerated`, 1 MB; service limits: 64 KB per field."""

    path: str = "/dataCollectionRules/dcr-1/streams/Custom-Events_CL"
    token: str = ""
    rows: list[dict[str, Any]] = field(default_factory=list)

    def take(self, asked: Asked) -> Said:
        need(not self.token or asked.headers.get("Authorization") == f"Bearer {self.token}", 401, "token")
        need(asked.path == self.path and asked.query.get("api-version") == "2023-01-01", 404, "path")
        need(asked.headers["Content-Type"] == "application/json", 400, "type")
        need(len(asked.body) <= 1_048_576, 413, "payload too large")
        rows = read(asked.body)
        need(isinstance(rows, list), 400, "an array")
        for row in rows:
            need(datetime.fromisoformat(row["TimeGenerated"]).tzinfo is not None, 400, "TimeGenerated")
            need(all(len(str(value).encode("utf-8", "replace")) <= 65_536 for value in row.values()), 400, "64 KB")
        self.rows += rows
        self.identities += [row["EventIdentity"] for row in rows]
        return Said(204)


@dataclass
class NewRelic(Strict):
    """New Relic, "Introduction to the Log API": detailed JSON body, Api-Key, 1 MB, attributes of at most 4094 characters."""

    def take(self, asked: Asked) -> Said:
        need(asked.headers.get("Api-Key") == KEY, 403, "licence key")
        need(asked.path == "/log/v1" and len(asked.body) <= 1_000_000, 413, "path or size")
        for block in read(asked.body):
            only(block, {"common", "logs"}, {"logs"})
            for log in block["logs"]:
                only(log, {"timestamp", "message", "attributes"}, {"message"})
                need(isinstance(log["timestamp"], int), 400, "timestamp")
                for name, value in log["attributes"].items():
                    text(value, 4094, name)
                self.identities.append(log["attributes"]["event.identity"])
        return said(202, {"requestId": "r"})


@dataclass
class Lines(Strict):
    """JSON lines over HTTP: Sumo Logic ("HTTP source", 1 MB), Cortex ("HTTP log collector", 25 MB), SecOps ("HTTPS webhook feed",
    1 MB: one entry that is no UTF-8 refuses the whole request). `header` must hold `value`."""

    path: str = "/"
    most: int = 1_000_000
    header: str = ""
    value: str = ""
    lines: list[Any] = field(default_factory=list)

    def take(self, asked: Asked) -> Said:
        need(not self.header or asked.headers.get(self.header) == self.value, 401, self.header)
        need(asked.path == self.path and len(asked.body) <= self.most, 413, "path or size")
        lines = [read(line) for line in asked.body.removesuffix(b"\n").split(b"\n")]
        self.lines += lines
        self.identities += [str(line["identity"]) for line in lines if isinstance(line, dict) and "identity" in line]
        return Said(200)
