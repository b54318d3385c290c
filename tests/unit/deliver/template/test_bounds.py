"""Template bombs: each is stopped, soon, and told with its place; the service and the next event never notice."""

from __future__ import annotations

import pytest

from forwarder.deliver.template.bounds import MAX_TEMPLATE_BYTES
from forwarder.deliver.template.tree import RenderError, TemplateError
from tests.unit.deliver.template.make import compiled, render, subject

BOMBS = (
    ("jinja", "{% for i in range(10**9) %}x{% endfor %}", "1:18"),
    ("jinja", "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}", "1:31"),
    ("jinja", "{% for a in data.l for b in a %}{% endfor %}", ""),
    ("jinja", "{{ 'x' * 10**9 }}", "1:4"),
    ("jinja", "{{ 10**9**9 }}", "1:9"),
    ("jinja", "{{ 10**(9**9) }}", "1:4"),
    ("jinja", "{% set ns = namespace(x='xxxxxxxx') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}", "1:77"),
    ("jinja", "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}", "1:70"),
    ("jinja", "{{ 'a\nb' | indent(10**9) }}", "2:6"),
    ("jinja", "{{ 'aaaaaaaaaa' | replace('a', 'b' * 999999) }}", "1:19"),
    ("jinja", "{{ range(99999) | join('x' * 999) }}", "1:19"),
    ("jinja", "{% for i in range(99999) %}{{ data.big | upper | length }}{% endfor %}", "1:50"),
    ("jinja", "{% for i in range(99999) %}{{ data.big | tojson | length }}{% endfor %}", "1:51"),
    ("jinja", "{% for i in range(99999) %}{{ data.big }}{% endfor %}", "1:35"),
    ("jinja", "{% for i in range(99999) if data.big | lower == 'x' %}x{% endfor %}", "1:49"),
    ("jinja", "{{ data.big.replace('a', 'bbbbbbbbbbbbbbbb') }}", "1:20"),
    ("go", "{{range 1000000000}}x{{end}}", "1:9"),
    ("go", "{{range 99999}}{{range 99999}}x{{end}}{{end}}", "1:24"),
    ("go", '{{printf "%999999999d" 3}}', "1:3"),
    ("go", '{{printf "%.999999999f" 3.5}}', "1:3"),
    ("go", "{{$x := .data.big}}{{range 9}}{{$x = print $x $x $x $x}}{{end}}", "1:38"),
    ("go", "{{range 99999}}{{$.data.big | replace \"a\" \"b\" | len}}{{end}}", "1:31"),
    ("jinja", "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}", "1:70"),
    ("jinja", "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = {'a': ns.x, 'b': ns.x} %}{% endfor %}", "1:70"),
    ("jinja", "{% for i in range(99) %}{{ data.deep == data.same }}{% endfor %}", "1:45"),
    ("jinja", "{% for i in range(99) %}{{ [data.deep, 1] | unique | length }}{% endfor %}", "1:28"),
    ("jinja", "{% for i in range(999) %}{{ [data.big, 1] | unique | length }}{% endfor %}", "1:29"),
    ("jinja", "{% for i in range(99) %}{{ data | int }}{% endfor %}", "1:35"),
    ("jinja", "{% for i in range(99) %}{{ 'a' | truncate(9, end=data.deep) }}{% endfor %}", "1:34"),
    ("go", "{{range 99}}{{eq $.data.deep $.data.same}}{{end}}", "1:15"),
    ("go", '{{range 99}}{{hasPrefix "a" $.data}}{{end}}', "1:15"),
)  # fmt: skip
DATA = {"big": "a" * 200_000, "l": [1], "deep": [[[n] for n in range(9_000)]], "same": [[[n] for n in range(9_000)]]}


@pytest.mark.parametrize(("syntax", "source", "place"), BOMBS)
def test_a_bomb_is_stopped_and_named(syntax: str, source: str, place: str) -> None:
    with pytest.raises((RenderError, TemplateError)) as stopped:
        render(source, syntax, DATA)
    assert str(stopped.value).startswith(place)
    assert isinstance(stopped.value, TemplateError) or stopped.value.bounded
    assert "aaaa" not in str(stopped.value)


