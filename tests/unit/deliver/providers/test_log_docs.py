"""Every example of docs/log-receivers.md can be loaded and renders events."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from forwarder.configuration import load_checked
from forwarder.deliver.payload.registry import provider_of
from tests.unit.deliver.make import event

PAGE = Path(__file__).resolve().parents[4] / "docs" / "log-receivers.md"
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
SECRETS = ("HEC_TOKEN", "ELASTIC_API_KEY", "OPENSEARCH_PASSWORD", "LOKI_TOKEN")


@pytest.mark.parametrize("example", EXAMPLES, ids=[re.findall("name: (.*)", each)[0] for each in EXAMPLES])
def test_an_example_works(tmp_path: Path, example: str) -> None:
    path = tmp_path / "forwarder.yaml"
    path.write_text(f"sources: [{{topic: t}}]\nwebhooks:\n{example}", encoding="utf-8")
    loaded = load_checked(path, dict.fromkeys(SECRETS, "a-secret-of-the-test"))
    assert not loaded.warnings
    for hook in loaded.settings.webhooks:
        assert provider_of(hook.payload, "c").render([event(b'{"a":1}'), event(None)]).content


def test_there_are_examples_of_all() -> None:
    assert set(re.findall("format: ([a-z]+)", "".join(EXAMPLES))) == {"splunk", "elastic", "opensearch", "loki", "otlp"}
