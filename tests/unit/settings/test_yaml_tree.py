"""YAML to nodes: text stays text, places are right, hostile documents end in one clear problem."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from forwarder.settings.problems import Unparsable
from forwarder.settings.tree import locate, plain
from forwarder.settings.yaml_tree import MAX_DEPTH, MAX_NODES, parse_yaml


def refusal(text: str) -> str:
    with pytest.raises(Unparsable) as caught:
        parse_yaml(text, "f")
    return str(caught.value.problem)


@pytest.mark.parametrize(
    "word", ["on", "yes", "no", "0123", "1.10", "1:30", "2020-01-01", "0x1f", "1e3", "None", ".inf", "="]
)
def test_a_plain_scalar_stays_the_text_it_is(word: str) -> None:
    assert plain(parse_yaml(f"a: {word}", "f")[0]) == {"a": word}


@pytest.mark.parametrize("word", ["", "~", "null", "NULL"])
def test_null_is_null_only_without_quotes(word: str) -> None:
    assert plain(parse_yaml(f"a: {word}\nb: '{word}'", "f")[0]) == {"a": None, "b": word}


def test_a_null_type_is_the_word_none() -> None:
    assert plain(parse_yaml('a: {"@type": null}', "f")[0]) == {"a": {"@type": "None"}}


def test_a_place_is_that_of_the_key_and_of_the_list_item() -> None:
    node = parse_yaml("a:\n  - b: 1\n  - b: 2\n    cc: 3\n", "f")[0]
    assert str(locate(node, ("a", 1, "cc"))[0]) == "f:4:5"
    assert str(locate(node, ("a", 1))[0]) == "f:3:5"


def test_tags_of_a_union_are_left_out_of_a_path_and_a_missing_key_is_kept() -> None:
    node = parse_yaml("auth:\n  user: x\n", "f")[0]
    mark, _, path = locate(node, ("auth", "Basic", "secret"))
    assert (str(mark), path) == ("f:1:1", ("auth", "secret"))


def test_anchors_aliases_and_merge_keys_work() -> None:
    text = "base: &b {x: 1, y: 2}\none: {<<: *b, y: 3}\ntwo: {<<: [*b, {z: 4}]}\n"
    data = plain(parse_yaml(text, "f")[0])
    assert data["one"] == {"x": "1", "y": "3"}
    assert data["two"] == {"x": "1", "y": "2", "z": "4"}


def test_several_documents_are_several_nodes_and_anchors_end_with_theirs() -> None:
    assert [plain(node) for node in parse_yaml("a: 1\n---\nb: 2\n", "f")] == [{"a": "1"}, {"b": "2"}]
    assert "no anchor" in refusal("a: &x 1\n---\nb: *x\n")


def test_a_duplicate_key_is_refused_where_it_is_repeated() -> None:
    assert refusal("a: 1\nb:\n  c: 1\n  c: 2\n") == "f:4:3: the key 'c' is here twice (first on line 3); remove one"


@pytest.mark.parametrize(
    "text",
    [
        "a: !!python/object/apply:os.system [ls]",
        "a: !secret x",
        "? [a]\n: b",
        "<<: text",
        "a: &a [*a]",
        "a: *b",
        "a: [1",
        "a: \x01",
    ],
)
def test_what_is_not_plain_yaml_is_refused_with_its_place(text: str) -> None:
    assert refusal(text).startswith("f:1:") or refusal(text).startswith("f:2:")


def test_a_secret_that_looks_like_yaml_syntax_is_not_quoted_back() -> None:
    for text in ("secret: *hunter2", "secret: !hunter2 x", "secret: !<hunter2> x"):
        assert "hunter2" not in refusal(text)


def test_a_document_that_explodes_through_its_aliases_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    assert f"more than {MAX_NODES:,} values" in refusal("\n".join(lines))


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_a_document_that_is_too_deep_is_refused(opening: str) -> None:
    assert f"deeper than {MAX_DEPTH}" in refusal(opening * 100_000)


def test_depth_is_allowed_up_to_the_limit() -> None:
    parse_yaml("[" * MAX_DEPTH + "]" * MAX_DEPTH, "f")
    assert "deeper" in refusal("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))


KEYS = st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=8)
TREES = st.recursive(
    st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(TREES)
def test_law_what_pyyaml_writes_is_read_as_it_was(tree: object) -> None:
    text = yaml.safe_dump(tree, allow_unicode=True)
    assume(yaml.safe_load(text) == tree)  # PyYAML writes a lone NEL as a line break, and loses it itself
    assert plain(parse_yaml(text, "f")[0]) == tree


@given(st.text(max_size=60))
def test_law_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    try:
        parse_yaml(text, "f")
    except Unparsable as error:
        assert str(error.problem).startswith("f:")
