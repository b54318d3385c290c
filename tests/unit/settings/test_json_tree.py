"""JSON to nodes: the same trees as YAML, with places."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forwarder.settings.json_tree import parse_json
from forwarder.settings.problems import Unparsable
from forwarder.settings.tree import locate, plain

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12)
)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def as_text(tree: Any) -> Any:
    """What the tree is when every scalar but null stays text."""
    if isinstance(tree, dict):
        return {key: "None" if key == "@type" and value is None else as_text(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [as_text(item) for item in tree]
    return tree if tree is None or isinstance(tree, str) else json.dumps(tree)


@given(TREES, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_law_what_the_standard_library_writes_is_read_as_it_was(tree: Any, indent: Any, ascii_only: bool) -> None:
    assert plain(parse_json(json.dumps(tree, indent=indent, ensure_ascii=ascii_only), "f")) == as_text(tree)


@given(st.text(alphabet='{}[]",: \n\t\\u0123truefalsn-.eE', max_size=30))
def test_law_it_accepts_what_the_standard_library_accepts(text: str) -> None:
    def no_constant(word: str) -> Any:
        raise ValueError(word)

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise ValueError("twice")
        return dict(pairs)

    try:
        json.loads(text, parse_constant=no_constant, object_pairs_hook=unique)
    except (ValueError, RecursionError):
        with pytest.raises(Unparsable):
            parse_json(text, "f")
    else:
        parse_json(text, "f")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": 1,\n  "a": 2}', "f:2:3: the key 'a' is here twice (first on line 1); remove one"),
        ('{"a" 1}', "f:1:6: ':' is expected here"),
        ('{"a": 1,}', "f:1:9: a key in double quotes is expected here"),
        ("[1,\n]", "f:2:1: a JSON value is expected here"),
        ('["a\nb"]', "f:1:2: not valid JSON: Invalid control character at"),
        ("{} x", "f:1:4: something follows the end of the JSON value"),
        ("", "f:1:1: a JSON value is expected here"),
    ],
)
def test_a_mistake_is_said_with_its_place(text: str, said: str) -> None:
    with pytest.raises(Unparsable) as caught:
        parse_json(text, "f")
    assert str(caught.value.problem) == said


def test_a_place_is_that_of_the_key() -> None:
    node = parse_json('{\n  "a": [\n    {"b": 1}\n  ]\n}', "f")
    assert str(locate(node, ("a", 0, "b"))[0]) == "f:3:6"


def test_a_document_that_is_too_deep_is_refused() -> None:
    with pytest.raises(Unparsable, match="nested deeper"):
        parse_json("[" * 100_000, "f")
