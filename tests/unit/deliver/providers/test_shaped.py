"""The engine of formats that are data: what a tree says, what is left out, how things are cut, and that JSON stays JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forwarder.deliver.payload.provider import Provider, Unrenderable
from forwarder.deliver.payload.registry import provider_of
from forwarder.deliver.payload.shape.cutting import cut, cut_bytes, fitted, unique, units
from forwarder.deliver.payload.shaped import Shaped
from forwarder.lane.sizes import body_size
from forwarder.settings.payload import model_of, payload_of
from forwarder.settings.providers.leaves import LeafError, parse
from forwarder.settings.providers.shapes import complaints
from forwarder.settings.providers.spec import ProviderSpec
from forwarder.settings.secrets import SecretUnavailable
from tests.unit.deliver.make import event, secret

MARKER = "... [truncated]"
OPTIONS = {
    "host": {"default": "h", "meaning": "m"},
    "none": {"meaning": "m"},
    "port": {"type": "number", "default": "514", "meaning": "m"},
    "on": {"type": "flag", "default": "true", "meaning": "m"},
    "labels": {"type": "names", "default": {"a": "b"}, "meaning": "m"},
    "words": {"type": "names", "default": {"Closed": "resolve"}, "meaning": "m"},
    "where": {"default": 'alert["a.b"][1]', "meaning": "m"},
    "token": {"type": "secret", "meaning": "m"},
}


def shaped(body: Any, given: dict[str, Any] | None = None, **facts: Any) -> Provider:
    """A format of this tree."""
    spec = ProviderSpec.model_validate({"title": "T", "documents": ["d"], "options": OPTIONS, "body": body, **facts})
    assert list(complaints(spec)) == []
    return Shaped(model_of("own", spec).model_validate({"format": "own", **(given or {})}), "c")


def value(leaf: Any, value: bytes | None = b"{}", **fields: Any) -> Any:
    """What one leaf becomes; "absent" where it is left out."""
    read = json.loads(shaped({"x": leaf}).render([event(value, **fields)]).content)[0]
    return read.get("x", "absent")


RECORD = b'{"user":{"name":"Ada","a.b":[1,2.50]},"big":123456789012345678901234567890,"no":null,"t":"42","s":"closed","blank":" "}'


@pytest.mark.parametrize(
    ("leaf", "expected"),
    [
        ("$id", "e-1"),
        ("$identity", "c/topic/0/7"),
        ("$type|upper", "AUTH.FAILED"),
        ("$severity", "medium"),
        ("$severityNumber", 3),
        ("$time.s", 1_700_000_000),
        ("$time.ms", 1_700_000_000_123),
        ("$time", 1_700_000_000_123_000_000),
        ("$time.rfc3339", "2023-11-14T22:13:20.123Z"),
        ("$tenant", "absent"),
        ("$tenant|default:nobody", "nobody"),
        ("$tenant|prefix:t=", "absent"),
        ("$topic", "topic"),
        ("$offset", 7),
        ("$cluster", "c"),
        ("$count", 1),
        ("$data", json.loads(RECORD)),
        ("$text", RECORD.decode()),
        ("$data.user.name", "Ada"),
        ('$data.user["a.b"][1]', 2.5),
        ("$data.user", {"name": "Ada", "a.b": [1, 2.5]}),
        ("$data.user|text", '{"name":"Ada","a.b":[1,2.50]}'),
        ("$data.big", 123456789012345678901234567890),
        ("$data.no", "absent"),
        ("$data.gone.further", "absent"),
        ("$data.gone|or:data.user.name", "Ada"),
        ("$data.gone|or:id|upper", "E-1"),
        ("$data.blank|or:id", "e-1"),
        ("$data.blank|default:none", "none"),
        ("$data.blank|then:id", "absent"),
        ("$data.t|then:id", "e-1"),
        ("$data.t|number", 42),
        ("$data.s|number", "absent"),
        ("$data.s|map:words", "resolve"),
        ("$data.t|map:words|default:trigger", "trigger"),
        ("$data.user.name|cut:2", ".."),
        ("$id|key:3", "e-1"),
        ("$summary", "auth.failed (medium)"),
        ("$topic|then:id", "e-1"),
        ("$tenant|then:id", "absent"),
        ("$time.plain", "2023-11-14 22:13:20"),
        ({"$text": {"a": "$id", "b": ["$offset"]}}, '{"a":"e-1","b":[7]}'),
        ({"a?": "$tenant", "b": "$id"}, "absent"),
        ({"a?": "$id", "b": "$tenant"}, {"a": "e-1"}),
        ("$option.host", "h"),
        ("$option.none", "absent"),
        ("$option.port", 514),
        ("$option.on", True),
        ("$option.labels", {"a": "b"}),
        ("$at.where", "absent"),
        ("$at.none", "absent"),
        ("$true", True),
        ("$null", None),
        ("$number:-1.5", -1.5),
        ("$$id", "$id"),
        ("costs $5, $(id), $$(id)", "costs $5, e-1, $(id)"),
        ("$(tenant)", ""),
        ("$(data.user.name|lower) on $(option.port)", "ada on 514"),
        ("$(type|prefix:a<|suffix:>b)", "a<auth.failed>b"),
        ([["$tenant", "$offset"], {"t": "$tenant"}], [[7], {}]),
    ],
)
def test_a_leaf_stands_for_a_part_of_the_event(leaf: Any, expected: Any) -> None:
    assert value(leaf, RECORD, offset=7, id="e-1") == expected


def test_a_path_may_come_from_an_option() -> None:
    provider = shaped({"x": "$at.where"})
    assert json.loads(provider.render([event(b'{"alert":{"a.b":[0,"yes"]}}')]).content) == [{"x": "yes"}]


def test_the_summary_says_what_people_want_to_know() -> None:
    said = value("$summary", b'{"rule":"Shell in\\n container","x":1}', tenant="acme", severity=5)
    assert said == "auth.failed (critical, acme): Shell in container"
    assert value("$summary", b"plain words", text=True, type="") == "topic (medium): plain words"


def test_the_producers_bytes_pass_untouched() -> None:
    record = b'{ "n" : 1.10e400, "d":1,"d":2 }'
    assert record in shaped({"d": "$data"}).render([event(record)]).content


@pytest.mark.parametrize(
    ("batch", "around", "expected"),
    [
        ("array", None, b'[{"o":1},{"o":2}]'),
        ("lines", None, b'{"o":1}\n{"o":2}\n'),
        ("concatenated", None, b'{"o":1}{"o":2}'),
        (
            "envelope",
            {"n": "$count", "h": "$option.host", "e": "$events"},
            b'{"n":2,"h":"$events","e":[{"o":1},{"o":2}]}',
        ),
    ],
)
def test_the_events_share_a_body_as_the_file_says(batch: str, around: Any, expected: bytes) -> None:
    provider = shaped({"o": "$offset"}, {"host": "$events"}, batch=batch, around=around)
    assert provider.render([event(b"1", 1), event(b"2", 2)]).content == expected


def test_one_event_per_request_is_a_cap() -> None:
    assert shaped({"o": "$offset"}, batch="one").spec.caps.max_events == 1


def test_a_record_over_several_lines_stays_on_one_line() -> None:
    assert shaped("$data", batch="lines").render([event(b'{\n"a":1}')]).content == b'{ "a":1}\n'


def test_a_secret_is_read_when_it_is_used_and_never_kept() -> None:
    provider = shaped({"k": "$option.token"}, {"token": secret("hunter2")})
    assert json.loads(provider.render([event()]).content) == [{"k": "hunter2"}]
    assert "hunter2" not in repr(provider.render([event()])) + repr(vars(provider))
    with pytest.raises(SecretUnavailable):
        shaped({"k": "$option.token"}, {"token": {"@type": "EnvironmentVariable", "variableName": "NO_SUCH"}}).render(
            [event()]
        )


def test_a_users_words_for_severities_go_over_the_files() -> None:
    words = ["P5", "P5", "P4", "P3", "P2", "P1", "P1"]
    options = OPTIONS | {"severity": {"type": "names", "meaning": "m"}}
    provider = shaped({"p": "$severity"}, {"severity": {"high": "P1"}}, severity=words, options=options)
    levels = [json.loads(provider.render([event(severity=level)]).content)[0]["p"] for level in range(7)]
    assert levels == ["P5", "P5", "P4", "P3", "P1", "P1", "P1"]


@pytest.mark.parametrize(
    "record", [b'{"x":"' + b"\\u0001" * 900 + b'"}', b'"' + "ä€😀".encode() * 300 + b'"', b"9" * 3000]
)
def test_what_is_too_large_is_cut_with_a_marker_until_it_fits(record: bytes) -> None:
    provider = shaped({"id": "$identity", "d": "$data", "m": "in: $(text)"}, caps={"eventBytes": "500"})
    content = provider.render([event(record), event(b"1", 1)]).content
    cut_one, whole = json.loads(content)
    assert len(json.dumps(cut_one, ensure_ascii=False, separators=(",", ":")).encode()) <= 500
    assert len(content) > 450 and cut_one["d"].endswith(MARKER) and cut_one["m"].endswith(MARKER)
    assert cut_one["id"] == "c/topic/0/0" and whole == {"id": "c/topic/0/1", "d": 1, "m": "in: 1"}


@pytest.mark.parametrize("leaf", ["$topic|then:text", "$tenant|or:data", "$at.none|cut:5|or:text"])
def test_a_record_that_comes_in_another_ones_place_is_cut_too(leaf: str) -> None:
    content = shaped({"d": leaf}, caps={"eventBytes": "200"}).render([event(b'"' + b"x" * 900 + b'"')]).content
    assert len(content) <= 202 and json.loads(content)[0]["d"].endswith(MARKER)


def test_what_does_not_fit_even_without_its_record_cannot_be_rendered() -> None:
    provider = shaped({"id": "$identity", "s": "x" * 200, "d": "$data"}, caps={"eventBytes": "250"})
    with pytest.raises(Unrenderable) as caught:
        provider.render([event(b"1"), event(b'"' + b"x" * 300 + b'"', 1)])
    assert caught.value.events == (1,)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3) | st.just("a"), inner, max_size=3),
    max_leaves=8,
)
TREES = st.recursive(
    st.sampled_from(
        ["$id", "$type", "$data", "$text", "$data.a", "$data.a.a[0]|cut:5", "x$(data.a)y", "$summary", "$tenant|or:key"]
    )
    | st.sampled_from(
        ["$data|bytes:20", "$key|number", "$data.a|upper", "$(text|word)", "$null", "plain", "$option.host|key:2"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
TEXT = st.text() | st.sampled_from(['"', "\\", "\x00", "\u202e", "a\ud800b", '","x":"', "$(id)", "\n"])


@given(
    TREES, JSON, TEXT, TEXT, st.booleans(), st.sampled_from([None, "60", "300"]), st.sampled_from(["array", "lines"])
)
def test_a_body_is_always_json_and_as_large_as_was_thought_at_most(
    tree: Any, record: Any, kind: str, tenant: str, text: bool, cap: str | None, batch: str
) -> None:
    provider = shaped(tree, batch=batch, caps={"eventBytes": cap})
    raw = json.dumps(record).encode()
    one = event(raw, type=kind, tenant=tenant, text=text, key=tenant.encode("utf-8", "replace")[:40])
    try:
        content = provider.render([one, one]).content
    except Unrenderable:
        assert cap is not None
        return
    read = [json.loads(line) for line in content.decode().split("\n")[:-1]] if batch == "lines" else json.loads(content)
    assert len(read) == 2 and read[0] == read[1]
    sizing = provider.spec.sizing
    assert len(content) <= sizing.frame + 2 * body_size(one, sizing)
    if cap is not None:
        assert len(content) <= 2 * (int(cap) + 1) + 2


@given(st.text() | st.text(min_size=40), st.integers(1, 60))
def test_cutting_keeps_its_bounds(text: str, most: int) -> None:
    assert units(cut(text, most, MARKER)) <= most and (units(text) > most or cut(text, most, MARKER) == text)
    assert units(text) <= most or cut(text, most, MARKER).endswith(MARKER[:most])
    assert len(cut_bytes(text, most, MARKER).encode("utf-8", "replace")) <= most
    room = most + 30
    assert len(fitted(text, room, MARKER)) <= room and isinstance(json.loads(fitted(text, room, MARKER)), str)
    assert units(unique(text, most)) <= most


def test_what_java_and_javascript_count_twice_is_counted_twice() -> None:
    assert cut("\N{GRINNING FACE}" * 30, 25, MARKER) == "\N{GRINNING FACE}" * 5 + MARKER
    assert cut("\N{GRINNING FACE}" * 12, 25, MARKER) == "\N{GRINNING FACE}" * 12


def test_a_long_key_stays_unique() -> None:
    first, second = unique("a" * 300 + "1", 255), unique("a" * 300 + "2", 255)
    assert first != second and len(first) == 64


@given(st.text(alphabet="$()|:.[]\"'ab1\\"))
def test_every_text_is_a_leaf_or_is_refused(text: str) -> None:
    try:
        parse(text)
    except LeafError as error:
        assert str(error)


@pytest.mark.parametrize(
    ("options", "record", "action"),
    [
        ({}, b'{"status":"resolved"}', "trigger"),
        ({"dedupKey": "key"}, b'{"status":"resolved"}', "trigger"),
        ({"dedupKey": "key"}, b'{"status":"resolved","key":"k"}', "resolve"),
        ({"dedupKey": "key"}, b'{"status":"open","key":"k"}', "trigger"),
    ],
)
def test_pagerduty_is_asked_to_resolve_only_what_an_event_names(options: Any, record: bytes, action: str) -> None:
    payload = payload_of({"format": "pagerduty", "routingKey": secret("k" * 32), **options})
    assert json.loads(provider_of(payload, "c").render([event(record)]).content)["event_action"] == action
