"""`forwarder events`: what services answer, added up, filtered and shown; and the event sets."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import Forwarder


def row(kind: str | None, count: int = 1, topic: str = "audit", **more: Any) -> dict[str, Any]:
    hooks = more.pop("webhooks", {"siem": "yes"})
    nobody = kind is not None and all(how == "disabled" for how in hooks.values())
    return {
        "topic": topic, "type": kind, "title": "", "sets": [], "count": count, "firstSeen": "2026-01-01T00:00:00Z",
        "lastSeen": "2026-01-02T00:00:00Z", "webhooks": hooks, "nobody": nobody, "partial": False, **more,
    }  # fmt: skip


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """Services on loopback that answer `/events` with these rows; their address."""
    servers: list[ThreadingHTTPServer] = []

    def start(*rows: dict[str, Any], body: bytes | None = None, status: int = 200) -> str:
        answer = json.dumps({"webhooks": ["siem", "chat"], "types": rows}).encode() if body is None else body

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status if self.path == "/events" else 404)
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None:
                pass

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, args=(0.01,), daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def listed(result: Any) -> list[tuple[str | None, int]]:
    assert result.exit_code == 0, result.stderr
    return [(one["type"], one["count"]) for one in json.loads(result.stdout)["types"]]


def test_types_are_shown_with_title_count_and_webhooks_and_those_that_nobody_gets_are_marked(
    forwarder: Forwarder, serve: Callable[..., str]
) -> None:
    url = serve(
        row("login", 3, title="Login & audit", webhooks={"siem": "yes", "chat": "filter"}),
        row("noise", 2, webhooks={}),
        row("off", 1, webhooks={"siem": "disabled"}),
        row("", 1),
        row("many", 1, partial=True),
        row(None, 9, webhooks={}),
    )
    lines = forwarder("events", "--url", url).stdout.splitlines()
    cells = [line.split("  ") for line in lines]
    assert [[part.strip() for part in cell if part.strip()] for cell in cells[:7]] == [
        ["topic", "type", "title", "count", "last seen", "webhooks"],
        ["audit", "login", "Login & audit", "3", "2026-01-02T00:00:00Z", "siem, chat (filter)"],
        ["audit", "noise", "2", "2026-01-02T00:00:00Z", "NOBODY"],
        ["audit", "(none)", "1", "2026-01-02T00:00:00Z", "siem"],
        ["audit", "many", "1", "2026-01-02T00:00:00Z", "siem, ?"],
        ["audit", "off", "1", "2026-01-02T00:00:00Z", "NOBODY: siem (disabled)"],
        ["audit", "(all other types)", "9", "2026-01-02T00:00:00Z", "?"],
    ]
    assert lines[-1] == "5 types; 2 of them go to nobody"


def test_several_services_are_added_up(forwarder: Forwarder, serve: Callable[..., str]) -> None:
    one = serve(row("a", 3, webhooks={"siem": "filter"}), row("b", 1, webhooks={}, lastSeen=None, firstSeen=None))
    two = serve(
        row("a", 4, lastSeen="2026-02-01T00:00:00Z"), row("b", 1, firstSeen="2025-01-01T00:00:00Z"), row("c", 1)
    )
    result = forwarder("events", "--url", one, "--url", two, "-o", "json")
    assert listed(result) == [("a", 7), ("b", 2), ("c", 1)]
    a, b, _ = json.loads(result.stdout)["types"]
    assert (a["webhooks"], a["lastSeen"]) == ({"siem": "yes"}, "2026-02-01T00:00:00Z")
    assert (b["nobody"], b["firstSeen"], b["lastSeen"]) == (False, "2025-01-01T00:00:00Z", "2026-01-02T00:00:00Z")


def test_one_webhook_or_one_topic_may_be_asked_for(forwarder: Forwarder, serve: Callable[..., str]) -> None:
    url = serve(row("a"), row("b", webhooks={"chat": "filter"}), row("c", topic="other", webhooks={"chat": "yes"}))
    assert listed(forwarder("events", "--url", url, "--webhook", "chat", "-o", "json")) == [("b", 1), ("c", 1)]
    assert listed(forwarder("events", "--url", url, "--topic", "other", "-o", "json")) == [("c", 1)]
    assert "no event type was seen" in forwarder("events", "--url", url, "--topic", "nowhere").stdout


def test_a_webhook_that_does_not_exist_is_an_error_with_the_nearest(
    forwarder: Forwarder, serve: Callable[..., str]
) -> None:
    result = forwarder("events", "--url", serve(row("a")), "--webhook", "sime")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no webhook is called 'sime' (did you mean `siem`?); there are: siem, chat" in result.stderr


def test_what_producers_wrote_cannot_command_the_terminal(forwarder: Forwarder, serve: Callable[..., str]) -> None:
    shown = forwarder("events", "--url", serve(row("a\x1b[2J\nb", title="\x07"))).stdout
    assert "a\\x1b[2J\\nb" in shown and "\x1b" not in shown and "\x07" not in shown


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("refused", "Connection refused"),
        ("rows", "missing required field"),
        ("other", "HTTP 500"),
        ("junk", "JSON is malformed"),
        ("scheme", "is no address"),
    ],
)
def test_a_service_that_does_not_answer_is_one_line_that_says_where_to_look(
    forwarder: Forwarder, serve: Callable[..., str], kind: str, said: str
) -> None:
    url = {
        "refused": lambda: "http://127.0.0.1:1",
        "other": lambda: serve(status=500),
        "rows": lambda: serve(body=b'{"types": [{"topic": "t"}]}'),
        "junk": lambda: serve(body=b"nothing"),
        "scheme": lambda: "file:///etc/passwd",
    }[kind]()
    result = forwarder("events", "--url", url)
    assert (result.exit_code, result.stdout) == (1, "")
    assert said in result.stderr and "Traceback" not in result.stderr


def test_without_an_address_the_configurations_own_service_is_asked(
    forwarder: Forwarder, serve: Callable[..., str], write: Callable[[dict[str, Any]], Path]
) -> None:
    port = serve(row("a", 5)).rpartition(":")[2]
    config = write({"sources": [{"topic": "audit"}], "http": {"listen": f"0.0.0.0:{port}"}})
    assert listed(forwarder("events", "-c", config, "-o", "json")) == [("a", 5)]
    free = write({"sources": [{"topic": "audit"}], "http": {"listen": "127.0.0.1:0"}})
    assert "give --url" in forwarder("events", "-c", free).stderr


def test_kafka_that_is_not_there_is_one_line(forwarder: Forwarder, write: Callable[[dict[str, Any]], Path]) -> None:
    result = forwarder(
        "events", "-c", write({"kafka": {"brokers": "127.0.0.1:1"}, "sources": [{"topic": "t"}]}), "--from-kafka"
    )
    assert (result.exit_code, result.stdout) == (1, "")
    assert "nothing listens on 127.0.0.1:1 (kafka.brokers)" in result.stderr


def test_a_topic_that_no_source_reads_is_not_read(
    forwarder: Forwarder, write: Callable[[dict[str, Any]], Path]
) -> None:
    result = forwarder("events", "-c", write({"sources": [{"topic": "audit"}]}), "--from-kafka", "--topic", "audti")
    assert result.exit_code == 1 and "(did you mean `audit`?)" in result.stderr


def test_a_service_and_kafka_are_not_asked_at_the_same_time(forwarder: Forwarder) -> None:
    result = forwarder("events", "--url", "http://127.0.0.1:1", "--from-kafka")
    assert result.exit_code == 2


def test_sets_are_listed_without_a_configuration_and_with_one_that_says_who_uses_them(
    forwarder: Forwarder, tmp_path: Path, write: Callable[[dict[str, Any]], Path]
) -> None:
    bare = json.loads(forwarder("events", "--sets", "-c", tmp_path / "none.yaml", "-o", "json").stdout)["sets"]
    assert {one["from"] for one in bare} == {"shipped", "shipped, guessed"}
    config = write({
        "sources": [{"topic": "audit"}],
        "eventSets": {"mine": {"title": "Mine", "events": ["a.*"]}},
        "webhooks": [
            {"name": "siem", "url": "https://x.example/", "eventSets": ["mine", "sourcedefense.new-scripts"]},
            {"name": "chat", "url": "https://x.example/", "rules": [{"name": "r", "eventSets": ["mine"]}]},
        ],
    })  # fmt: skip
    found = {
        one["name"]: one for one in json.loads(forwarder("events", "--sets", "-c", config, "-o", "json").stdout)["sets"]
    }
    assert (found["mine"]["from"], found["mine"]["webhooks"]) == ("configuration", ["siem", "chat"])
    assert (found["sourcedefense.new-scripts"]["from"], found["sourcedefense.new-scripts"]["webhooks"]) == (
        "shipped",
        ["siem"],
    )
    assert len(found) == len(bare) + 1
    assert "Mine" in forwarder("events", "--sets", "-c", config).stdout
