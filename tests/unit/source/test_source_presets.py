"""What each preset makes of fields that are missing, of another type, or in competition."""

from __future__ import annotations

import json

import pytest
from source_records import STAMP_MS, decode

from forwarder.model.event import Unreadable
from forwarder.source.presets import auto, registry
from forwarder.source.presets.base import Body, Preset

JSON_PRESETS = sorted(registry.BY_NAME)


@pytest.mark.parametrize("preset", JSON_PRESETS)
def test_an_object_without_any_field_is_still_an_event(preset: str) -> None:
    event = decode({"other": 1}, preset)
    assert event.problem is None
    assert (event.id, event.type, event.severity, event.tenant) == ("", "", 0, "")
    assert event.time_ns == STAMP_MS * 1_000_000


@pytest.mark.parametrize("preset", JSON_PRESETS)
@pytest.mark.parametrize("value", [b"[]", b"1", b'"text"', b"null", b"[1, {}]"])
def test_json_that_is_no_object_is_no_envelope_of_a_configured_preset(preset: str, value: bytes) -> None:
    event = decode(value, preset)
    assert event.problem is Unreadable.NOT_AN_ENVELOPE
    assert preset in event.detail


@pytest.mark.parametrize("value", [b"[]", b"1", b'"text"', b"null", b"true", b"{}", b' {"a": [1]} '])
def test_json_that_fits_no_preset_is_an_event_of_its_topic(value: bytes) -> None:
    event = decode(value)
    assert (event.problem, event.type, event.text, event.value) == (None, "events", False, value)


def test_one_field_of_the_wrong_type_loses_only_itself() -> None:
    alert = {"time": [], "rule": {"name": "x"}, "priority": ["Error", "Debug"], "output_fields": None, "uuid": 17}
    event = decode(alert, "falco")
    assert (event.id, event.type, event.severity, event.tenant) == ("17", "", 4, "")
    assert event.time_ns == STAMP_MS * 1_000_000


def test_numbers_become_text_and_booleans_are_missing() -> None:
    event = decode({"id": 12345678901234567890123, "type": 4.5, "createdAt": 1700000000, "data": {}}, "stalwart")
    assert (event.id, event.type, event.time_ns) == ("12345678901234567890123", "4.5", 1_700_000_000 * 10**9)
    assert decode({"id": True, "type": False}, "stalwart").id == ""


def test_a_number_that_no_machine_can_hold_loses_only_itself() -> None:
    event = decode(b'{"rule":"r","priority":"Error","time":1e999,"uuid":1e999,"output_fields":{}}', "falco")
    assert (event.problem, event.id, event.type, event.severity) == (None, "", "r", 4)


def test_a_cloudevent_is_identified_by_source_and_id_together() -> None:
    def identity(source: str, number: str) -> str:
        return decode({"specversion": "1.0", "type": "t", "source": source, "id": number}, "cloudevents").id

    assert identity("/a", "b c") == "/a b c"
    assert identity("/a b", "c") == "/a%20b c"
    assert identity("/a b", "c") != identity("/a", "b c")
    assert decode({"specversion": "1.0", "type": "t", "id": "1"}, "cloudevents").id == ""


def test_a_structured_content_type_comes_before_binary_headers() -> None:
    binary = [("ce_specversion", b"1.0"), ("ce_id", b"1"), ("ce_source", b"/h"), ("ce_type", b"header")]
    value = {"specversion": "1.0", "type": "body", "source": "/b", "id": "2"}
    structured = (*binary, ("Content-Type", b"Application/CloudEvents+JSON; charset=utf-8"))
    assert decode(value, "auto", structured).type == "body"
    assert decode(value, "auto", (*binary, ("content-type", b"application/json"))).type == "header"


BINARY = (("ce_specversion", b"1.0"), ("ce_id", b"1"), ("ce_source", b"/h"), ("ce_type", b"t"))


