"""What is generated from the models is what is checked in, and the example is valid by all of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from forwarder.settings import reference, schema
from forwarder.settings.load import load
from forwarder.settings.process import Settings
from forwarder.settings.webhook import Webhook

from .place import Place

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "config" / "forwarder.yaml"


def test_the_schema_is_up_to_date() -> None:
    assert (ROOT / "config" / "schema.json").read_text() == schema.text(), (
        "python -m forwarder.settings.schema > config/schema.json"
    )


def test_the_reference_is_up_to_date() -> None:
    assert (ROOT / "docs" / "configuration.md").read_text() == reference.text(), (
        "python -m forwarder.settings.reference > docs/configuration.md"
    )


def test_the_example_is_valid_and_gives_no_warning() -> None:
    loaded = load(EXAMPLE, {})
    assert loaded.warnings == ()
    assert len(loaded.settings.webhooks) == 5 and len(loaded.files) == 4


def test_every_section_of_the_settings_is_in_the_example() -> None:
    assert set(yaml.safe_load(EXAMPLE.read_text())) == {
        info.alias or name for name, info in Settings.model_fields.items()
    }


def below(model: type[BaseModel]) -> set[type[BaseModel]]:
    found, waiting = set(), [model]
    while waiting:
        here = waiting.pop()
        if here not in found:
            found.add(here)
            waiting += [m for info in here.model_fields.values() for m in _models(info.annotation)]
    return found


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in getattr(annotation, "__args__", ()) for model in _models(part)]


def test_every_field_of_every_model_is_described() -> None:
    bare = [
        f"{m.__name__}.{n}"
        for m in below(Settings)
        for n, info in m.model_fields.items()
        if n != "type" and not info.description
    ]
    assert bare == []


def test_every_field_is_in_the_reference() -> None:
    page = reference.text()
    for model in below(Settings):
        for name, info in model.model_fields.items():
            if name != "type" and not _models(info.annotation):
                assert re.search(rf"`([\w.\[\]]+\.)?{info.alias or name}`", page), f"{model.__name__}.{name}"
    assert "FORWARDER_KAFKA_SECURITY_PASSWORD" in page


def faults(value: Any, rule: dict[str, Any], defs: dict[str, Any], path: str = "") -> list[str]:
    """A validator of the part of JSON Schema that the generated schema uses."""
    if "$ref" in rule:
        return faults(value, defs[rule["$ref"].removeprefix("#/$defs/")], defs, path)
    if word := next((word for word in ("anyOf", "oneOf") if word in rule), None):
        return _choice_faults([faults(value, part, defs, path) for part in rule[word]], word, path)
    if "not" in rule and faults(value, rule["not"], defs, path) == []:
        return [f"{path}: {value!r} is taken"]
    kinds = {
        "object": dict,
        "array": list,
        "string": str,
        "boolean": bool,
        "integer": int,
        "number": (int, float),
        "null": type(None),
    }
    if ("const" in rule and value != rule["const"]) or ("enum" in rule and value not in rule["enum"]):
        return [f"{path}: {value!r}"]
    if "type" in rule and (
        not isinstance(value, kinds[rule["type"]]) or (isinstance(value, bool) and rule["type"] != "boolean")
    ):
        return [f"{path}: {value!r} is no {rule['type']}"]
    if isinstance(value, dict):
        return _object_faults(value, rule, defs, path)
    if isinstance(value, list):
        return [
            fault for i, item in enumerate(value) for fault in faults(item, rule.get("items", {}), defs, f"{path}[{i}]")
        ]
    if isinstance(value, str) and not re.search(rule.get("pattern", ""), value):
        return [f"{path}: {value!r} does not match"]
    return [f"{path}: too small"] if isinstance(value, int | float) and value < rule.get("minimum", value) else []


def _choice_faults(tries: list[list[str]], word: str, path: str) -> list[str]:
    if word == "oneOf" and tries.count([]) > 1:
        return [f"{path}: more than one form fits"]
    return [] if [] in tries else min(tries, key=len)


def _object_faults(value: dict[str, Any], rule: dict[str, Any], defs: dict[str, Any], path: str) -> list[str]:
    known, rest = rule.get("properties", {}), rule.get("additionalProperties", True)
    found = [f"{path}.{name} is missing" for name in rule.get("required", ()) if name not in value]
    for name, item in value.items():
        inner = known.get(name, rest)
        found += (
            [f"{path}.{name} is unknown"]
            if inner is False
            else faults(item, inner if isinstance(inner, dict) else {}, defs, f"{path}.{name}")
        )
    return found


def test_the_example_matches_the_schema() -> None:
    document = schema.schema()
    assert faults(yaml.safe_load(EXAMPLE.read_text()), document, document["$defs"]) == []
    hooks = yaml.safe_load((ROOT / "config" / "webhooks" / "other-products.yaml").read_text())
    assert faults({"sources": [{"topic": "t"}], "webhooks": hooks}, document, document["$defs"]) == []


@pytest.mark.parametrize(
    ("fields", "good"),
    [
        ({"maxEvents": 5}, True),
        ({"maxEvents": "${N}"}, True),
        ({"maxEvents": "five"}, False),
        ({"throttle": "5s"}, True),
        ({"throttle": 5}, True),
        ({"throttle": "5 weeks"}, False),
        ({"discardAfter": "never"}, True),
        ({"throttle": "never"}, False),
        ({"level": "HIGH"}, False),
        ({"level": "high"}, True),
        ({"payload": {"format": "splunk", "index": "main"}}, True),
        ({"payload": {"format": "splunk", "indx": "main"}}, False),
        ({"payload": {"timestampFormat": "rfc3339"}}, True),
        ({"unknown": 1}, False),
        ({"httpHeaders": {"A": "b", "C": {"@type": "Value", "secret": "s"}}}, True),
        ({"signatureKey": {"@type": "Valu"}}, False),
    ],
)
def test_the_schema_and_the_loader_agree(place: Place, fields: dict[str, Any], good: bool) -> None:
    hook = {"name": "a", "url": "https://a.example/", **fields}
    config = {"sources": [{"topic": "t"}], "webhooks": [hook]}
    document = schema.schema()
    assert (faults(config, document, document["$defs"]) == []) is good
    if good:
        load(place.write(json.dumps(config)), {"N": "5"})


def test_what_is_shown_is_a_configuration_again(place: Place) -> None:
    from forwarder.settings.show import as_yaml

    settings = load(EXAMPLE, {}).settings
    text = as_yaml(
        settings.model_copy(update={"webhooks_dir": None, "providers_dir": None, "webhooks": settings.webhooks[1:3]})
    )
    assert place.load(text).settings.webhooks == settings.webhooks[1:3]


def test_every_field_has_a_default_that_is_valid() -> None:
    hook = Webhook(name="a", url="https://a.example/")
    assert Webhook.model_validate(hook.model_dump()) == hook
