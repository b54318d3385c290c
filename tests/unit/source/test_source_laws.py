"""Laws of decoding: nothing raises, nothing is lost, nothing is changed, and neither memory nor company matters."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from source_records import TP0, Record, decoder, samples

from forwarder.model.event import Unreadable
from forwarder.source import screen
from forwarder.source.presets import registry

PRESETS = st.sampled_from(registry.NAMES)
VALUES = [sample.record.value for sample in samples() if sample.record.value]
KNOWN = sorted(
    {key for preset in registry.IN_ORDER for key in preset.fields.__struct_encode_fields__} | {"version", "uid"}
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), TEXT, st.sampled_from(["policy", "1.0", "High"])
)
KEYS = st.one_of(st.sampled_from(KNOWN), TEXT)
TREES = st.recursive(
    LEAVES, lambda t: st.one_of(st.lists(t, max_size=3), st.dictionaries(KEYS, t, max_size=4)), max_leaves=20
)
OBJECTS = st.dictionaries(KEYS, TREES, max_size=8)
NAMES = st.sampled_from(["ce_specversion", "ce_id", "ce_source", "ce_type", "content-type", "type", "x"])
HEADERS = st.lists(st.tuples(NAMES, st.one_of(st.binary(max_size=4), st.just(b"application/json"))), max_size=6).map(
    tuple
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A sample of a producer, cut, or with a piece replaced by anything."""
    value = draw(st.sampled_from(VALUES))
    start = draw(st.integers(0, len(value)))
    end = draw(st.integers(start, len(value)))
    return value[:start] + draw(st.binary(max_size=4)) + value[end:]


ANYTHING = st.one_of(st.none(), st.binary(max_size=12), damaged(), OBJECTS.map(lambda o: json.dumps(o).encode()))


@given(ANYTHING, PRESETS, HEADERS, st.one_of(st.none(), st.binary(max_size=3)))
def test_no_bytes_raise_and_every_record_comes_out_as_it_went_in(
    value: bytes | None, preset: str, headers: Any, key: bytes | None
) -> None:
    record = Record(value, headers, key)
    event = decoder(preset).decode(record)
    assert (event.value, event.headers, event.key, event.offset) == (value, headers, key, record.offset)
    assert event.severity in range(7)
    assert 0 <= event.time_ns < 2**63
    assert all(isinstance(text, str) for text in (event.id, event.type, event.tenant))
    assert decoder(preset).decode_all(TP0, [record]) == [event]


@given(OBJECTS, PRESETS)
def test_any_json_object_is_an_event_under_every_preset(document: dict[str, Any], preset: str) -> None:
    value = json.dumps(document, allow_nan=True).encode()
    event = decoder(preset).decode(Record(value))
    if b"NaN" in value or b"Infinity" in value:  # not JSON; inside strings they are
        assert event.problem in (None, Unreadable.NOT_JSON)
        return
    assert (event.problem, event.text, event.value) == (None, False, value)


@given(st.lists(ANYTHING, max_size=8), PRESETS)
def test_records_are_read_alike_alone_and_in_company(values: list[bytes | None], preset: str) -> None:
    records = [Record(value, offset=number) for number, value in enumerate(values)]
    assert decoder(preset).decode_all(TP0, records) == [decoder(preset).decode(record) for record in records]


def depth_of(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    return 1 + max(map(depth_of, value), default=0) if isinstance(value, list) else 0


@given(TREES, st.integers(90, 110), st.booleans())
def test_depth_is_the_depth_of_the_parsed_value(tree: Any, around: int, objects: bool) -> None:
    for _ in range(around):
        tree = {"a": tree, "b": [[]]} if objects else [tree, {"]": "[{"}]
    assert screen.too_deep(json.dumps(tree).encode()) == (depth_of(tree) > screen.MAX_DEPTH)


@given(st.lists(st.one_of(st.none(), st.binary(max_size=30)), max_size=5))
def test_what_passes_together_passes_alone(values: list[bytes | None]) -> None:
    if screen.all_plain(values, 100):
        assert all(screen.is_plain(value, 100) for value in values)


@pytest.mark.parametrize("value", [b"[" * 60 + b"]" * 60, b'{"a":1}', b'"\xc3\xa4"'])
def test_records_that_are_fine_pass_together(value: bytes) -> None:
    assert screen.all_plain([value, value], 1000)


def test_skipped_fields_are_validated_by_the_library_as_its_full_decoder_does() -> None:
    """What the loop relies on: skipping finds the same syntax errors as decoding everything."""
    tail = [b"tru", b"01", b"1.", b".5", b"+1", b'"\x01"', b'"\\x"', b"[1,]", b'{"a"}', b"NaN", b'"\\ud800"', b"'a'"]
    skip = msgspec.json.Decoder(registry.BY_NAME["falco"].fields).decode
    for piece in tail:
        with pytest.raises(msgspec.DecodeError):
            skip(b'{"rule":"r","unknown":' + piece + b"}")
