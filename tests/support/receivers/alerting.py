"""Strict doubles of services that make alerts and tickets, each from the documents that it names."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from tests.support.receivers.double import Asked, Said, said
from tests.support.receivers.strict import Strict, need, only, read, text

KEY = "k" * 32


@dataclass
class PagerDuty(Strict):
    """Events API v2: PagerDuty's api-schema, reference/events-v2/openapiv3.json, and "Send an alert event" (lengths, 512 KB)."""

    alerts: dict[str, str] = field(default_factory=dict)

    def take(self, asked: Asked) -> Said:
        need(asked.path == "/v2/enqueue" and len(asked.body) <= 512_000, 413, "path or size")
        names = {"routing_key", "event_action", "dedup_key", "client", "client_url", "links", "images", "payload"}
        event = only(read(asked.body), names, {"routing_key", "event_action"})
        text(event["routing_key"], 32, "routing_key", least=32)
        need(event["routing_key"] == KEY, 400, "routing_key is not known")
        need(event["event_action"] in ("trigger", "acknowledge", "resolve"), 400, "event_action")
        key = text(event.get("dedup_key"), 255, "dedup_key")
        for link in event.get("links", []):
            text(only(link, {"href", "text"}, {"href"})["href"], 2048, "href")
        payload = only(
            event.get("payload"),
            {"summary", "timestamp", "severity", "source", "component", "group", "class", "custom_details"},
            {"summary", "severity", "source"},
        )
        text(payload["summary"], 1024, "summary")
        text(payload["source"], 255, "source")
        need(payload["severity"] in ("critical", "warning", "error", "info"), 400, "severity")
        datetime.fromisoformat(payload["timestamp"])
        need(isinstance(payload["custom_details"], dict), 400, "custom_details")
        self.alerts[key] = event["event_action"]
        self.identities.append(payload["custom_details"]["identity"])
        return said(202, {"status": "success", "message": "Event processed", "dedup_key": key})


@dataclass
class Alerts(Strict):
    """Opsgenie's Alert API ("Create Alert", "Close Alert", "Alerts and alert fields") and that of JSM Operations, below `path`."""

    path: str = "/v2/alerts"
    alerts: dict[str, str] = field(default_factory=dict)

    def take(self, asked: Asked) -> Said:
        need(asked.headers.get("Authorization") == f"GenieKey {KEY}", 401, "GenieKey")
        if asked.path != self.path:
            return self._act(asked)
        names = {"message", "alias", "description", "responders", "tags", "details", "entity", "source", "priority"}
        alert = only(read(asked.body), names, {"message"}, 422)
        text(alert["message"], 130, "message", 422)
        alias = text(alert["alias"], 512, "alias", 422)
        text(alert["description"], 15_000, "description", 422)
        text(alert.get("entity", ""), 512, "entity", 422, 0)
        text(alert["source"], 100, "source", 422)
        need(re.fullmatch("P[1-5]", alert["priority"]) is not None, 422, "priority")
        need(len(alert["tags"]) <= 20 and all(len(tag) <= 50 for tag in alert["tags"]), 422, "tags")
        for responder in alert["responders"]:
            only(responder, {"name", "type"}, {"name", "type"}, 422)
        need(all(isinstance(value, str) for value in alert["details"].values()), 422, "details are texts")
        need(sum(len(name) + len(value) for name, value in alert["details"].items()) <= 8000, 422, "details")
        self.alerts[alias] = "open"
        self.identities.append(alert["details"]["identity"])
        return said(202, {"result": "Request will be processed", "requestId": "r-1"})

    def _act(self, asked: Asked) -> Said:
        found = re.fullmatch(re.escape(self.path) + "/(.+)/(close|acknowledge)", asked.path)
        need(found is not None, 404, "path")
        assert found is not None
        need(asked.query.get("identifierType") == "alias", 422, "identifierType")
        note = only(read(asked.body), {"source", "note", "user"}, set(), 422)
        text(note["note"], 25_000, "note", 422)
        alias = unquote(found[1])
        need(alias in self.alerts, 404, "no such alert")  # the vendor says so later: answers are asynchronous
        self.alerts[alias] = found[2]
        return said(202, {"result": "Request will be processed", "requestId": "r-2"})


