"""`forwarder render`: the request of an event, of several as a batch, of samples, and of every format."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forwarder.settings.providers.catalogue import builtin
from tests.unit.cli.conftest import Forwarder

SETTINGS: dict[str, Any] = {
    "sources": [{"topic": "falco", "preset": "falco"}],
    "webhooks": [
        {
            "name": "slack",
            "url": "https://hooks.example/in?token=sesame",
            "payload": {"format": "template", "template": "slack-violation"},
            "httpAuth": {"@type": "Bearer", "bearerToken": {"@type": "Value", "secret": "open-sesame"}},
        },
        {
            "name": "digest",
            "url": "https://hooks.example/in",
            "payload": {"format": "template", "template": "slack-digest"},
            "maxEvents": 2,
        },
        {
            "name": "strict",
            "url": "https://hooks.example/in",
            "payload": {"format": "template", "body": '{\n "u": "{{ data.user.name }}"}'},
        },
    ],
}
EVENT = '{"rule":"A \\"rule\\"","priority":"Critical","time":"2026-03-14T12:41:07Z","output":"open-sesame"}'


@pytest.fixture
def config(write: Callable[..., Path]) -> Path:
    return write(SETTINGS)


@pytest.fixture
def one(tmp_path: Path) -> Path:
    path = tmp_path / "event.json"
    path.write_text(EVENT)
    return path


def test_the_request_of_an_event_is_shown_without_secrets(forwarder: Forwarder, config: Path, one: Path) -> None:
    result = forwarder("render", "slack", one, "-c", config)
    assert result.exit_code == 0
    head, _, body = result.stdout.partition("\n\n")
    assert head.splitlines()[:2] == ["=== slack (1 event)", "POST https://hooks.example/in?***"]
    assert "Content-Type: application/json" in head and "Authorization: ***" in head and "Forwarder-Test" not in head
    assert json.loads(body)["text"] == 'Violated: A "rule"'
    assert "sesame" not in result.output


def test_as_json_each_part_stands_alone(forwarder: Forwarder, config: Path, one: Path) -> None:
    found = json.loads(forwarder("render", "slack", one, "-c", config, "-o", "json").stdout)
    assert [found[0][key] for key in ("title", "events", "method", "problem")] == ["slack", 1, "POST", ""]
    assert json.loads(found[0]["body"])["blocks"]
    assert found[0]["headers"]["Authorization"] == "***"


def test_several_events_are_batches_as_the_webhook_makes_them(
    forwarder: Forwarder, config: Path, tmp_path: Path
) -> None:
    lines = tmp_path / "events.ndjson"
    lines.write_text(f"{EVENT}\n\n{EVENT}\n{EVENT}\n")
    found = json.loads(forwarder("render", "digest", lines, "--lines", "-c", config, "-o", "json").stdout)
    assert [entry["events"] for entry in found] == [2, 1]
    assert json.loads(found[0]["body"])["text"] == "2 events, worst severity critical"
    found = json.loads(forwarder("render", "slack", lines, "--lines", "-c", config, "-o", "json").stdout)
    assert [entry["events"] for entry in found] == [1, 1, 1]


def test_an_event_comes_from_standard_input_too(forwarder: Forwarder, config: Path) -> None:
    result = forwarder("render", "slack", "-", "-c", config, stdin=EVENT.encode())
    assert result.exit_code == 0 and "Violated" in result.stdout


def test_without_an_event_samples_are_shown(forwarder: Forwarder, config: Path) -> None:
    result = forwarder("render", "slack", "-c", config)
    assert result.exit_code == 0
    assert "=== slack: a sample of falco (1 event)" in result.stdout
    assert "Terminal shell in container" in result.stdout


def test_what_cannot_be_rendered_is_told_with_line_and_column(forwarder: Forwarder, config: Path, one: Path) -> None:
    result = forwarder("render", "strict", one, "-c", config)
    assert result.exit_code == 1
    assert "no request: template: 2:20: data.user.name is missing" in result.stdout


def test_an_event_that_cannot_be_read_is_told(forwarder: Forwarder, config: Path, tmp_path: Path) -> None:
    path = tmp_path / "broken.json"
    path.write_text("{")
    result = forwarder("render", "slack", path, "-c", config)
    assert result.exit_code == 1
    assert "no request: the event at offset 0 cannot be read: not_json" in result.stdout


def test_one_event_through_every_built_in_format(forwarder: Forwarder, one: Path) -> None:
    found = json.loads(forwarder("render", "--all", one, "-o", "json").stdout)
    assert {entry["title"]: entry["problem"] for entry in found} == dict.fromkeys(builtin(), "")
    assert all(entry["method"] == "POST" and entry["url"].startswith("https://") and entry["body"] for entry in found)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("slak",), "there is no webhook 'slak' (did you mean `slack`?)"),
        (("slack", "nowhere.json"), "nowhere.json cannot be read: No such file or directory"),
        (("slack", "--topic", "x", "EVENT"), "no source reads topic 'x'"),
    ],
)
def test_a_wrong_name_is_told(
    forwarder: Forwarder, config: Path, one: Path, arguments: tuple[str, ...], said: str
) -> None:
    result = forwarder("render", *(one if word == "EVENT" else word for word in arguments), "-c", config)
    assert result.exit_code == 1
    assert said in result.stderr
