"""Every example of docs/message-receivers.md can be loaded and renders events; what the page promises of `$(...)` lines is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from forwarder.configuration import load_checked
from forwarder.deliver.payload.registry import CODE, provider_of
from tests.unit.deliver.make import event

PAGE = Path(__file__).resolve().parents[4] / "docs" / "message-receivers.md"
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=[re.findall("name: (.*)", each)[0] for each in EXAMPLES])
def test_an_example_works(tmp_path: Path, example: str) -> None:
    path = tmp_path / "forwarder.yaml"
    path.write_text(f"sources: [{{topic: t}}]\nwebhooks:\n{example}", encoding="utf-8")
    loaded = load_checked(path, {"CONSUMER_KEY": "whsec_" + "QUJD" * 8})
    assert not loaded.warnings
    for hook in loaded.settings.webhooks:
        given = [event(b'{"port":443,"ip":"10.0.0.1"}', type="Asset Ports")]
        content = provider_of(hook.payload, "c").render(given).content
        assert b"10.0.0.1" in content


def test_there_are_examples_of_all() -> None:
    chats = {"slack", "teams", "discord", "googlechat", "mattermost"}
    found = set(re.findall("format: ([a-z-]+)", "".join(EXAMPLES)))
    assert found == chats | {"connectsecure", "cloudevents", "standard-webhooks"}
    assert chats < CODE.keys()
