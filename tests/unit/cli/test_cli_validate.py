"""`forwarder validate` and `forwarder config show`: all mistakes at once, warnings, JSON, nothing secret."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forwarder.configuration import load_checked
from forwarder.observe.redact import SECRETS
from tests.unit.cli.conftest import ROOT, Forwarder

FIVE_MISTAKES = """\
kafka:
  groop: forwarder
sources:
  - topic: falco
    preset: falko
webhooks:
  - name: siem
    url: https://siem.example/in
    throttle: soon
  - name: chat
    url: http://chat.example/in
  - name: pager
    url: https://pager.example/in
    filter: event.severty >= 4
"""


@pytest.fixture
def mistaken(tmp_path: Path) -> Path:
    path = tmp_path / "mistaken.yaml"
    path.write_text(FIVE_MISTAKES)
    return path


def valid(**webhook: Any) -> dict[str, Any]:
    return {
        "sources": [{"topic": "falco"}],
        "webhooks": [{"name": "siem", "url": "https://siem.example/in", **webhook}],
    }


def test_five_different_mistakes_are_all_told_with_their_places(forwarder: Forwarder, mistaken: Path) -> None:
    result = forwarder("validate", "-c", mistaken)
    assert result.exit_code == 78
    lines = result.stdout.splitlines()
    wanted = [
        (2, "kafka.groop", "did you mean `group`"),
        (5, "sources[0].preset", "did you mean `falco`"),
        (9, "webhooks[siem].throttle", "30s"),
        (11, "webhooks[chat].url", "allowPlainHttp"),
        (14, "webhooks[pager].filter", "did you mean severity"),
    ]
    assert len(lines) == len(wanted) + 1
    for line, (row, path, hint) in zip(lines, wanted, strict=False):
        assert line.startswith(f"{mistaken}:{row}:")
        assert f" {path}: " in line
        assert hint in line
    assert lines[-1].startswith("5 mistakes")


def test_mistakes_as_json_are_taken_apart(forwarder: Forwarder, mistaken: Path) -> None:
    result = forwarder("validate", "-c", mistaken, "-o", "json")
    document = json.loads(result.stdout)
    assert result.exit_code == 78
    assert document["valid"] is False
    assert [(one["file"], one["line"]) for one in document["errors"]] == [(str(mistaken), n) for n in (2, 5, 9, 11, 14)]
    assert "connections" not in document


def test_a_mistake_in_a_rules_filter_is_found_too(forwarder: Forwarder, write: Callable[..., Path]) -> None:
    path = write(valid(rules=[{"name": "ok"}, {"name": "broken", "filter": "data.x =="}]))
    result = forwarder("validate", "-c", path)
    assert result.exit_code == 78
    assert "webhooks[siem].rules[1].filter" in result.stdout


def test_a_valid_configuration_is_said_to_be_valid(forwarder: Forwarder, write: Callable[..., Path]) -> None:
    result = forwarder("validate", "-c", write(valid()))
    assert (result.exit_code, result.stdout) == (0, "the configuration is valid\n")


def test_warnings_are_shown_and_refuse_nothing(forwarder: Forwarder, write: Callable[..., Path]) -> None:
    path = write(valid(allowInvalidCerts=True))
    result = forwarder("validate", "-c", path)
    assert result.exit_code == 0
    assert result.stdout.startswith("warning: ")
    assert "allowInvalidCerts" in result.stdout
    document = json.loads(forwarder("validate", "-c", path, "-o", "json").stdout)
    assert document["valid"] is True
    assert document["warnings"][0]["file"] == str(path)


def test_the_shipped_example_is_valid(forwarder: Forwarder) -> None:
    result = forwarder("validate", "-c", ROOT / "config/forwarder.yaml")
    assert (result.exit_code, result.stdout) == (0, "the configuration is valid\n")


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_config_show_fills_in_defaults_and_shows_no_secret(
    forwarder: Forwarder, write: Callable[..., Path], form: str
) -> None:
    path = write(valid(signatureKey={"@type": "Value", "secret": "sesame-open-0815"}))
    result = forwarder("config", "show", "-c", path, "-o", form)
    assert result.exit_code == 0
    assert "maxEvents" in result.stdout
    assert "sha256:" in result.stdout
    assert "sesame" not in result.stdout


def test_secrets_of_a_loaded_configuration_are_masked_in_logs(
    write: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_text("from-a-file-77\n")
    monkeypatch.setenv("A_SECRET", "from-a-variable-88")
    settings = valid(
        signatureKey={"@type": "File", "filePath": str(tmp_path / "key")},
        httpAuth={"@type": "Bearer", "bearerToken": {"@type": "EnvironmentVariable", "variableName": "A_SECRET"}},
        httpHeaders={"X-Key": {"@type": "Value", "secret": "in-the-file-99"}},
    )
    settings["kafka"] = {"security": {
        "protocol": "SASL_SSL", "username": "me", "password": {"@type": "Value", "secret": "of-kafka-66"},
    }}  # fmt: skip
    load_checked(write(settings))
    said = SECRETS.text("a from-a-file-77 b from-a-variable-88 c in-the-file-99 d of-kafka-66")
    assert said == "a *** b *** c *** d ***"
