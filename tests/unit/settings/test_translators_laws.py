"""Whatever stands in another product's document: translating it ends in a native document and problems, never in an exception."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forwarder.settings import dialects
from forwarder.settings.dialects import connectsecure, sift, sourcedefense, sysdig
from forwarder.settings.imports import falcosidekick, stalwart
from forwarder.settings.imports.outcome import Outcome, Unusable
from forwarder.settings.imports.outputs import OUTPUTS
from forwarder.settings.imports.written import text
from forwarder.settings.json_tree import parse_json
from forwarder.settings.tree import MapNode, plain
from forwarder.settings.yaml_tree import parse_yaml

ATTRIBUTES = {
    "connectsecure": connectsecure._ATTRIBUTES, "sift": sift._ATTRIBUTES, "sourcedefense": sourcedefense._ATTRIBUTES,
    "sysdig": sysdig._ATTRIBUTES, "stalwart": ("events", "payload", "level", "id"),
}  # fmt: skip
NATIVE = ("httpHeaders", "httpAuth", "payload", "tenants", "eventSets", "rateLimit", "signatureKey", "maxEvents", "url")
WORDS = st.sampled_from([
    "", "splunk", "custom", "New Scripts", "a.b", "Rule Violation", "{{.RuleName}}", "https://x.example/?a=1", "true", "7",
    "${X}", "a:b,c:d", "\x00\n# ", "@type", "Value",
])  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers(-2, 99999) | WORDS
KEYS = st.sampled_from(["key", "name", "value", "@type", "secret", "url", "list", "events", "0000", "auth", "x.y"])
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=6
)


@pytest.mark.parametrize("dialect", ATTRIBUTES)
@given(data=st.data())
def test_a_dialect_translates_anything(dialect: str, data: st.DataObject) -> None:
    keys = st.sampled_from([*ATTRIBUTES[dialect], *NATIVE])
    document = data.draw(st.dictionaries(keys, VALUES, max_size=6))
    node = parse_json(json.dumps({"name": "a", "dialect": dialect, **document}), "file.json")
    assert isinstance(node, MapNode)
    translated = dialects.native(node)
    native = plain(translated.node)
    assert native["name"] == "a" and "dialect" not in native
    assert not set(ATTRIBUTES[dialect]) - {"events", "payload", "level"} & set(native)
    assert all(problem.mark.line == 1 and problem.path for problem in translated.problems)


SECTIONS = st.sampled_from([one.name.partition(".")[0] for one in OUTPUTS] + ["kafka", "tlsclient", "x"])
SETTINGS = st.sampled_from(
    sorted({one.needs for one in OUTPUTS} | {"customheaders", "checkcert", "mutualtls", "logs", "topic"})
)


@given(st.dictionaries(SECTIONS, VALUES | st.dictionaries(SETTINGS, VALUES)), st.booleans())
def test_any_falcosidekick_file_becomes_a_document_that_can_be_read(document: dict[str, Any], reveal: bool) -> None:
    outcome = Outcome(reveal=reveal)
    falcosidekick.translate(json.dumps(document), outcome, "falco")
    (node,) = parse_yaml(text(outcome, "falcosidekick x"), "file.yaml")
    assert {"sources", "webhooks"} <= set(plain(node))
    names = [hook["name"] for hook in outcome.webhooks]
    assert len(names) == len(set(names))


@given(
    VALUES
    | st.dictionaries(st.sampled_from(["webhook.a.url", "webhook.a.events.0", "methodResponses", "list"]), VALUES)
)
def test_any_json_is_stalwarts_or_refused(document: Any) -> None:
    outcome = Outcome()
    try:
        stalwart.translate(json.dumps(document), outcome, "stalwart")
    except Unusable:
        assert not outcome.webhooks
        return
    (node,) = parse_yaml(text(outcome, "stalwart x"), "file.yaml")
    assert len(plain(node)["webhooks"]) == len(outcome.webhooks) > 0


@given(st.text(alphabet="webhook.a=\"'[]{}\n 0\\%:", max_size=60))
def test_any_text_is_stalwarts_or_refused(content: str) -> None:
    try:
        stalwart.translate(content, Outcome(), "stalwart")
    except Unusable as error:
        assert "no webhook is in it" in str(error)