@pytest.mark.parametrize("preset", ["auto", "cloudevents"])
@pytest.mark.parametrize(
    ("media", "value", "text", "problem"),
    [
        (b"application/json", b"{}", False, None),
        (b"application/json", b"not json", False, Unreadable.NOT_JSON),
        (b"application/vnd.x+json; v=1", b"[1]", False, None),
        (b"text/plain", b"123", True, None),
        (b"application/avro", b"\x00\xff\x01", False, Unreadable.NOT_UTF8),
        (None, b'{"a":1}', False, None),
        (None, b"plain words", True, None),
        (None, b"[" * 600 + b"]" * 600, True, None),
        (b"application/json", b"[" * 600 + b"]" * 600, False, Unreadable.TOO_DEEP),
    ],
)
def test_data_of_a_binary_cloudevent(
    preset: str, media: bytes | None, value: bytes, text: bool, problem: Unreadable | None
) -> None:
    headers = BINARY if media is None else (*BINARY, ("content-type", media))
    event = decode(value, preset, headers)
    assert (event.problem, event.text) == (problem, text)
    assert event.type == ("" if problem else "t")


def test_cloudevents_headers_mean_nothing_to_another_preset() -> None:
    assert decode({"rule": "r"}, "falco", BINARY).type == "r"
    assert decode(None, "falco", BINARY).problem is Unreadable.NULL


def test_an_incomplete_set_of_binary_headers_is_no_event_without_value() -> None:
    assert decode(None, "auto", BINARY[1:]).problem is Unreadable.NULL
    assert decode(None, "auto", BINARY[:-1]).problem is Unreadable.NULL


def test_ecs_prefers_its_own_severity_then_the_log_level_then_the_risk() -> None:
    def severity(**fields: object) -> int:
        return decode({"@timestamp": "2026-04-05T17:31:00Z", "ecs": {"version": "9"}, **fields}).severity

    assert severity(event={"severity": 99, "risk_score": 1}, log={"level": "info"}) == 5
    assert severity(event={"risk_score": 1}, **{"log.level": "warn"}) == 3
    assert severity(event={"risk_score": 74.5}) == 4
    assert severity() == 0


def test_the_event_of_an_ecs_record_without_action_is_named_by_dataset_then_category() -> None:
    assert decode({"event": {"dataset": "d", "category": ["c"]}}, "ecs").type == "d"
    assert decode({"event": {"category": [None, "c"]}}, "ecs").type == "c"
    assert decode({"event.category": "c"}, "ecs").type == "c"
    assert decode({"event": {"dataset": "d"}, "event.action": "a"}, "ecs").type == "a"


def test_a_stalwart_document_without_events_is_an_event_without_type() -> None:
    assert decode({"events": []}, "stalwart").type == ""
    assert decode({"events": []}, "auto").type == "events", "it fits no preset, so it is named after its topic"
    assert decode({"events": [{"id": 1, "type": ["t"], "createdAt": {}}, 5]}, "stalwart").type == "t"


@pytest.mark.parametrize("other", ["text", ["list"], 3, {"nested": True}, None])
@pytest.mark.parametrize("key", ["event", "metadata", "cloud", "labels", "content", "output_fields", "events", "ecs"])
def test_a_foreign_meaning_of_a_known_key_spoils_nothing(key: str, other: object) -> None:
    event = decode({"type": "t", "timestamp": "2026-04-05T17:31:00Z", "data": {}, key: other})
    assert (event.problem, event.type) == (None, "t")


def test_two_presets_may_not_read_one_key_as_different_types() -> None:
    class Fields(Body, frozen=True):
        metadata: int = 0

    clash = Preset("clash", Fields, ("x",), lambda fields: False, lambda fields, headers: (None,) * 5)
    with pytest.raises(TypeError, match="metadata"):
        auto.everything((*registry.IN_ORDER, clash))


def test_a_marker_may_not_be_read_by_a_later_preset() -> None:
    class Fields(Body, frozen=True):
        specversion: str = ""

    clash = Preset("clash", Fields, ("x",), lambda fields: False, lambda fields, headers: (None,) * 5)
    with pytest.raises(TypeError, match="specversion"):
        auto.guesses((*registry.IN_ORDER, clash))


@pytest.mark.parametrize("preset", registry.IN_ORDER, ids=lambda p: p.name)
def test_a_preset_detects_nothing_without_its_markers(preset: Preset) -> None:
    """What makes a guess safe: see presets/auto."""
    from source_records import samples

    found = [s for s in samples() if s.detected == preset.name and s.record.value and not s.record.headers]
    for sample in found:
        document = json.loads(sample.record.value or b"")
        assert preset.detect(_fields(preset, document))
        assert not preset.detect(_fields(preset, {k: v for k, v in document.items() if k not in preset.markers}))


def _fields(preset: Preset, document: object) -> object:
    from forwarder.source.presets.lenient import read_lenient

    return read_lenient(preset.fields, json.dumps(document).encode())