@dataclass
class Jira(Strict):
    """Jira Cloud REST v3, "Create issue", and the Atlassian Document Format; 32767 characters (JRACLOUD-78553)."""

    def take(self, asked: Asked) -> Said:
        need(asked.path == "/rest/api/3/issue", 404, "path")
        fields = only(read(asked.body), {"fields"}, {"fields"})["fields"]
        names = {"project", "issuetype", "summary", "description", "labels", "priority"}
        only(fields, names, {"project", "issuetype", "summary"})
        need(fields["project"] == {"key": "SEC"}, 400, "project")
        need(fields["issuetype"] == {"name": "Task"}, 400, "issuetype")
        need("\n" not in text(fields["summary"], 255, "summary"), 400, "summary: no newlines")
        for label in fields["labels"]:
            need(" " not in text(label, 255, "label"), 400, "labels: no spaces")
        document = only(fields["description"], {"type", "version", "content"}, {"type", "version", "content"})
        need((document["type"], document["version"]) == ("doc", 1), 400, "ADF")
        need(sum(self._length(node) for node in document["content"]) <= 32_767, 400, "CONTENT_LIMIT_EXCEEDED")
        self.identities.append(fields["labels"][-1])
        return said(201, {"id": "10000", "key": "SEC-1", "self": "https://jira.example/10000"})

    def _length(self, node: dict[str, Any]) -> int:
        need(node["type"] in ("paragraph", "codeBlock"), 400, "ADF node")
        for leaf in node["content"]:
            only(leaf, {"type", "text"}, {"type", "text"})
            text(leaf["text"], 32_767, "ADF text")
        return sum(len(leaf["text"]) for leaf in node["content"])


@dataclass
class ServiceNow(Strict):
    """Event Management: "Event field format for event collection", em/jsonv2 (`records`, `additional_info` a JSON text)."""

    records: list[dict[str, Any]] = field(default_factory=list)

    def take(self, asked: Asked) -> Said:
        need(asked.path == "/api/global/em/jsonv2", 404, "path")
        records = only(read(asked.body), {"records"}, {"records"})["records"]
        need(1 <= len(records) <= 100, 400, "records")
        for record in records:
            self._check(record)
        self.records += records
        self.identities += [json.loads(record["additional_info"])["event_identity"] for record in records]
        return said(200, {"result": {"Default Bulk Endpoint": f"{len(records)} events were inserted"}})

    def _check(self, record: dict[str, Any]) -> None:
        names = {"source", "event_class", "node", "resource", "metric_name", "type", "severity", "message_key"}
        only(record, names | {"description", "time_of_event", "additional_info"}, {"source", "severity"})
        need(all(isinstance(value, str) for value in record.values()), 400, "texts only")
        for name in ("source", "type", "node", "resource"):
            text(record.get(name, "none"), 100, name)
        need(record["severity"] in tuple("012345"), 400, "severity")
        text(record["message_key"], 1024, "message_key")
        text(record["description"], 4000, "description")
        datetime.strptime(record["time_of_event"], "%Y-%m-%d %H:%M:%S")
        info = json.loads(record["additional_info"])
        need(isinstance(info, dict) and all(isinstance(value, str) for value in info.values()), 400, "additional_info")


@dataclass
class Incidents(Strict):
    """ServiceNow's Table API: POST /now/table/incident, 201, lengths of the columns."""

    def take(self, asked: Asked) -> Said:
        need(asked.path == "/api/now/table/incident", 404, "path")
        names = {"short_description", "description", "impact", "urgency", "assignment_group", "category"}
        row = only(read(asked.body), names | {"correlation_id", "correlation_display"}, {"short_description"})
        text(row["short_description"], 160, "short_description")
        text(row["description"], 4000, "description")
        need(row["impact"] in tuple("123") and row["urgency"] in tuple("123"), 400, "impact")
        self.identities.append(text(row["correlation_id"], 100, "correlation_id"))
        return said(201, {"result": {"sys_id": "1"}})


@dataclass
class Alertmanager(Strict):
    """API v2 (prometheus.io "Alerts API"; openapi.yaml): label names, RFC 3339 times, no end before the start."""

    alerts: list[dict[str, Any]] = field(default_factory=list)

    def take(self, asked: Asked) -> Said:
        need(asked.path == "/api/v2/alerts" and asked.headers["Content-Type"] == "application/json", 415, "path, type")
        alerts = read(asked.body)
        need(isinstance(alerts, list), 400, "a list")
        for alert in alerts:
            only(alert, {"labels", "annotations", "startsAt", "endsAt", "generatorURL"}, {"labels"})
            text(alert["labels"].get("alertname"), 1000, "alertname")
            for name, value in [*alert["labels"].items(), *alert["annotations"].items()]:
                need(re.fullmatch("[a-zA-Z_][a-zA-Z0-9_]*", name) is not None, 400, name)
                need(isinstance(value, str), 400, f"{name} is no text")
            start = datetime.fromisoformat(alert["startsAt"])
            need(start <= datetime.fromisoformat(alert.get("endsAt", alert["startsAt"])), 400, "start after end")
        self.alerts += alerts
        self.identities += [alert["annotations"]["event_identity"] for alert in alerts]
        return Said(200)
