"""Severity: vendors' scales onto 0..6, and the user's table before all of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from source_records import decode

from forwarder.source.presets import registry
from forwarder.source.severity import OCSF, Levels, steps

SCALES = {
    "ocsf": {-1: 0, 0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 0, 99: 0, "High": 4, "3": 3, "Fatal": 6},
    "sysdig": {-1: 0, 0: 4, 3: 4, 4: 3, 5: 3, 6: 2, 7: 1, 8: 0, "2": 4, 4.5: 3},
    "ecs": {-5: 0, 0: 1, 20: 1, 21: 2, 46: 2, 47: 3, 73: 4, 98: 4, 99: 5, 100: 5, "warn": 3, 72.9: 3},
    "cloudevents": {0: 0, 1: 1, 12: 1, 13: 3, 16: 3, 17: 4, 20: 4, 21: 5, 24: 5, 25: 0, "17": 4, "ERROR": 4},
    "falco": {"Emergency": 6, "Alert": 5, "Critical": 5, "Error": 4, "Warning": 3, "Notice": 2, "Informational": 1,
              "Debug": 1, "debug": 1, "whatever": 0, "": 0, 0: 6, 7: 1, 8: 0},
}  # fmt: skip
FIELD = {"ocsf": "severity_id", "sysdig": "severity", "ecs": "event.severity", "cloudevents": "severitynumber",
         "falco": "priority"}  # fmt: skip


@pytest.mark.parametrize(
    ("preset", "word", "level"),
    [(preset, word, level) for preset, scale in SCALES.items() for word, level in scale.items()],
)
def test_scales_of_vendors(preset: str, word: Any, level: int) -> None:
    assert decode({FIELD[preset]: word}, preset).severity == level


def test_the_users_table_comes_first_in_any_case() -> None:
    table = {"NOTICE": "critical", "7": "high", "auth.failed": "medium"}
    assert decode({"priority": "Notice"}, "falco", severity_map=table).severity == 5
    assert decode({"severity": 7}, "sysdig", severity_map=table).severity == 4
    assert decode({"severity": 7.0}, "sysdig", severity_map=table).severity == 4
    assert decode({"severity": 6}, "sysdig", severity_map=table).severity == 2


@pytest.mark.parametrize(
    ("preset", "event"),
    [
        ("stalwart", {"type": "auth.failed"}),
        ("sourcedefense", {"event_name": "auth.failed"}),
        ("standard-webhooks", {"type": "auth.failed"}),
    ],
)
def test_presets_without_severity_take_one_from_the_type(preset: str, event: dict[str, Any]) -> None:
    assert decode(event, preset).severity == 0
    assert decode(event, preset, severity_map={"Auth.Failed": "medium"}).severity == 3


def test_a_type_that_sounds_like_a_level_is_none() -> None:
    assert decode({"type": "alert"}, "stalwart").severity == 0


def test_ocsf_other_speaks_through_its_text() -> None:
    assert decode({"severity_id": 99, "severity": "High"}, "ocsf").severity == 4
    assert decode({"severity_id": 99, "severity": "Spicy"}, "ocsf", severity_map={"spicy": 6}).severity == 6
    assert decode({"severity_id": 99}, "ocsf", severity_map={"99": 2}).severity == 2
    assert decode({"severity": "Low"}, "ocsf").severity == 2


@given(st.sampled_from(registry.IN_ORDER), st.one_of(st.none(), st.text(), st.integers(), st.floats()))
def test_severity_is_always_on_the_scale(preset: Any, word: Any) -> None:
    levels = Levels(preset.scale, preset.level_words, {"x": 3})
    assert levels.of(word) in range(7)
    assert levels.of(word) == Levels(preset.scale, preset.level_words, {"x": 3}).of(word), "memory changes nothing"


def test_a_flood_of_words_is_not_remembered_for_ever() -> None:
    levels = Levels(OCSF)
    assert {levels.of(f"word {n}") for n in range(5000)} == {0}
    assert len(levels.known) < 2000
    assert levels.of("high") == 4


def test_steps_hold_from_their_mark_to_the_next() -> None:
    scale = steps((10, 1), (20, 2))
    assert [scale(n) for n in (9.9, 10, 19.9, 20, 1e9)] == [0, 1, 1, 2, 2]
