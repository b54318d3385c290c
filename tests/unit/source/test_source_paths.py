"""Paths: how they are written, what they find, and presets and overrides made of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from source_records import STAMP_MS, TP0, Record, decode, decoder

from forwarder.errors import ConfigurationError
from forwarder.settings.process import Preset, Source
from forwarder.source.decode import Decoder
from forwarder.source.paths import Path, Root, compile_lookup, lookup, parse_path


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a", Path(Root.BODY, ("a",))),
        ("a.b_c.@d-e", Path(Root.BODY, ("a", "b_c", "@d-e"))),
        ('output_fields["k8s.ns.name"]', Path(Root.BODY, ("output_fields", "k8s.ns.name"))),
        ("a['it\\'s'].b", Path(Root.BODY, ("a", "it's", "b"))),
        ("events[0].id", Path(Root.BODY, ("events", 0, "id"))),
        ("events.0.id", Path(Root.BODY, ("events", "0", "id"))),
        ("[1][2]", Path(Root.BODY, (1, 2))),
        ('["key"]', Path(Root.BODY, ("key",))),
        ("key", Path(Root.KEY)),
        ("topic", Path(Root.TOPIC)),
        ("key.x", Path(Root.BODY, ("key", "x"))),
        ("headers.x-tenant", Path(Root.HEADER, ("x-tenant",))),
        ("headers.a.b", Path(Root.HEADER, ("a.b",))),
        ('headers["a b"]', Path(Root.HEADER, ("a b",))),
        ("headers", Path(Root.BODY, ("headers",))),
    ],
)
def test_paths_are_written_so(text: str, path: Path) -> None:
    assert parse_path(text) == path


@pytest.mark.parametrize(
    "text", ["", ".", "a.", ".a", "a..b", "a[", "a[]", "a[x]", 'a["b]', "a]b", "a b", 'a["b"]c', "[-1]"]
)
def test_what_is_no_path_is_refused_with_the_way_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match="not a path"):
        parse_path(text)


BODY = json.dumps(
    {"a": {"b": 1, "c.d": "x", "n": None}, "l": [{"i": 5}, [7, 8], "s"], "t": True, "o": {"0": "zero"}, "f": 1.5}
).encode()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a.b", 1), ('a["c.d"]', "x"), ("a.n", None), ("a.n.x", None), ("a", None), ("l[0].i", 5), ("l.0.i", 5), ("l", "s"),
        ("l[1]", 7), ("l[1][1]", 8), ("l[9]", None), ("l.x", None), ("a[0]", None), ("t", None), ("o.0", "zero"),
        ('o["0"]', "zero"), ("f", 1.5), ("f.x", None), ("none", None), ("a.none.b", None),
    ],
)  # fmt: skip
def test_paths_find_scalars_and_nothing_else(text: str, found: object) -> None:
    parts = parse_path(text).parts
    assert lookup(BODY, parts) == found
    assert compile_lookup([parts])(BODY) == (found,)
    assert compile_lookup([parts, ("a", "b")])(BODY) == (found, 1)


KEYS = st.sampled_from(["a", "b", "0", "x.y"])
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.text(max_size=3), st.floats(allow_nan=False))
TREES = st.recursive(
    LEAVES, lambda t: st.one_of(st.lists(t, max_size=3), st.dictionaries(KEYS, t, max_size=3)), max_leaves=12
)
PATHS = st.lists(
    st.lists(st.one_of(KEYS, st.integers(0, 2)), min_size=1, max_size=3).map(tuple), min_size=1, max_size=4
)


@given(TREES, PATHS)
def test_the_compiled_look_up_finds_what_the_walk_finds(tree: Any, paths: Any) -> None:
    body = json.dumps(tree).encode()
    try:
        body.decode()
    except UnicodeDecodeError:
        return
    assert compile_lookup(paths)(body) == tuple(lookup(body, parts) for parts in paths)


ALERT = {"rule": "r", "priority": "Error", "output_fields": {"k8s.ns.name": "shop", "x": {"y": "deep"}}, "uuid": "u"}


def test_overrides_replace_single_fields_of_a_preset() -> None:
    envelope = {"tenant": "output_fields.x.y", "id": "headers.x-id", "type": "topic"}
    event = decode(ALERT, "falco", (("x-id", b"first"), ("x-id", b"last")), envelope=envelope)
    assert (event.tenant, event.id, event.type, event.severity) == ("deep", "last", "events", 4)


def test_an_override_that_finds_nothing_is_a_missing_value_and_not_the_presets() -> None:
    envelope = {"tenant": "none", "id": "none", "type": "none", "severity": "none", "time": "none"}
    event = decode({**ALERT, "time": "2026-04-05T17:31:00Z"}, "falco", envelope=envelope)
    assert (event.id, event.type, event.severity, event.tenant) == ("", "", 0, "")
    assert event.time_ns == STAMP_MS * 1_000_000


def test_the_key_may_be_the_tenant() -> None:
    source = Source(topic="events", envelope={"tenant": "key"})
    for key, tenant in ((b"acme", "acme"), (None, ""), (b"\xff", "")):
        record = Record(b"{}", key=key)
        assert Decoder(source).decode(record).tenant == tenant
        assert Decoder(source).decode_all(TP0, [record])[0].tenant == tenant


def test_a_severity_of_ones_own_may_be_any_common_word_whatever_the_preset_knows() -> None:
    record = {"type": "a.b", "timestamp": "2026-11-22T10:00:00Z", "data": {"risk": "Critical"}}
    assert decode(record, "standard-webhooks", envelope={"severity": "data.risk"}).severity == 5
    assert decode(record, "standard-webhooks").severity == 0


def test_an_override_uses_the_presets_own_scale_of_severity() -> None:
    assert decode({"level": 0}, "sysdig", envelope={"severity": "level"}).severity == 4


def test_overrides_of_text_and_of_no_value_find_nothing_in_the_body() -> None:
    envelope = {"tenant": "a", "id": "headers.ce_id"}
    assert decode(b"plain words", "raw", envelope=envelope).tenant == ""
    binary = (("ce_specversion", b"1.0"), ("ce_id", b"1"), ("ce_source", b"/h"), ("ce_type", b"t"))
    event = decode(None, "auto", binary, envelope=envelope)
    assert (event.problem, event.id, event.tenant) == (None, "1", "")


OWN = {
    "mine": Preset(
        id="meta.uid", type="kind", time="at", severity="lvl", tenant="org", severity_map={"spicy": 5, "x": 1}
    )
}


def test_a_preset_of_the_users_own_reads_by_paths_alone() -> None:
    value = b'{"meta":{"uid":9},"kind":"login","at":1700000000,"lvl":"Spicy","org":"acme"}'
    decoder = Decoder(Source(topic="events", preset="mine"), OWN)
    for event in (decoder.decode(Record(value)), *decoder.decode_all(TP0, [Record(value)])):
        assert (event.id, event.type, event.time_ns) == ("9", "login", 1_700_000_000 * 10**9)
        assert (event.severity, event.tenant) == (5, "acme")
    assert decoder.decode(Record(b"[]")).problem is not None


def test_the_source_comes_before_the_users_preset() -> None:
    source = Source(topic="events", preset="mine", envelope={"type": "other"}, severity_map={"x": "high"})
    event = Decoder(source, OWN).decode(Record(b'{"kind":"k","other":"o","lvl":"x","org":"acme"}'))
    assert (event.type, event.severity, event.tenant) == ("o", 4, "acme")


def test_a_preset_that_does_not_exist_is_a_configuration_error_with_a_hint() -> None:
    with pytest.raises(ConfigurationError, match="did you mean falco"):
        decoder("flaco")
    with pytest.raises(ConfigurationError, match="known are auto, cloudevents"):
        decoder("zzz")


def test_a_broken_path_is_a_configuration_error_that_names_the_topic() -> None:
    with pytest.raises(ConfigurationError, match=r"source events: 'a\.\.b' is not a path"):
        decoder("auto", envelope={"type": "a..b"})
