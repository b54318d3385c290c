"""An event can never break out of the place that a JSON template gives it: whatever its texts, the structure stays the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forwarder.deliver.template.tree import RenderError, TemplateError
from tests.unit.deliver.template.make import compiled, render, subject

JINJA = (
    '{"in": "pre {{ data.x }} post", "out": {{ data.x }}, "json": {{ data.x | tojson }}, "{{ data.x }}": 1, '
    '"text": "{{ data.x | tojson }}", "list": [{% for t in data.l %}"{{ t }}"{% if not loop.last %}, {% endif %}{% endfor %}]}'
)
GO = (
    '{"in": "pre {{.data.x}} post", "out": {{.data.x}}, "json": {{.data.x | json}}, "{{.data.x}}": 1, '
    '"text": "{{json .data.x}}", "list": [{{range $i, $t := .data.l}}{{if $i}}, {{end}}"{{$t}}"{{end}}]}'
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def pairs(content: str) -> Any:
    """The structure with the order and number of keys, repeated ones too."""
    return json.loads(content, object_pairs_hook=lambda found: ("object", found))


@pytest.mark.parametrize(("syntax", "source"), [("jinja", JINJA), ("go", GO)])
@given(x=st.text(), texts=st.lists(st.text(), max_size=3))
def test_a_text_stays_the_text_of_its_place(syntax: str, source: str, x: str, texts: list[str]) -> None:
    found = pairs(render(source, syntax, {"x": x, "l": texts}, json=True))
    *others, (name, text), last = found[1]
    assert others == [("in", f"pre {x} post"), ("out", x), ("json", x), (x, 1)]
    assert (name, json.loads(text)) == ("text", x) and last == ("list", texts)


@given(value=VALUES)
def test_any_value_outside_of_strings_is_written_as_json_and_inside_as_its_text(value: Any) -> None:
    found = json.loads(render('{"v": {{ data.v }}, "t": "{{ data.v }}"}', data={"v": value}, json=True))
    assert found["v"] == pytest.approx(value) if isinstance(value, float) else found["v"] == value
    if not isinstance(value, str):
        assert json.loads(found["t"]) == found["v"]


INSIDE = st.sampled_from(
    ["{{ data.x }}", "{{ data.x }}", "{{ data.x | tojson }}", "{{ data.x ~ data.x }}", "a", "\\n", "\\\\", "\\", "\\u00", '", "c": "',
     "{% if data.yes %}b{% endif %}", '{% if data.yes %}", "d": "{% else %}{{ data.x }}{% endif %}',
     "{% for i in data.l %}{{ data.x }}{% endfor %}",
     '{% for i in data.l %}", "e{{ i }}": "{{ data.x }}{% endfor %}', "\\\"", "{% if not data.yes %}\"{% endif %}"]
)  # fmt: skip
OUTSIDE = st.sampled_from(
    [
        "{{ data.x }}",
        "1",
        "[{{ data.x }}, {{ data.l }}]",
        "-{{ data.x }}",
        "{{ data.x }}{{ data.x }}",
        "{{{ data.x }}: 1}",
    ]
)
EVIL = st.text(alphabet=st.sampled_from('"\\{}[]:,1un0a \n\x00\x1f\u2028'), min_size=1, max_size=8)


def shape(value: Any) -> Any:
    """What is left of a document without its texts."""
    if isinstance(value, tuple):
        return ("object", [shape(item) for _, item in value[1]])
    if isinstance(value, list):
        return [shape(item) for item in value]
    return "text" if isinstance(value, str) else value


@given(inside=st.lists(INSIDE, max_size=8), outside=OUTSIDE, evil=EVIL)
def test_no_template_that_is_accepted_lets_an_event_change_the_structure(
    inside: list[str], outside: str, evil: str
) -> None:
    source = '{"a": "' + "".join(inside) + '", "b": ' + outside + "}"
    try:
        template = compiled(source, json=True)
        harmless = template.render((subject({"x": "x", "yes": True, "l": [1, 2]}),)).decode()
    except (TemplateError, RenderError):
        return
    found = template.render((subject({"x": evil, "yes": True, "l": [1, 2]}),)).decode()
    assert shape(pairs(found)) == shape(pairs(harmless))


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ('{"a": "\\{{ data.x }}"}', "1:8"),
        ('{"a": "\\u00{{ data.x }}"}', "1:8"),
        ('{"a": "{{ data.x }}}', "1:7"),
        ('{\n "a": "b\n"}', "2:9"),
        ('{"a": {% if data.x %}"b{% else %}"c"{% endif %}}', "1:10"),
        ('{"a": {% for i in data.l %}"{% endfor %}1}', "1:10"),
        ('{"a": "b" "c"}', "1:1"),
        ('{"a": {{ data.x }}', "1:1"),
        ("", "1:1"),
    ],
)  # fmt: skip
def test_a_template_that_could_break_a_string_is_refused_when_it_is_loaded(source: str, place: str) -> None:
    with pytest.raises(TemplateError) as refused:
        compiled(source, json=True)
    assert str(refused.value).startswith(f"{place}: ")


@pytest.mark.parametrize(
    "source", ['{% if data.x %}{"a": 1}{% else %}{"a": 1{% endif %}', "{% if data.x %}1{% endif %}2 {# #}3"]
)
def test_a_body_that_is_no_json_is_never_given_out(source: str) -> None:
    with pytest.raises(RenderError, match="the body is no JSON"):
        compiled(source, json=True).render((subject({"x": 0}),))


def test_in_a_plain_text_values_stand_as_they_are() -> None:
    assert render("{{ data.x }} {{ data.n }} {{ data.l }}", data={"x": 'a"\\b', "n": None, "l": ["c", True]}) == (
        'a"\\b null ["c",true]'
    )


def test_what_utf8_cannot_carry_becomes_a_question_mark() -> None:
    assert (
        compiled('{"a": "{{ values.x }}", "b": {{ values.x }}}', json=True, values={"x": "a\ud800b"}).render(
            (subject(),)
        )
        == b'{"a": "a?b", "b": "a?b"}'
    )
