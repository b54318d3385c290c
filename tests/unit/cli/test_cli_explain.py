"""`forwarder explain`: the envelope as read, every webhook with its conditions, from files and standard input."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forwarder.cli import samples
from tests.unit.cli.conftest import Forwarder

SETTINGS: dict[str, Any] = {
    "sources": [{"topic": "falco", "preset": "falco"}, {"topic": "mail", "preset": "stalwart"}],
    "tenants": {"group": {"children": ["payments"]}},
    "webhooks": [
        {"name": "siem", "url": "https://siem.example/in"},
        {"name": "pager", "url": "https://pager.example/in", "level": "high"},
        {"name": "parent", "url": "https://parent.example/in", "tenants": ["group"], "includeChildren": True},
        {"name": "ruled", "url": "https://ruled.example/in", "rules": [
            {"name": "tty", "filter": "data.output_fields['proc.tty'] > 0"}, {"name": "never", "level": "fatal"},
        ]},
        {"name": "asleep", "url": "https://asleep.example/in", "enable": False},
    ],
}  # fmt: skip


@pytest.fixture
def config(write: Callable[..., Path]) -> Path:
    return write(SETTINGS)


@pytest.fixture
def falco(tmp_path: Path) -> Path:
    path = tmp_path / "falco.json"
    path.write_bytes(samples.value("falco"))
    return path


def test_the_envelope_and_every_verdict_are_told(forwarder: Forwarder, config: Path, falco: Path) -> None:
    result = forwarder("explain", falco, "-c", config, "--topic", "falco")
    said = result.stdout
    assert result.exit_code == 0
    for line in ("type      Terminal shell in container", "severity  2 (low)", "tenant    payments", "preset falco"):
        assert line in said
    assert "it goes to 4 of 5 webhooks" in said
    assert "siem: YES" in said
    assert "pager: NO" in said
    assert "severity 2 is below level 4" in said
    assert "tenant payments is a descendant of group" in said
    assert "asleep: yes, but it is disabled: nothing is sent" in said


def test_rules_are_told_one_by_one(forwarder: Forwarder, config: Path, falco: Path) -> None:
    said = forwarder("explain", falco, "-c", config, "--topic", "falco").stdout
    ruled = said[said.index("ruled: YES") : said.index("asleep:")]
    assert "rule tty " in ruled
    assert [line.split()[2] for line in ruled.splitlines() if "rule never" in line] == ["-"]


def test_json_has_the_same_decisions(forwarder: Forwarder, config: Path, falco: Path) -> None:
    document = json.loads(forwarder("explain", falco, "-c", config, "--topic", "falco", "-o", "json").stdout)
    assert document["event"]["severity"] == 2
    assert {one["webhook"]: one["matched"] for one in document["webhooks"]} == {
        "siem": True, "pager": False, "parent": True, "ruled": True, "asleep": True,
    }  # fmt: skip
    pager = next(one for one in document["webhooks"] if one["webhook"] == "pager")
    assert [step["passed"] for step in pager["steps"]] == [True, True, False, None, None, None]


def test_standard_input_key_and_headers_reach_the_filters(forwarder: Forwarder, write: Callable[..., Path]) -> None:
    hook = {"name": "h", "url": "https://h.example/in", "filter": 'headers["ce_type"] == "a=b" && key == "k1"'}
    path = write({"sources": [{"topic": "only"}], "webhooks": [hook]})
    arguments = ("explain", "-", "-c", path, "--header", "ce_type=a=b")
    assert "h: YES" in forwarder(*arguments, "--key", "k1", stdin=b'{"x": 1}').stdout
    assert "h: NO" in forwarder(*arguments, "--key", "k2", stdin=b'{"x": 1}').stdout


def test_an_unreadable_record_is_told_as_such(forwarder: Forwarder, config: Path) -> None:
    result = forwarder("explain", "-", "-c", config, "--topic", "falco", stdin=b"{broken")
    assert result.exit_code == 0
    assert "not_json" in result.stdout
    assert "it goes to 0 of 5 webhooks" in result.stdout
    assert "dead-letter topic" in result.stdout


def test_the_topic_must_be_named_when_there_are_several(forwarder: Forwarder, config: Path, falco: Path) -> None:
    result = forwarder("explain", falco, "-c", config)
    assert result.exit_code == 1
    assert "--topic is needed" in result.stderr
    assert "falco, mail" in result.stderr


def test_an_unknown_topic_gets_a_suggestion(forwarder: Forwarder, config: Path, falco: Path) -> None:
    result = forwarder("explain", falco, "-c", config, "--topic", "flaco")
    assert result.exit_code == 1
    assert "did you mean `falco`" in result.stderr


def test_a_file_that_is_not_there_is_said_without_a_traceback(forwarder: Forwarder, config: Path) -> None:
    result = forwarder("explain", "nowhere.json", "-c", config, "--topic", "falco")
    assert result.exit_code == 1
    assert result.stderr == "forwarder: nowhere.json cannot be read: No such file or directory\n"


def test_a_header_without_a_value_is_a_usage_error(forwarder: Forwarder, config: Path, falco: Path) -> None:
    result = forwarder("explain", falco, "-c", config, "--topic", "falco", "--header", "lonely")
    assert result.exit_code == 2
    assert "name=value" in result.stderr


@pytest.mark.parametrize("name", samples.NAMES)
def test_auto_tells_which_preset_it_found(forwarder: Forwarder, write: Callable[..., Path], name: str) -> None:
    path = write({"sources": [{"topic": "mixed"}], "webhooks": [{"name": "w", "url": "https://w.example/"}]})
    said = forwarder("explain", "-", "-c", path, stdin=samples.value(name)).stdout
    assert f"event (read with preset auto: {name})" in said


def test_auto_tells_binary_cloudevents_by_their_headers(forwarder: Forwarder, write: Callable[..., Path]) -> None:
    path = write({"sources": [{"topic": "mixed"}], "webhooks": [{"name": "w", "url": "https://w.example/"}]})
    headers = [("specversion", "1.0"), ("id", "1"), ("source", "/s"), ("type", "t.x")]
    options = [word for name, value in headers for word in ("--header", f"ce_{name}={value}")]
    said = forwarder("explain", "-", "-c", path, *options, stdin=b"not json").stdout
    assert "preset auto: cloudevents" in said
    assert "type      t.x" in said
