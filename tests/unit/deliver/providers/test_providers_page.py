"""docs/providers.md says what is so, and its examples work."""

from __future__ import annotations

from pathlib import Path

import yaml

from forwarder.configuration import load_checked
from forwarder.deliver.payload.provider import Provider
from forwarder.deliver.payload.registry import CODE, provider_of
from forwarder.model.event import event_id
from forwarder.settings.payload import MODELS
from forwarder.settings.providers import reference
from tests.unit.deliver.make import event, secret
from tests.unit.deliver.providers.reading import values

FORMATS = tuple(MODELS)
DATA = tuple(name for name in FORMATS if MODELS[name].spec.body is not None)
DOCS = Path(__file__).resolve().parents[4] / "docs" / "providers.md"


def test_the_page_is_up_to_date() -> None:
    assert DOCS.read_text("utf-8") == reference.text(), (
        "python -m forwarder.settings.providers.reference > docs/providers.md"
    )


def test_the_page_says_of_code_what_is_so() -> None:
    looking = {n for n, kind in CODE.items() if kind.read is not Provider.read or kind.after is not Provider.after}
    assert set(reference.ANSWERS) == looking
    assert set(reference.CUTS) == set(FORMATS) - set(DATA)


def test_the_example_of_ones_own_loads(tmp_path: Path) -> None:
    own = yaml.safe_load((Path(reference.__file__).parent / "own.yaml").read_text("utf-8"))
    hook = {
        "name": "siem",
        "url": "https://siem.example.com/intake",
        "payload": {"format": "my-siem", "token": secret("t" * 20)},
    }
    path = tmp_path / "forwarder.yaml"
    path.write_text(yaml.safe_dump({"sources": [{"topic": "t"}], **own, "webhooks": [hook]}), "utf-8")
    payload = load_checked(path, {}).settings.webhooks[0].payload
    (read,) = values(provider_of(payload, "c").render([event(b'{"user":{"name":"ada"}}')]))
    assert read["index"] == "main" and read["events"][0]["who"] == "ada"
    assert read["events"][0]["key"] == event_id(event(), "c")