@pytest.mark.parametrize("syntax", ["jinja", "go"])
@pytest.mark.parametrize(
    "opening", ["{{ " + "(" * 9000, "{{ " + "not " * 9000, "{% if a %}" * 3000, "{{if .data}}" * 3000]
)
def test_a_template_that_is_nested_too_deep_is_refused(syntax: str, opening: str) -> None:
    if (syntax == "go") is opening.startswith("{%"):
        return
    with pytest.raises(TemplateError):
        compiled(opening, syntax)


@pytest.mark.parametrize(
    ("syntax", "source", "word"),
    [
        ("jinja", "x\n {% macro m() %}{{ m() }}{% endmacro %}", "2:5: macro"),
        ("jinja", "{% include 'x' %}", "1:4: include"),
        ("jinja", "{% import 'x' as y %}", "1:4: import"),
        ("jinja", "{% extends 'x' %}", "1:4: extends"),
        ("jinja", "{% block b %}{% endblock %}", "1:4: block"),
        ("jinja", "{% for a in data.l recursive %}{{ loop(a) }}{% endfor %}", "1:4: a recursive loop"),
        ("go", 'x\n{{define "t"}}{{template "t"}}{{end}}', "2:3: define"),
        ("go", '{{template "t"}}', "1:3: template"),
    ],
)  # fmt: skip
def test_what_could_recurse_is_not_available(syntax: str, source: str, word: str) -> None:
    with pytest.raises(TemplateError) as refused:
        compiled(source, syntax)
    assert str(refused.value).startswith(word)


@pytest.mark.parametrize(
    "source",
    [
        "{{ data.__class__ }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ data['__class__'] }}",
        "{{ data['__cl' ~ 'ass__'] }}",
        "{{ [data] | map(attribute='__class__') }}",
        "{{ event.__init__ }}",
        "{{ range.__globals__ }}",
        "{{ data.items.__self__ }}",
        "{{ lipsum }}",
        "{{ cycler }}",
        "{{ self }}",
        "{{ data | attr('__class__') }}",
        "{{ namespace.__init__ }}",
        "{{ loop }}",
    ],
)
def test_nothing_but_data_can_be_reached(source: str) -> None:
    with pytest.raises((TemplateError, RenderError)):
        render(source)


def test_a_template_cannot_change_the_event() -> None:
    with pytest.raises((TemplateError, RenderError)):
        render("{% set data.x = 1 %}{{ data.x }}")
    with pytest.raises((TemplateError, RenderError)):
        render("{% do data.update({}) %}")


def test_a_template_has_a_greatest_size() -> None:
    compiled("x" * MAX_TEMPLATE_BYTES)
    with pytest.raises(TemplateError, match="1:1: a template may have"):
        compiled("x" * (MAX_TEMPLATE_BYTES + 1))


def test_the_next_event_is_rendered_after_a_bomb() -> None:
    template = compiled("{% for i in range(data.n) %}{% for j in range(data.n) %}x{% endfor %}{% endfor %}")
    with pytest.raises(RenderError):
        template.render((subject({"n": 9999}),))
    assert template.render((subject({"n": 2}),)) == b"xxxx"


def test_a_large_digest_is_no_bomb() -> None:
    template = compiled("{% for e in events %}{{ e.id }} {{ e.data.name | upper }}\n{% endfor %}", digest=True)
    assert template.render([subject(index=at) for at in range(20_000)]).count(b"\n") == 20_000


@pytest.mark.parametrize("source", ["{% for i in data.l %}{{ loop }}{% endfor %}", "{{ data.l.append }}"])
def test_what_cannot_be_written_is_an_error_of_the_rendering(source: str) -> None:
    with pytest.raises(RenderError):
        compiled(source).render((subject({"l": [1]}),))


def test_namespaces_ranges_and_large_numbers_can_be_written() -> None:
    assert render("{{ namespace(a=1) }} {{ range(3) }} {{ 10**30 }} {{ namespace(b=2) | tojson }}") == (
        '{"a":1} [0,1,2] 1000000000000000000000000000000 {"b":2}'
    )


@pytest.mark.parametrize("kept", ["{% set n.x = n %}", "{{ [n] }}", "{{ {'a': n} }}", "{{ namespace(x=n) }}"])
def test_a_namespace_cannot_be_kept_in_a_value_and_filled_afterwards(kept: str) -> None:
    with pytest.raises(RenderError, match=r"a namespace\(\) cannot be kept in another value"):
        render("{% set n = namespace() %}" + kept)
